import type { Tensor } from '@tensorflow/tfjs-core';
import { dispose, tensor, tidy } from '@tensorflow/tfjs-core';
import type { CallOptions } from '../core/bijector.js';
import type { Distribution } from '../core/distribution.js';
import { checkInteger, checkNumber, checkOptions, invalid } from '../core/errors.js';
import type { Rng } from '../core/rng.js';
import { createRng } from '../core/rng.js';
import { sizeOf } from '../core/shapes.js';
import { checkDistributionLike } from '../core/structural.js';
import { expectNoLeak } from './expectNoLeak.js';
import type { LawReport, Laws } from './laws.js';
import { createLaws, relativeError } from './laws.js';

/** What `checkDistribution` takes. */
export interface CheckDistributionOptions {
  /** One distribution (no batch axes) over scalars, vectors of one or two elements, or, with `values`, anything finite. */
  readonly distribution: Distribution;
  readonly context?: Tensor;
  /** Continuous: the box that holds all but 1e-5 of the mass, the same for each coordinate. Default [-12, 12]. */
  readonly support?: readonly [low: number, high: number];
  /** Grid cells a coordinate. Default 2000 in one dimension, 400 in two. */
  readonly cells?: number;
  /** Discrete: every event, flat. Sums take the place of integrals. */
  readonly values?: readonly (readonly number[])[];
  /** Default 4000. */
  readonly samples?: number;
  /** How far the integral may be from 1. Default 1e-3. */
  readonly tolerance?: number;
  /** Default: seed 0. */
  readonly rng?: Rng;
}

/**
 * Checks that a distribution is one, and throws an error that lists the laws that it breaks:
 *
 * - the density integrates (or the masses sum) to 1;
 * - samples follow it: each coordinate's empirical distribution function keeps within the Kolmogorov-Smirnov bound of the
 *   integrated density's at level 1e-4, and the means over samples of log p and, for two elements, of the product of their
 *   tanh are the integrals', within five standard errors;
 * - `sampleAndLogProb` agrees with `logProb`; shapes are right for any sample shape and for none;
 * - mean, mode and entropy, where they exist, agree with the integrals;
 * - nothing leaks.
 *
 * @throws for options that do not fit, and where a law is broken.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { standardNormal } from 'tfjs-flows';
 * import { checkDistribution } from 'tfjs-flows/testing';
 *
 * const { errors } = await checkDistribution({ distribution: standardNormal({ eventShape: [1] }) });
 * console.log(errors['integral']! < 1e-4); // => true
 * ```
 */
