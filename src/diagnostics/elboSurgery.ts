import type { Tensor } from '@tensorflow/tfjs-core';
import { broadcastTo, concat, dispose, reshape, slice, tidy } from '@tensorflow/tfjs-core';
import { checkInteger, checkNumber, checkOptions, invalid, isTensorLike } from '../core/errors.js';
import type { Rng } from '../core/rng.js';
import { createRng } from '../core/rng.js';
import type { LatentVariableModel } from '../objectives/latentVariableModel.js';
import { checkModel } from '../objectives/latentVariableModel.js';
import type { SurgeryProgress } from './aggregatedPosterior.js';
import { aggregatedPosteriorLogProb } from './aggregatedPosterior.js';
import { createBreather, tilesOf } from './tiles.js';

/** What `elboSurgery` takes. */
export interface ElboSurgeryOptions {
  /** What `vae` makes, or any object with prior, posterior(x) and likelihood(z). */
  readonly model: LatentVariableModel;
  /** The N data points over which the report is exact: [N, ...event]. */
  readonly data: Tensor;
  /** Draws of z a data point, S. Default 1. */
  readonly samples?: number;
  /** Data points a tile, in both directions of the N S x N table of pairs; it bounds the memory, and with it the draws are made in another order. Default 64. */
  readonly tile?: number;
  /** The weight of the KL terms in `elbo`. Default 1. */
  readonly beta?: number;
  readonly rng?: Rng;
  /** Aborts at the next tile. */
  readonly signal?: AbortSignal;
  /** Called after each tile. */
  readonly onProgress?: (progress: SurgeryProgress) => void;
}

/** The estimates of ELBO surgery, each with its standard error; nats an example. */
export interface ElboSurgeryEstimates {
  /** reconstruction - beta (mutualInformation + marginalKl). */
  readonly elbo: number;
  /** E log p(x | z). */
  readonly reconstruction: number;
  /** E KL(q(z | x) || p(z)) = mutualInformation + marginalKl. */
  readonly averageKl: number;
  /** I_q[x; z], of index and code: between 0 and log N. */
  readonly mutualInformation: number;
  /** KL(q(z) || p(z)) of the aggregated posterior q(z). */
  readonly marginalKl: number;
}

/** What `elboSurgery` reports: plain numbers, in nats. */
export interface ElboSurgeryReport extends ElboSurgeryEstimates {
  /** N. */
  readonly n: number;
  readonly logN: number;
  /**
   * Whether the mutual information is within a standard error, or 0.1 nats, of log N, the most that N data points allow: it then
   * tells of N rather than of the model, and more data would raise it and lower the marginal KL.
   */
  readonly saturated: boolean;
  /**
   * Standard deviation over the data points, divided by sqrt(N): of the data points as a sample and of the draws of z together.
   * NaN for a single data point.
   */
  readonly standardErrors: ElboSurgeryEstimates;
}

/**
 * ELBO surgery: where the KL term of a trained model goes.
 *
 *   ELBO = E log p(x | z) - beta I_q[x; z] - beta KL(q(z) || p(z)),   q(z) = 1/N sum_n q(z | x_n),
 *
 * with I_q[x; z] = E log q(z | x) / q(z) and KL(q(z) || p(z)) = E log q(z) / p(z), where the averages run over the N data points
 * and S draws of z from each posterior. q(z) is exact: every draw is evaluated under every posterior, N^2 S densities, in tiles of
 * bounded memory. Nothing else is approximated but the averages over z, which all use the same draws, so that
 * averageKl = mutualInformation + marginalKl holds but for rounding. Sums run on the host in float64.
 *
 * Gaussian posteriors cost N^2 S L multiplications. A flow posterior is run in its inverse direction for every pair: a
 * sequential one (`iaf`) takes L passes for each, and a subset of a few hundred data points is then what a CPU can do.
 *
 * @throws (rejects) for bad options, a density that is NaN, and with the signal's reason where it is aborted.
 * Source: Hoffman and Johnson 2016, "ELBO surgery: yet another way to carve up the variational evidence lower bound".
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { createRng, diagNormal, elboSurgery, standardNormal } from 'tfjs-flows';
 *
 * // x is known to the code within 0.1, and x is standard normal, as is the code: all of the KL is information.
 * const model = {
 *   prior: standardNormal({ eventShape: [1] }),
 *   posterior: (x: tf.Tensor) => diagNormal({ mean: tf.mul(x, 0.995), scale: tf.fill(x.shape, 0.1) }),
 *   likelihood: (z: tf.Tensor) => diagNormal({ mean: z, scale: tf.fill(z.shape, 0.1) }),
 * };
 * const data = createRng(0).normal([500, 1]);
 * const report = await elboSurgery({ model, data, rng: createRng(1) });
 * console.log(report.mutualInformation.toFixed(1), report.marginalKl.toFixed(1)); // => 2.3 0.0
 * console.log(report.saturated); // => false
 * ```
 */
