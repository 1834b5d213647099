import type { Tensor } from '@tensorflow/tfjs-core';
import { slice } from '@tensorflow/tfjs-core';
import { checkInteger, checkNumber, checkOptions } from '../core/errors.js';
import type { Rng } from '../core/rng.js';
import { createRng } from '../core/rng.js';
import { checkExamples } from '../objectives/checkExamples.js';
import type { LatentVariableModel } from '../objectives/latentVariableModel.js';
import { checkModel } from '../objectives/latentVariableModel.js';
import type { SurgeryProgress } from './aggregatedPosterior.js';
import { aggregatedPosteriorLogProb } from './aggregatedPosterior.js';
import type { Draws } from './draws.js';
import { drawAll } from './draws.js';
import { isSaturated, summarize } from './statistics.js';

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
 * averageKl = mutualInformation + marginalKl holds but for rounding. Averages are taken on the host in float64;
 * `aggregatedPosteriorLogProb` tells how q(z) is summed.
 *
 * Draws are float32 numbers: where a posterior's scale is below the spacing of these at its mean (1e-7 of that), they lose their
 * noise, and posteriors that lie on one another then give a mutual information of up to half a nat an element below 0.
 *
 * Gaussian posteriors cost N^2 S L multiplications, which `npm run bench:surgery` times. A flow posterior is run in its inverse direction for every pair: a
 * sequential one (`iaf`) takes L steps for each, and a subset of a few hundred data points is then what a CPU can do.
 *
 * @throws (rejects) for bad options, data that are no list of the model's events, a density that is NaN, and with the signal's reason where it is aborted.
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
  const n = checkExamples(where, model, data);
  const rows = (start: number, end: number): Tensor => slice(data, start, end - start);

  const draws = await drawAll({ model, rows, n, samples, tile, rng, signal, likelihood: true });
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

const ESTIMATES = ['elbo', 'reconstruction', 'averageKl', 'mutualInformation', 'marginalKl'] as const;

function report(draws: Draws, logAggregate: Float64Array, n: number, beta: number): ElboSurgeryReport {
  const { means, standardErrors } = summarize(ESTIMATES, n, logAggregate.length / n, (m) => {
    const [posterior, aggregate, prior] = [draws.logPosterior, logAggregate, draws.logPrior].map((logs) => logs[m] as number) as [
      number,
      number,
      number,
    ];
    const reconstruction = draws.logLikelihood[m] as number;
    const [mutualInformation, marginalKl] = [posterior - aggregate, aggregate - prior];
    const averageKl = mutualInformation + marginalKl;
    return { elbo: reconstruction - beta * averageKl, reconstruction, averageKl, mutualInformation, marginalKl };
  });
  const saturated = isSaturated(means.mutualInformation, standardErrors.mutualInformation, n);
  return { ...means, n, logN: Math.log(n), saturated, standardErrors };
}