export async function checkDistribution(options: CheckDistributionOptions): Promise<LawReport> {
  checkOptions('checkDistribution', options, [
    'distribution',
    'context',
    'support',
    'cells',
    'values',
    'samples',
    'tolerance',
    'rng',
  ]);
  const { distribution, context, samples = 4000, tolerance = 1e-3, rng = createRng(0) } = options;
  checkDistributionLike('checkDistribution', 'options.distribution', distribution);
  checkInteger('checkDistribution', 'options.samples', samples, 2);
  checkNumber('checkDistribution', 'options.tolerance', tolerance, { least: 0 });
  const call: CallOptions = context === undefined ? {} : { context };
  const laws = createLaws();
  const { eventShape } = distribution;
  const size = sizeOf(eventShape);

  const batch = distribution.batchShape?.(call) ?? [];
  if (batch.length > 0) {
    throw invalid('checkDistribution', 'options.distribution', 'a single one', `a batch of shape [${batch.join(', ')}]`);
  }
  const { points, weight } = options.values === undefined ? grid(size, options) : { points: eventsOf(size, options), weight: 1 };
  const logProbs = await logProbOf(distribution, points, call);
  const masses = logProbs.map((value) => Math.exp(value) * weight);
  laws.measure('integral', Math.abs(total(masses) - 1), tolerance);

  const draw = { ...call, shape: [samples], rng };
  const [drawn, drawnLogProb] = distribution.sampleAndLogProb(draw);
  laws.require('sample has the shape asked for', drawn.shape.join() === [samples, ...eventShape].join(), `[${drawn.shape}]`);
  const again = distribution.logProb(drawn, call);
  laws.require('log-probability has the batch shape', again.shape.join() === `${samples}`, `[${again.shape}]`);
  const [values, logProb, logProbAgain] = await Promise.all([drawn.data(), drawnLogProb.data(), again.data()]);
  laws.measure('sampleAndLogProb against logProb', relativeError(logProb, logProbAgain), tolerance);
  checkSamples(laws, { size, samples, values, logProb, points, masses, logProbs, discrete: options.values !== undefined });

  const one = distribution.sample({ ...call, rng });
  laws.require('one sample has the event shape', one.shape.join() === eventShape.join(), `[${one.shape}]`);
  const several = distribution.sample({ ...call, shape: [2, 3], rng });
  laws.require('samples take several axes', several.shape.join() === [2, 3, ...eventShape].join(), `[${several.shape}]`);
  await checkMoments(laws, distribution, call, { size, points, masses, logProbs, tolerance });
  await laws.attempt('sample leaves only its result', () => expectNoLeak(() => distribution.sample(draw)));
  await laws.attempt('logProb leaves only its result', () => expectNoLeak(() => distribution.logProb(drawn, call)));
  await laws.attempt('sampleAndLogProb leaves only its results', () => expectNoLeak(() => distribution.sampleAndLogProb(draw)));
  dispose([drawn, drawnLogProb, again, one, several]);
  return laws.conclude(`Distribution '${distribution.name}'`);
}

interface Weighted {
  readonly size: number;
  readonly points: readonly (readonly number[])[];
  readonly masses: readonly number[];
  readonly logProbs: readonly number[];
}

/** Midpoints of the cells of a box, and a cell's volume. */
function grid(
  size: number,
  { support = [-12, 12], cells = size === 1 ? 2000 : 400 }: CheckDistributionOptions,
): { points: number[][]; weight: number } {
  if (!Array.isArray(support)) {
    throw invalid('checkDistribution', 'options.support', '[low, high]', support);
  }
  const [low, high] = support as [number, number];
  if (size > 2) {
    throw invalid(
      'checkDistribution',
      'options.distribution',
      'one over at most 2 elements, or options.values given',
      `${size} elements`,
    );
  }
  checkNumber('checkDistribution', 'options.support[0]', low);
  checkNumber('checkDistribution', 'options.support[1]', high, { above: low });
  checkInteger('checkDistribution', 'options.cells', cells, 1);
  const width = (high - low) / cells;
  const axis = Array.from({ length: cells }, (_, i) => low + (i + 0.5) * width);
  const points = size === 1 ? axis.map((a) => [a]) : axis.flatMap((a) => axis.map((b) => [a, b]));
  return { points, weight: width ** size };
}

/** The values, each a list of `size` numbers. */
function eventsOf(size: number, { values }: CheckDistributionOptions): readonly (readonly number[])[] {
  if (!Array.isArray(values) || values.length === 0 || values.some((value) => value?.length !== size)) {
    throw invalid('checkDistribution', 'options.values', `a list of lists of ${size} numbers`, values);
  }
  return values;
}

async function logProbOf(
  distribution: Distribution,
  points: readonly (readonly number[])[],
  call: CallOptions,
): Promise<number[]> {
  const all: number[] = [];
  // In pieces, since a 2-D grid is large.
  for (let start = 0; start < points.length; start += 20000) {
    const piece = points.slice(start, start + 20000);
    const result = tidy(() =>
      distribution.logProb(tensor(piece.flat(), [piece.length, ...distribution.eventShape], 'float32'), call),
    );
    for (const value of await result.data()) {
      all.push(value);
    }
    result.dispose();
  }
  return all;
}

interface Drawn extends Weighted {
  readonly samples: number;
  readonly values: ArrayLike<number>;
  readonly logProb: ArrayLike<number>;
  readonly discrete: boolean;
}

