import type { Tensor } from '@tensorflow/tfjs-core';
import { broadcastTo, dispose, gather, slice, tensor1d, tidy } from '@tensorflow/tfjs-core';
import { checkChoice } from '../core/checkChoice.js';
import type { Distribution } from '../core/distribution.js';
import { checkInteger, checkOptions, invalid } from '../core/errors.js';
import { LOG_TWO_PI } from '../core/math.js';
import { randomPermutation } from '../core/randomPermutation.js';
import type { Rng } from '../core/rng.js';
import { createRng } from '../core/rng.js';
import { createBreather, tilesOf } from '../core/tiles.js';
import type { NormalParameters } from '../distributions/normalFamily.js';
import { checkExamples } from '../objectives/checkExamples.js';
import type { LatentVariableModel } from '../objectives/latentVariableModel.js';
import { checkModel } from '../objectives/latentVariableModel.js';
import type { MinibatchEstimator } from '../objectives/minibatchAggregate.js';
import { MINIBATCH_ESTIMATORS, minibatchAggregate } from '../objectives/minibatchAggregate.js';
import type { SurgeryProgress } from './aggregatedPosterior.js';
import { drawAll } from './draws.js';
import { logSums } from './logSums.js';
import { addPairs, columnOf, readNormals } from './normals.js';
import { isSaturated, summarize } from './statistics.js';

/** What `totalCorrelation` takes. */
export interface TotalCorrelationOptions {
  /** What `vae` makes, or any object with prior, posterior(x) and likelihood(z). Its posteriors are independent normals. */
  readonly model: LatentVariableModel;
  /** The N data points: [N, ...event]. */
  readonly data: Tensor;
  /** Draws of z a data point, S. Default 1. */
  readonly samples?: number;
  /** 'exact' over all data (default), or from minibatches: 'stratified' and 'weighted' are biased, see `minibatchAggregate`. */
  readonly estimator?: 'exact' | MinibatchEstimator;
  /** Data points a minibatch of the biased estimators. Default 64, or N where that is less. */
  readonly batchSize?: number;
  /** Data points a tile of the exact one. Default 64. */
  readonly tile?: number;
  readonly rng?: Rng;
  /** Aborts at the next tile. */
  readonly signal?: AbortSignal;
  /** Called after each tile. */
  readonly onProgress?: (progress: SurgeryProgress) => void;
}

/** The parts of the KL term, nats an example. */
export interface TotalCorrelationEstimates {
  /** E KL(q(z | x) || p(z)) = mutualInformation + marginalKl. */
  readonly averageKl: number;
  /** I_q[x; z], of index and code. */
  readonly mutualInformation: number;
  /** KL(q(z) || p(z)) = totalCorrelation + dimensionWiseKl. */
  readonly marginalKl: number;
  /** KL(q(z) || prod_d q(z_d)): how much the latents depend on each other. */
  readonly totalCorrelation: number;
  /** sum_d KL(q(z_d) || p(z_d)) where the prior factorises; E log prod_d q(z_d) / p(z) in any case. */
  readonly dimensionWiseKl: number;
}

/** What `totalCorrelation` reports: plain numbers, in nats. */
export interface TotalCorrelationReport extends TotalCorrelationEstimates {
  /** The one that was asked for. */
  readonly estimator: 'exact' | MinibatchEstimator;
  /** Whether it is biased: all but the exact one are. */
  readonly biased: boolean;
  /** KL(q(z_d) || p(z_d)) of each latent; undefined where the prior is not of independent normals. */
  readonly perDimension: readonly number[] | undefined;
  /** N. */
  readonly n: number;
  readonly logN: number;
  /** Whether the mutual information has reached log N but for its standard error or 0.1 nats: see `elboSurgery`. */
  readonly saturated: boolean;
  /** Standard deviation over the data points, divided by sqrt(N); NaN for one. It knows nothing of a bias. */
  readonly standardErrors: TotalCorrelationEstimates;
}

