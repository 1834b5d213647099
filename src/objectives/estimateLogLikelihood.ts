import type { Tensor } from '@tensorflow/tfjs-core';
import { slice } from '@tensorflow/tfjs-core';
import { checkInteger, checkOptions } from '../core/errors.js';
import type { Rng } from '../core/rng.js';
import { createRng } from '../core/rng.js';
import { meanOf, standardErrorOf } from '../core/statistics.js';
import { createBreather, readBack, tilesOf } from '../core/tiles.js';
import { checkExamples } from './checkExamples.js';
import { checkVariational } from './draws.js';
import { iwae } from './iwae.js';
import type { LatentVariableModel } from './latentVariableModel.js';

/** How far an estimate has come. */
export interface LogLikelihoodProgress {
  /** Weights evaluated so far, of all examples. */
  readonly done: number;
  readonly total: number;
}

/** What `estimateLogLikelihood` takes. */
export interface EstimateLogLikelihoodOptions {
  /** What `vae` makes, or any object with prior, posterior(x) and likelihood(z). */
  readonly model: LatentVariableModel;
  /** N examples: [N, ...event]. */
  readonly data: Tensor;
  /** Draws of z an example, S. Default 1000. */
  readonly samples?: number;
  /** Examples at a time. Default 64. With `chunk` it bounds the memory, and with both the draws are made in another order. */
  readonly tile?: number;
  /** Draws of each of them at a time. Default 50. */
  readonly chunk?: number;
  readonly rng?: Rng;
  /** Aborts before the next chunk. */
  readonly signal?: AbortSignal;
  /** Called after each chunk. */
  readonly onProgress?: (progress: LogLikelihoodProgress) => void;
}

/** What `estimateLogLikelihood` reports: plain numbers, nats an example. */
export interface LogLikelihoodReport {
  /** The mean of log p(x) over the examples. */
  readonly logLikelihood: number;
  /** Standard deviation over the examples, divided by sqrt(N): of the examples as a sample and of the draws together. NaN for one. */
  readonly standardError: number;
  /** What of it the draws of z cause, the examples given. NaN for one draw. */
  readonly monteCarloError: number;
  /** N. */
  readonly n: number;
  /** S. */
  readonly samples: number;
  /** log p(x_i). */
  readonly perExample: Float64Array;
  /** The standard error of each, by the delta method. */
  readonly perExampleErrors: Float64Array;
  /** (sum_s w_s)^2 / sum_s w_s^2 of each, from 1 to S. Where it is small the estimate hangs on few draws, and its error is too low. */
  readonly effectiveSampleSizes: Float64Array;
}

/**
 * log p(x) by importance sampling,
 *
 *   log p(x) ~ log 1/S sum_s w_s,  w_s = p(x | z_s) p(z_s) / q(z_s | x),  z_s ~ q(z | x),
 *
 * for each example of a data set, with as many draws as one likes: they are evaluated `tile` examples and `chunk` draws at a time,
 * and summed on the host in float64, so memory does not grow with S or N. Other work gets its turn in between.
 *
 * The error of an example is that of the mean weight divided by the mean weight (delta method): e^2 = (S sum w^2 / (sum w)^2 - 1) /
 * (S - 1). The logarithm of an unbiased estimate is too low by e^2 / 2, to first order, so that the result is a lower bound in
 * expectation.
 *
 * @throws (rejects) for bad options, data that are no list of the model's events, a weight that is NaN, and with the signal's reason where it is aborted.
 * Source: Burda, Grosse and Salakhutdinov 2016, "Importance weighted autoencoders", section 5; Owen 2013, "Monte Carlo theory,
 * methods and examples", sections 2.7 and 9.2.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { createRng, diagNormal, estimateLogLikelihood, standardNormal } from 'tfjs-flows';
 *
 * // z ~ N(0, 1), x ~ N(z, 1), hence x ~ N(0, 2); the posterior N(x / 2, 1 / 2) is given too wide.
 * const model = {
 *   prior: standardNormal({ eventShape: [1] }),
 *   posterior: (x: tf.Tensor) => diagNormal({ mean: tf.mul(x, 0.5), scale: tf.ones(x.shape) }),
 *   likelihood: (z: tf.Tensor) => diagNormal({ mean: z, scale: tf.ones(z.shape) }),
 * };
 * const { perExample } = await estimateLogLikelihood({ model, data: tf.tensor2d([[1], [-2]]), rng: createRng(0) });
 * const exact = [1, -2].map((x) => -(x ** 2) / 4 - 0.5 * Math.log(4 * Math.PI));
 * console.log(Array.from(perExample, (found, i) => Math.abs(found - exact[i]!) < 0.05)); // => [ true, true ]
 * ```
 */