export async function elboSurgery(options: ElboSurgeryOptions): Promise<ElboSurgeryReport> {
  const where = 'elboSurgery';
  checkOptions(where, options, ['model', 'data', 'samples', 'tile', 'beta', 'rng', 'signal', 'onProgress']);
  const { model, data, samples = 1, tile = 64, beta = 1, rng = createRng(), signal, onProgress } = options;
  checkModel(where, model);
  checkInteger(where, 'options.samples', samples, 1);
  checkInteger(where, 'options.tile', tile, 1);
  checkNumber(where, 'options.beta', beta, { least: 0 });
  if (!isTensorLike(data) || data.isDisposed || data.shape.length < 1 || data.shape[0] === 0) {
    throw invalid(where, 'options.data', 'a tensor of shape [N, ...event] with N of at least 1', data);
  }
  const n = data.shape[0] as number;
  const rows = (start: number, end: number): Tensor => slice(data, start, end - start);

  const draws = await drawAll({ model, rows, n, samples, tile, rng, signal });
  try {
    const logAggregate = await aggregatedPosteriorLogProb({
      posterior: (start, end) => model.posterior(rows(start, end)),
      count: n,
      z: draws.z,
      own: { index: (m) => m % n, logProb: draws.logPosterior },
      tile,
      ...(signal === undefined ? {} : { signal }),
      ...(onProgress === undefined ? {} : { onProgress }),
    });
    return report(draws, logAggregate, n, beta);
  } finally {
    draws.z.dispose();
  }
}

/** Draw s of data point i stands at s N + i. */
interface Draws {
  /** [S N, ...latent]. */
  readonly z: Tensor;
  readonly logLikelihood: Float64Array;
  readonly logPosterior: Float64Array;
  readonly logPrior: Float64Array;
}

interface DrawProblem {
  readonly model: LatentVariableModel;
  readonly rows: (start: number, end: number) => Tensor;
  readonly n: number;
  readonly samples: number;
  readonly tile: number;
  readonly rng: Rng;
  readonly signal: AbortSignal | undefined;
}

async function drawAll({ model, rows, n, samples, tile, rng, signal }: DrawProblem): Promise<Draws> {
  const codes: Tensor[] = [];
  const logs = ['logLikelihood', 'logPosterior', 'logPrior'].map(() => new Float64Array(samples * n));
  const breathe = createBreather();
  try {
    for (const [start, end] of tilesOf(n, tile)) {
      signal?.throwIfAborted();
      const [z, ...tensors] = tidy(() => {
        const x = rows(start, end);
        const [code, logPosterior] = model.posterior(x, { rng }).sampleAndLogProb({ shape: [samples], rng });
        const logLikelihood = model.likelihood(code, { rng }).logProb(broadcastTo(x, [samples, ...x.shape]));
        return [code, logLikelihood, logPosterior, model.prior.logProb(code)] as [Tensor, Tensor, Tensor, Tensor];
      });
      codes.push(z);
      try {
        const values = await Promise.all(tensors.map((t) => t.data()));
        for (let s = 0; s < samples; s++) {
          for (let i = start; i < end; i++) {
            for (const [k, log] of logs.entries()) {
              log[s * n + i] = (values[k] as ArrayLike<number>)[s * (end - start) + i - start] as number;
            }
          }
        }
      } finally {
        dispose(tensors);
      }
      await breathe();
    }
    const z = tidy(() => {
      const all = concat(codes, 1);
      return reshape(all, [samples * n, ...all.shape.slice(2)]);
    });
    const [logLikelihood, logPosterior, logPrior] = logs as [Float64Array, Float64Array, Float64Array];
    return { z, logLikelihood, logPosterior, logPrior };
  } finally {
    dispose(codes);
  }
}

const ESTIMATES = ['elbo', 'reconstruction', 'averageKl', 'mutualInformation', 'marginalKl'] as const;

/** Nats by which the mutual information may miss log N and still count as saturated. */
const MARGIN = 0.1;

function report(draws: Draws, logAggregate: Float64Array, n: number, beta: number): ElboSurgeryReport {
  const samples = logAggregate.length / n;
  const at = (values: Float64Array, m: number): number => (values[m] as number) / samples;
  // The mean over the draws of each data point.
  const points = Object.fromEntries(ESTIMATES.map((name) => [name, new Float64Array(n)])) as Record<Estimate, Float64Array>;
  const add = (name: Estimate, i: number, value: number): void => {
    points[name][i] = (points[name][i] as number) + value;
  };
  for (let m = 0; m < logAggregate.length; m++) {
    const i = m % n;
    const information = at(draws.logPosterior, m) - at(logAggregate, m);
    const marginal = at(logAggregate, m) - at(draws.logPrior, m);
    add('reconstruction', i, at(draws.logLikelihood, m));
    add('mutualInformation', i, information);
    add('marginalKl', i, marginal);
    add('averageKl', i, information + marginal);
    add('elbo', i, at(draws.logLikelihood, m) - beta * (information + marginal));
  }
  const gather = (of: (values: Float64Array) => number): ElboSurgeryEstimates =>
    Object.fromEntries(ESTIMATES.map((name) => [name, of(points[name])])) as Record<Estimate, number>;
  const means = gather(meanOf);
  const standardErrors = gather((values) => standardErrorOf(values));
  const logN = Math.log(n);
  const margin = Math.max(MARGIN, n === 1 ? 0 : standardErrors.mutualInformation);
  return { ...means, n, logN, saturated: logN - means.mutualInformation <= margin, standardErrors };
}

type Estimate = (typeof ESTIMATES)[number];

const meanOf = (values: Float64Array): number => values.reduce((total, value) => total + value, 0) / values.length;

function standardErrorOf(values: Float64Array): number {
  const mean = meanOf(values);
  const squares = values.reduce((total, value) => total + (value - mean) ** 2, 0);
  return values.length === 1 ? Number.NaN : Math.sqrt(squares / (values.length - 1) / values.length);
}