/**
 * The KL term of a trained model in three parts:
 *
 *   E KL(q(z | x) || p(z)) = I_q[x; z] + KL(q(z) || prod_d q(z_d)) + sum_d KL(q(z_d) || p(z_d)),
 *
 * mutual information, total correlation and dimension-wise KL, with q(z) = 1/N sum_n q(z | x_n) and its marginals q(z_d).
 *
 * By default q(z) and all q(z_d) are exact over the N data points (`aggregatedPosteriorLogProb` tells how they are summed); only the averages over z are by
 * Monte Carlo, all from the same draws, so that the parts add up but for rounding. That costs N^2 S D exponentials. The estimates
 * from minibatches, as training sees them, cost N B S D; **they are biased**: with 200 data points and minibatches of 20 the example
 * below is wrong in its total correlation by far more than its standard error.
 *
 * @throws (rejects) for bad options, data that are no list of the model's events, posteriors that are not independent normals (the marginals of others are unknown), a density
 * that is NaN, and with the signal's reason where it is aborted.
 * Source: Chen et al. 2018, "Isolating sources of disentanglement in VAEs", equation 2.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { createRng, diagNormal, standardNormal, totalCorrelation } from 'tfjs-flows';
 *
 * // Two latents tell the same thing: the first coordinate of x, each with noise 0.5.
 * const model = {
 *   prior: standardNormal({ eventShape: [2] }),
 *   posterior: (x: tf.Tensor) => diagNormal({ mean: tf.mul(x, [0.8, 0.8]), scale: tf.fill([x.shape[0]!, 2], 0.5) }),
 *   likelihood: (z: tf.Tensor) => diagNormal({ mean: tf.slice(z, [0, 0, 0], [-1, -1, 1]), scale: 1 }),
 * };
 * const data = createRng(0).normal([200, 1]);
 * const exact = await totalCorrelation({ model, data, samples: 5, rng: createRng(1) });
 * console.log(exact.totalCorrelation.toFixed(2), exact.biased); // => 0.35 false
 * const rough = await totalCorrelation({ model, data, samples: 5, estimator: 'weighted', batchSize: 20, rng: createRng(1) });
 * console.log(rough.totalCorrelation.toFixed(2), rough.biased); // => 5.63 true
 * ```
 */
export async function totalCorrelation(options: TotalCorrelationOptions): Promise<TotalCorrelationReport> {
  const where = 'totalCorrelation';
  checkOptions(where, options, ['model', 'data', 'samples', 'estimator', 'batchSize', 'tile', 'rng', 'signal', 'onProgress']);
  const { model, data, samples = 1, estimator = 'exact', tile = 64, rng = createRng() } = options;
  checkModel(where, model);
  checkInteger(where, 'options.samples', samples, 1);
  checkChoice(where, 'options.estimator', estimator, ['exact', ...MINIBATCH_ESTIMATORS]);
  checkInteger(where, 'options.tile', tile, 1);
  const n = checkExamples(where, model, data);
  const batchSize = options.batchSize ?? Math.min(64, n);
  checkInteger(where, 'options.batchSize', batchSize, estimator === 'stratified' ? 2 : 1);
  if (batchSize > n) {
    throw invalid(where, 'options.batchSize', `at most the ${n} data points`, batchSize);
  }

  const problem: Problem = { ...options, where, n, samples, tile, rng };
  const logs = await (estimator === 'exact' ? exactLogs(problem) : minibatchLogs(problem, estimator, batchSize));
  const { means, standardErrors } = summarize(ESTIMATES, logs.aggregate.length / samples, samples, (m) => {
    const [posterior, aggregate, prior] = [logs.posterior, logs.aggregate, logs.prior].map((values) => values[m] as number) as [
      number,
      number,
      number,
    ];
    const product = logs.marginals.reduce((total, values) => total + (values[m] as number), 0);
    return {
      averageKl: posterior - prior,
      mutualInformation: posterior - aggregate,
      marginalKl: aggregate - prior,
      totalCorrelation: aggregate - product,
      dimensionWiseKl: product - prior,
    };
  });
  const perDimension = logs.priors?.map((prior, d) => {
    const marginal = logs.marginals[d] as Float64Array;
    return marginal.reduce((total, log, m) => total + log - (prior[m] as number), 0) / marginal.length;
  });
  const saturated = isSaturated(means.mutualInformation, standardErrors.mutualInformation, n);
  return { ...means, estimator, biased: estimator !== 'exact', perDimension, n, logN: Math.log(n), saturated, standardErrors };
}

const ESTIMATES = ['averageKl', 'mutualInformation', 'marginalKl', 'totalCorrelation', 'dimensionWiseKl'] as const;

interface Problem extends TotalCorrelationOptions {
  readonly where: string;
  readonly n: number;
  readonly samples: number;
  readonly tile: number;
  readonly rng: Rng;
}

/** Log-densities of all draws. */
interface Logs {
  /** log q(z | x) of the data point that z was drawn from. */
  readonly posterior: Float64Array;
  readonly prior: Float64Array;
  readonly aggregate: Float64Array;
  /** Those of each latent by itself. */
  readonly marginals: readonly Float64Array[];
  readonly priors: readonly Float64Array[] | undefined;
}