export async function estimateLogLikelihood(options: EstimateLogLikelihoodOptions): Promise<LogLikelihoodReport> {
  const where = 'estimateLogLikelihood';
  checkOptions(where, options, ['model', 'data', 'samples', 'tile', 'chunk', 'rng', 'signal', 'onProgress']);
  const { model, data, samples = 1000, tile = 64, chunk = 50, rng = createRng(), signal, onProgress } = options;
  checkVariational(where, { model, samples });
  checkInteger(where, 'options.tile', tile, 1);
  checkInteger(where, 'options.chunk', chunk, 1);
  const n = checkExamples(where, model, data);
  const weights = runningWeights(n);
  const breathe = createBreather();
  let done = 0;
  for (const [start, end] of tilesOf(n, tile)) {
    for (const [first, last] of tilesOf(samples, chunk)) {
      signal?.throwIfAborted();
      const logWeights = await readBack(() =>
        iwae({ model, samples: last - first }).logWeights(slice(data, start, end - start), { rng }),
      );
      Array.from(logWeights).forEach((logWeight, k) => {
        weights.add(start + (k % (end - start)), logWeight);
      });
      done += logWeights.length;
      onProgress?.({ done, total: n * samples });
      await breathe();
    }
  }
  const perExample = weights.logMeans(samples);
  const perExampleErrors = weights.relativeErrors(samples);
  return {
    logLikelihood: meanOf(perExample),
    standardError: standardErrorOf(perExample),
    monteCarloError: Math.sqrt(meanOf(perExampleErrors.map((error) => error ** 2)) / n),
    n,
    samples,
    perExample,
    perExampleErrors,
    effectiveSampleSizes: weights.effectiveSizes(),
  };
}

interface RunningWeights {
  add(i: number, logWeight: number): void;
  /** Of the sum of so many. */
  logMeans(count: number): Float64Array;
  relativeErrors(count: number): Float64Array;
  effectiveSizes(): Float64Array;
}

/** Sums of w and w^2 of each example, both relative to its largest weight so far. */
function runningWeights(n: number): RunningWeights {
  const top = new Float64Array(n).fill(Number.NEGATIVE_INFINITY);
  const sums = new Float64Array(n);
  const squares = new Float64Array(n);
  const effectiveSizes = (): Float64Array => sums.map((sum, i) => sum ** 2 / (squares[i] as number));
  return {
    add: (i, logWeight) => {
      if (Number.isNaN(logWeight)) {
        throw new Error(`estimateLogLikelihood: a weight of example ${i} is NaN.`);
      }
      const highest = top[i] as number;
      if (logWeight > highest) {
        const shrink = Math.exp(highest - logWeight);
        sums[i] = (sums[i] as number) * shrink + 1;
        squares[i] = (squares[i] as number) * shrink ** 2 + 1;
        top[i] = logWeight;
      } else if (logWeight > Number.NEGATIVE_INFINITY) {
        const weight = Math.exp(logWeight - highest);
        sums[i] = (sums[i] as number) + weight;
        squares[i] = (squares[i] as number) + weight ** 2;
      }
    },
    logMeans: (count) => top.map((highest, i) => highest + Math.log((sums[i] as number) / count)),
    relativeErrors: (count) => effectiveSizes().map((size) => Math.sqrt(Math.max(0, count / size - 1) / (count - 1))),
    effectiveSizes,
  };
}