function checkSamples(laws: Laws, { size, samples, values, logProb, points, masses, logProbs, discrete }: Drawn): void {
  for (let d = 0; d < size; d++) {
    const sorted = Array.from({ length: samples }, (_, n) => values[n * size + d] as number).sort((a, b) => a - b);
    const order = points.map((_, i) => i).sort((a, b) => coordinate(points, a, d) - coordinate(points, b, d));
    const half = discrete ? 0 : halfCell(points, order, d);
    let cumulative = 0;
    let seen = 0;
    let distance = 0;
    order.forEach((index, i) => {
      cumulative += masses[index] as number;
      const here = coordinate(points, index, d);
      const next = order[i + 1];
      if (next !== undefined && coordinate(points, next, d) === here) {
        return;
      }
      while (seen < samples && (sorted[seen] as number) <= here + half) {
        seen += 1;
      }
      distance = Math.max(distance, Math.abs(cumulative - seen / samples));
    });
    // P(distance > 2.23 / sqrt(n)) is below 1e-4 (Kolmogorov).
    laws.measure(`distribution function of coordinate ${d}`, distance, 2.23 / Math.sqrt(samples));
  }
  const agree = (law: string, ofSample: (n: number) => number, ofPoint: (i: number) => number): void => {
    const drawn = Array.from({ length: samples }, (_, n) => ofSample(n));
    const mean = total(drawn) / samples;
    const variance = total(drawn.map((value) => (value - mean) ** 2)) / (samples - 1);
    const expected = total(masses.map((mass, i) => (mass > 0 ? mass * ofPoint(i) : 0)));
    laws.measure(law, Math.abs(mean - expected), 5 * Math.sqrt(variance / samples) + 1e-3);
  };
  agree(
    'mean log-probability of samples',
    (n) => logProb[n] as number,
    (i) => logProbs[i] as number,
  );
  // Bounded, so that heavy tails do no harm: what the coordinates by themselves do not tell.
  if (size === 2) {
    agree(
      'joint behaviour of the coordinates',
      (n) => Math.tanh(values[2 * n] as number) * Math.tanh(values[2 * n + 1] as number),
      (i) => Math.tanh(coordinate(points, i, 0)) * Math.tanh(coordinate(points, i, 1)),
    );
  }
}

async function checkMoments(
  laws: Laws,
  distribution: Distribution,
  call: CallOptions,
  { size, points, masses, logProbs, tolerance }: Weighted & { readonly tolerance: number },
): Promise<void> {
  if (distribution.mean !== undefined) {
    const values = await valuesOf(distribution.mean(call));
    const expected = Array.from({ length: size }, (_, d) => total(masses.map((mass, i) => mass * coordinate(points, i, d))));
    laws.measure('mean against the integral', relativeError(values, expected), 10 * tolerance);
  }
  if (distribution.entropy !== undefined) {
    const expected = -total(masses.map((mass, i) => (mass > 0 ? mass * (logProbs[i] as number) : 0)));
    laws.measure(
      'entropy against the integral',
      relativeError(await valuesOf(distribution.entropy(call)), [expected]),
      10 * tolerance,
    );
  }
  if (distribution.mode !== undefined) {
    const mode = distribution.mode(call);
    const logProb = distribution.logProb(mode, call);
    const highest = logProbs.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
    const [atMode] = await valuesOf(logProb);
    laws.measure('mode against the highest density', Math.max(0, highest - (atMode as number)), tolerance);
    mode.dispose();
  }
}

async function valuesOf(value: Tensor): Promise<Float32Array> {
  const values = (await value.data()) as Float32Array;
  value.dispose();
  return values;
}

const coordinate = (points: readonly (readonly number[])[], i: number, d: number): number => (points[i] as number[])[d] as number;

function halfCell(points: readonly (readonly number[])[], order: readonly number[], d: number): number {
  const first = coordinate(points, order[0] as number, d);
  const other = order.find((index) => coordinate(points, index, d) > first);
  return other === undefined ? 0 : (coordinate(points, other, d) - first) / 2;
}

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