/** All pairs of draws and data points. */
async function exactLogs({ where, model, data, n, samples, tile, rng, signal, onProgress }: Problem): Promise<Logs> {
  const rows = (start: number, end: number): Tensor => slice(data, start, end - start);
  const draws = await drawAll({ model, rows, n, samples, tile, rng, signal, likelihood: false });
  try {
    const event = draws.z.shape.slice(1);
    const posterior = (start: number, end: number): Distribution => model.posterior(rows(start, end));
    const normals = await readNormals({ posterior, count: n, event, tile, signal });
    if (normals === undefined) {
      throw notNormal(
        where,
        tidy(() => posterior(0, 1).name),
      );
    }
    const points = await draws.z.data();
    const { dim } = normals;
    const total = n * samples * n * (dim + 1);
    let done = 0;
    const shared = {
      tile,
      signal,
      breathe: createBreather(),
      onPairs: (pairs: number) => {
        done += pairs;
        onProgress?.({ done, total });
      },
    };
    const averaged = (logs: Float64Array): Float64Array => logs.map((log) => log - Math.log(n));

    const joint = logSums(where, n * samples);
    // The density that came with the draw, for the data point of its own.
    draws.logPosterior.forEach((log, m) => {
      joint.add(m, log);
    });
    await addPairs({ ...shared, normals, points, sums: joint, done: (m) => m % n });
    const marginals: Float64Array[] = [];
    for (let d = 0; d < dim; d++) {
      const sums = logSums(where, n * samples);
      await addPairs({ ...shared, normals: columnOf(normals, d), points: column(points, dim, d), sums });
      marginals.push(averaged(sums.logs()));
    }
    const priors = await priorLogs(model.prior, points);
    return { posterior: draws.logPosterior, prior: draws.logPrior, aggregate: averaged(joint.logs()), marginals, priors };
  } finally {
    draws.z.dispose();
  }
}

/** Draws and data points of the same minibatch, the data in random order. */
async function minibatchLogs(
  { where, model, data, n, samples, rng, signal, onProgress }: Problem,
  estimator: MinibatchEstimator,
  batchSize: number,
): Promise<Logs> {
  const order = randomPermutation(rng, n);
  // A single one that is left over has no other data point beside it.
  const batches = tilesOf(n, batchSize).filter(([start, end]) => end - start > 1 || batchSize === 1);
  const covered = (batches.at(-1) as [number, number])[1];
  const table = (): Float64Array => new Float64Array(covered * samples);
  const single = { posterior: table(), prior: table(), aggregate: table() };
  const dim = model.prior.eventShape.reduce((size, length) => size * length, 1);
  const points = new Float64Array(covered * samples * dim);
  const marginals = Array.from({ length: dim }, table);
  const breathe = createBreather();
  for (let s = 0; s < samples; s++) {
    for (const [start, end] of batches) {
      signal?.throwIfAborted();
      const tensors = tidy(() => {
        const x = gather(data, tensor1d(order.slice(start, end), 'int32'));
        const posterior = model.posterior(x, { rng });
        if (posterior.family?.name !== 'normal') {
          throw notNormal(where, posterior.name);
        }
        const [z, logPosterior] = posterior.sampleAndLogProb({ rng });
        const { logAggregate, logMarginals } = minibatchAggregate({ posterior, z, dataCount: n, estimator });
        return [z, logPosterior, model.prior.logProb(z), logAggregate, logMarginals];
      });
      try {
        const [z, posterior, prior, aggregate, logs] = (await Promise.all(tensors.map((t) => t.data()))) as Float32Array[];
        const first = s * covered + start;
        points.set(z as Float32Array, first * dim);
        single.posterior.set(posterior as Float32Array, first);
        single.prior.set(prior as Float32Array, first);
        single.aggregate.set(aggregate as Float32Array, first);
        for (const [d, marginal] of marginals.entries()) {
          marginal.set(column(logs as Float32Array, dim, d), first);
        }
      } finally {
        dispose(tensors);
      }
      onProgress?.({ done: (s * covered + end) * batchSize, total: samples * covered * batchSize });
      await breathe();
    }
  }
  return { ...single, marginals, priors: await priorLogs(model.prior, points) };
}

/** log p(z_d) of each latent by itself; undefined where the prior is not of independent normals. */
async function priorLogs({ family, eventShape }: Distribution, points: ArrayLike<number>): Promise<Float64Array[] | undefined> {
  if (family?.name !== 'normal') {
    return undefined;
  }
  const tensors = tidy(() => {
    const { mean, logScale } = family.parameters() as unknown as NormalParameters;
    return [broadcastTo(mean, [...eventShape]), broadcastTo(logScale, [...eventShape])];
  });
  try {
    const [mean, logScale] = (await Promise.all(tensors.map((t) => t.data()))) as [Float32Array, Float32Array];
    return Array.from(mean, (centre, d) => {
      const log = logScale[d] as number;
      return column(points, mean.length, d).map((z) => -0.5 * (((z - centre) * Math.exp(-log)) ** 2 + LOG_TWO_PI) - log);
    });
  } finally {
    dispose(tensors);
  }
}

function column(values: ArrayLike<number>, dim: number, d: number): Float64Array {
  return Float64Array.from({ length: values.length / dim }, (_, m) => values[m * dim + d] as number);
}

function notNormal(where: string, name: string): Error {
  return invalid(where, 'options.model.posterior', 'one of independent normals, for the marginals of others are unknown', name);
}
