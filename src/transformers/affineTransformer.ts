import type { Tensor } from '@tensorflow/tfjs-core';
import {
  abs,
  add,
  div,
  exp,
  greaterEqual,
  log,
  maximum,
  minimum,
  mul,
  neg,
  reshape,
  sigmoid,
  softplus,
  square,
  sub,
  tanh,
} from '@tensorflow/tfjs-core';
import { checkNumber, checkOptions, invalid } from '../core/errors.js';
import { logSigmoid } from '../core/math.js';
import { select } from '../core/select.js';
import type { Transformer } from '../core/transformer.js';
import { defineTransformer, splitParameters } from '../core/transformer.js';
import type { AffineAttributes } from '../kernels/affine/affine.js';
import { AFFINE } from '../kernels/affine/affine.js';

/** How a scale is made of an unbounded number: see `affineTransformer`. */
export type AffineScale = 'bounded' | 'exp' | 'tanh' | 'softplus' | 'sigmoid' | 'gate';

/** What `affineTransformer` takes. */
export interface AffineTransformerOptions {
  /** Default 'bounded'. */
  readonly scale?: AffineScale;
  /** Of 'softplus' (default 0), 'sigmoid' (default 2) and 'gate' (default 1): what is added to the raw number. */
  readonly offset?: number;
  /** Of 'softplus' and 'sigmoid': what is added to the scale, at least 0. Default 0.001. */
  readonly minimum?: number;
  /** Of 'softplus': where the scale is cut off; beyond it no gradient comes. Default: nowhere. */
  readonly maximum?: number;
}

/** Their names, for checks. */
export const AFFINE_OPTIONS: readonly (keyof AffineTransformerOptions)[] = ['scale', 'offset', 'minimum', 'maximum'];

/** Those of a larger set of options that are of the affine transformer. */
export function affineOptionsOf(options: AffineTransformerOptions): AffineTransformerOptions {
  return Object.fromEntries(Object.entries(options).filter(([name]) => (AFFINE_OPTIONS as readonly string[]).includes(name)));
}

/**
 * Affine map of each element: y = scale x + shift, from two parameters [shift, raw].
 *
 * | scale | log-derivative | all zero is |
 * |---|---|---|
 * | 'bounded' | raw / (1 + abs(raw) / L), L = log 1000 | the identity |
 * | 'exp' | raw | the identity |
 * | 'tanh' | tanh(raw) | the identity |
 * | 'softplus' | log(softplus(raw + offset) + minimum), cut off at log(maximum) | x log 2, and more with an offset |
 * | 'sigmoid' | log(sigmoid(raw + offset) + minimum) | a contraction |
 * | 'gate' | log g, g = sigmoid(raw + offset) | a contraction |
 *
 * 'gate' is y = g x + (1 - g) shift. With 'softplus', offset log(e^(1 - minimum) - 1) makes all zero the identity. The
 * log-derivatives are exact in float32: none is the logarithm of a number that was rounded to 0.
 *
 * Shapes: x and y [...s], parameters [...s, 2], log-derivative [...s], in nats. Both directions parallel.
 *
 * @throws for an unknown scale or option, and for an offset, minimum or maximum that the scale does not have.
 * Source: Dinh et al. 2017 (RealNVP) for 'exp' and 'tanh'; Kingma et al. 2016 (IAF), equation 10 and appendix, for 'gate';
 * 'softplus' and 'sigmoid' as in nflows; 'bounded' as in zuko.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { affineTransformer } from 'tfjs-flows';
 *
 * const transformer = affineTransformer({ scale: 'exp' });
 * const [y, logDerivative] = transformer.forwardAndLogDerivative(tf.tensor1d([3]), tf.tensor2d([[1, Math.log(2)]]));
 * console.log(y.dataSync()[0].toFixed(3), logDerivative.dataSync()[0].toFixed(3)); // => 7.000 0.693
 * ```
 */
export function affineTransformer(options: AffineTransformerOptions = {}): Transformer {
  const attributes = affineAttributes(options);
  const { kind, ...settings } = attributes;
  const parts = (x: Tensor, parameters: Tensor): [shift: Tensor, raw: Tensor] =>
    splitParameters(parameters, [1, 1]).map((part) => reshape(part, x.shape)) as [Tensor, Tensor];
  const common = {
    name: 'affineTransformer',
    parameterSize: 2,
    forwardCost: 'parallel',
    inverseCost: 'parallel',
    kernel: { name: AFFINE, attributes },
  } as const;

  if (kind === 'gate') {
    return defineTransformer({
      ...common,
      forwardAndLogDerivative: (x, parameters) => {
        const [shift, raw] = parts(x, parameters);
        const s = add(raw, settings.offset);
        return [add(mul(sigmoid(s), x), mul(sigmoid(neg(s)), shift)), logSigmoid(s)];
      },
      inverseAndLogDerivative: (y, parameters) => {
        const [shift, raw] = parts(y, parameters);
        const s = add(raw, settings.offset);
        // 1 / g = 1 + e^-s, cut off before it overflows and 0 times it is NaN.
        return [add(y, mul(sub(y, shift), exp(minimum(neg(s), STEEPEST)))), softplus(neg(s))];
      },
    });
  }
  const scaleOf = SCALES[kind];
  return defineTransformer({
    ...common,
    forwardAndLogDerivative: (x, parameters) => {
      const [shift, raw] = parts(x, parameters);
      const [scale, logScale] = scaleOf(raw, settings);
      return [add(mul(x, scale), shift), logScale];
    },
    inverseAndLogDerivative: (y, parameters) => {
      const [shift, raw] = parts(y, parameters);
      const [scale, logScale] = scaleOf(raw, settings);
      return [div(sub(y, shift), scale), neg(logScale)];
    },
  });
}

