import type { Tensor } from '@tensorflow/tfjs-core';
import {
  add,
  cast,
  clipByValue,
  equal,
  exp,
  log,
  minimum,
  mul,
  neg,
  range,
  reshape,
  round,
  softplus,
  sub,
  transpose,
} from '@tensorflow/tfjs-core';
import type { CallOptions } from '../core/bijector.js';
import type { DistributionSpec } from '../core/defineDistribution.js';
import { checkInteger, checkNumber } from '../core/errors.js';
import { oneMinusExpRatio } from '../core/oneMinusExp.js';
import { untaped } from '../core/stopGradient.js';
import { classProperties, meanClass, outsidePenalty } from './classes.js';

/** The levels that a density is rounded to. */
export interface LevelOptions {
  /** How many values x can take: 0 ... levels - 1. At least 2. Default 256. */
  readonly levels?: number;
  /** Where level 0 lies on the scale of the parameters. Default -1. */
  readonly low?: number;
  /** Where level `levels - 1` lies on the scale of the parameters. Default 1: with `low`, the scale of PixelCNN++. */
  readonly high?: number;
}

/** Checked levels, and the way from the scale of the parameters to the one on which levels are 1 apart and centred at 0. */
export interface Levels {
  readonly count: number;
  readonly middle: number;
  /** The distance of two levels. */
  readonly step: number;
}

/** @throws for a count, low or high that are none. */
export function checkLevels(where: string, { levels = 256, low = -1, high = 1 }: LevelOptions): Levels {
  checkInteger(where, 'options.levels', levels, 2);
  checkNumber(where, 'options.low', low);
  checkNumber(where, 'options.high', high, { above: low });
  return { count: levels, middle: (low + high) / 2, step: (high - low) / (levels - 1) };
}

/** Location and log-scale of logistic distributions, on the scale of the parameters. */
export interface LogisticParameters {
  readonly location: Tensor;
  readonly logScale: Tensor;
}

/**
 * Log of the mass that a logistic distribution has on the bin of a level, element by element; the outer bins go on for ever.
 *
 * With the bin's ends b < a in units of the scale it is log(sigma(a) - sigma(b)), by the identity
 *
 *   sigma(a) - sigma(b) = sigma(a) sigma(-b) (1 - e^(b - a)),
 *
 * whose three logarithms have one sign, so that nothing cancels, wherever the bin lies and however narrow it is. The outer bins drop
 * what belongs to their missing end.
 */
export function levelLogMass(value: Tensor, { location, logScale }: LogisticParameters, { count, middle, step }: Levels): Tensor {
  // The value and its half are exact on the scale of the levels, where the distance of two bins' ends is 1.
  const distance = sub(sub(value, (count - 1) / 2), mul(sub(location, middle), 1 / step));
  const logWidth = sub(Math.log(step), logScale);
  const inverseScale = exp(logWidth);
  const above = mul(add(distance, 0.5), inverseScale);
  const below = mul(sub(distance, 0.5), inverseScale);
  const inFirst = untaped(() => cast(equal(value, 0), 'float32'));
  const inLast = untaped(() => cast(equal(value, count - 1), 'float32'));
  const [hasLower, hasUpper] = [sub(1, inFirst), sub(1, inLast)];
  const losses = add(mul(hasUpper, softplus(neg(above))), mul(hasLower, softplus(below)));
  const logMass = sub(mul(mul(hasLower, hasUpper), logOneMinusExp(logWidth)), losses);
  return add(logMass, outsidePenalty(value, count));
}

/** log(1 - e^-w) from log w: w itself may be below what float32 has. */
function logOneMinusExp(logWidth: Tensor): Tensor {
  // From e^5 on 1 - e^-w is 1.
  const capped = minimum(logWidth, 5);
  return add(capped, log(oneMinusExpRatio(exp(capped))));
}

/** The level whose bin holds x, which is on the scale of the parameters. */
export function toLevel(x: Tensor, { count, middle, step }: Levels): Tensor {
  return clipByValue(round(add(mul(sub(x, middle), 1 / step), (count - 1) / 2)), 0, count - 1);
}

/**
 * Mean, mode, entropy and divergences of a distribution over levels, by summing over all of them.
 *
 * @param shape [...batch, ...event]
 * @param logMass log-probabilities of values [levels, ...1], element by element
 */
export function levelProperties(
  { count }: Levels,
  shape: readonly number[],
  eventRank: number,
  logMass: (values: Tensor, call: CallOptions) => Tensor,
): Required<Pick<DistributionSpec, 'mean' | 'mode' | 'entropy' | 'family' | 'klTo'>> {
  /** [...batch, ...event, levels] */
  const table = (call: CallOptions): Tensor => {
    const values = reshape(range(0, count), [count, ...shape.map(() => 1)]);
    return transpose(logMass(values, call), [...shape.map((_, axis) => axis + 1), 0]);
  };
  return { mean: (call) => meanClass(table(call)), ...classProperties(table, eventRank) };
}