/** What fused kernels are told. Throws as `affineTransformer` does. */
export function affineAttributes(options: AffineTransformerOptions): AffineAttributes {
  checkOptions('affineTransformer', options, AFFINE_OPTIONS);
  const { scale: kind = 'bounded' } = options;
  if (!Object.hasOwn(KINDS, kind)) {
    throw invalid('affineTransformer', 'options.scale', `one of ${Object.keys(KINDS).join(', ')}`, kind);
  }
  return { kind, ...settingsOf(kind, options) };
}

const STEEPEST = 80;

interface Settings {
  readonly offset: number;
  readonly minimum: number;
  readonly maximum: number;
}

/** The numbers that each kind has, with their defaults. */
const KINDS: Readonly<Record<AffineScale, Partial<Settings>>> = {
  bounded: {},
  exp: {},
  tanh: {},
  softplus: { offset: 0, minimum: 0.001, maximum: Number.POSITIVE_INFINITY },
  sigmoid: { offset: 2, minimum: 0.001 },
  gate: { offset: 1 },
};

function settingsOf(kind: AffineScale, options: AffineTransformerOptions): Settings {
  const defaults = KINDS[kind];
  for (const name of ['offset', 'minimum', 'maximum'] as const) {
    const value = options[name];
    if (value === undefined) continue;
    if (defaults[name] === undefined) {
      throw invalid('affineTransformer', `options.${name}`, `left out where the scale is '${kind}'`, value);
    }
    if (name !== 'maximum' || value !== Number.POSITIVE_INFINITY) {
      const range = { offset: {}, minimum: { least: 0 }, maximum: { above: options.minimum ?? defaults.minimum ?? 0 } }[name];
      checkNumber('affineTransformer', `options.${name}`, value, range);
    }
  }
  return {
    offset: options.offset ?? defaults.offset ?? 0,
    minimum: options.minimum ?? defaults.minimum ?? 0,
    maximum: options.maximum ?? defaults.maximum ?? Number.POSITIVE_INFINITY,
  };
}

type ScaleFunction = (raw: Tensor, settings: Settings) => [scale: Tensor, logScale: Tensor];

const LARGEST_LOG_SCALE = Math.log(1000);

const fromLog = (logScale: Tensor): [Tensor, Tensor] => [exp(logScale), logScale];

/** A scale given by its logarithm, raised by the minimum. */
const raised = (logScale: Tensor, least: number): [Tensor, Tensor] => {
  if (least === 0) {
    return fromLog(logScale);
  }
  const scale = add(exp(logScale), least);
  return [scale, log(scale)];
};

const SCALES: Readonly<Record<Exclude<AffineScale, 'gate'>, ScaleFunction>> = {
  bounded: (raw) => fromLog(div(raw, add(div(abs(raw), LARGEST_LOG_SCALE), 1))),
  exp: fromLog,
  tanh: (raw) => fromLog(tanh(raw)),
  sigmoid: (raw, { offset, minimum: least }) => raised(logSigmoid(add(raw, offset)), least),
  softplus: (raw, { offset, minimum: least, maximum: most }) => {
    const [scale, logScale] = raised(logSoftplus(add(raw, offset)), least);
    return most === Number.POSITIVE_INFINITY ? [scale, logScale] : [minimum(scale, most), minimum(logScale, Math.log(most))];
  },
};

/**
 * log softplus(t). Below -2, softplus(t) = log(1 + e) with e = exp(t) is 2 u (1 + u^2 / 3 + u^4 / 5 + ...), u = e / (2 + e),
 * and its logarithm t + log(2 (1 + u^2 / 3 + ...) / (2 + e)): a backend that takes 1 + e in float32 would lose it all.
 */
function logSoftplus(t: Tensor): Tensor {
  const low = minimum(t, BEND);
  const e = exp(low);
  const squared = square(div(e, add(e, 2)));
  const series = add(mul(squared, add(mul(squared, 1 / 5), 1 / 3)), 1);
  const tail = add(low, log(div(mul(series, 2), add(e, 2))));
  return select(greaterEqual(t, BEND), log(softplus(maximum(t, BEND))), tail);
}

const BEND = -2;
