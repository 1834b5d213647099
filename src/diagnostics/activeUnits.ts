import type { Tensor } from '@tensorflow/tfjs-core';
import { dispose, div, mean, mul, reshape, slice, square, sub, sum, tidy } from '@tensorflow/tfjs-core';
import { checkInteger, checkNumber, checkOptions } from '../core/errors.js';
import type { Rng } from '../core/rng.js';
import { createRng } from '../core/rng.js';
import { createBreather, tilesOf } from '../core/tiles.js';
import { checkExamples } from '../objectives/checkExamples.js';
import { klPerDimension } from '../objectives/klPerDimension.js';
import type { LatentVariableModel } from '../objectives/latentVariableModel.js';
import { checkModel } from '../objectives/latentVariableModel.js';

/** What `activeUnits` takes. */
export interface ActiveUnitsOptions {
  /** What `vae` makes, or any object with prior, posterior(x) and likelihood(z). */
  readonly model: LatentVariableModel;
  /** The N data points, at least 2: [N, ...event]. */
  readonly data: Tensor;
  /** The variance above which a latent counts as active. Default 0.01. */
  readonly threshold?: number;
  /** Draws for the mean of a posterior that does not tell its mean, at least 2. Default 64. */
  readonly samples?: number;
  /** Data points a tile. Default 256. */
  readonly tile?: number;
  readonly rng?: Rng;
  /** Aborts at the next tile. */
  readonly signal?: AbortSignal;
  /** Called after each tile. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/** What `activeUnits` reports. Elements of the latent event in row-major order. */
export interface ActiveUnitsReport {
  /** How many latents are active. */
  readonly count: number;
  /** Which. */
  readonly active: readonly boolean[];
  /** Var_x E_q[z_d | x] over the data. */
  readonly variances: readonly number[];
  /** E KL(q(z_d | x) || p(z_d)) in nats; undefined unless posterior and prior are independent normals. */
  readonly kl: readonly number[] | undefined;
}

/**
 * Which latents a model uses: those whose posterior mean moves with the data,
 *
 *   A_d = Var_x E_q[z_d | x] > threshold,
 *
 * and next to it the KL divergence that each of them costs. A latent that the posterior has given up has 0 of both.
 *
 * The mean is the posterior's own where it tells one, else that of draws, whose share of the variance is taken off without bias (the
 * result may then be a little below 0). Sums run on the host in float64.
 *
 * @throws (rejects) for bad options, data that are no list of the model's events, a mean that is NaN, and with the signal's reason where it is aborted.
 * Source: Burda et al. 2016, "Importance weighted autoencoders", section 5.2.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { activeUnits, createRng, diagNormal, standardNormal } from 'tfjs-flows';
 *
 * const model = {
 *   prior: standardNormal({ eventShape: [2] }),
 *   posterior: (x: tf.Tensor) => diagNormal({ mean: tf.mul(x, [0.8, 0]), scale: tf.mul(tf.onesLike(x), [0.6, 1]) }),
 *   likelihood: (z: tf.Tensor) => diagNormal({ mean: z, scale: 1 }),
 * };
 * const { count, active, kl } = await activeUnits({ model, data: createRng(0).normal([1000, 2]) });
 * console.log(count, active, kl!.map((value) => value.toFixed(1))); // => 1 [ true, false ] [ '0.5', '0.0' ]
 * ```
 */
export async function activeUnits(options: ActiveUnitsOptions): Promise<ActiveUnitsReport> {
  const where = 'activeUnits';
  checkOptions(where, options, ['model', 'data', 'threshold', 'samples', 'tile', 'rng', 'signal', 'onProgress']);
  const { model, data, threshold = 0.01, samples = 64, tile = 256, rng = createRng(), signal, onProgress } = options;
  checkModel(where, model);
  checkNumber(where, 'options.threshold', threshold, { least: 0 });
  checkInteger(where, 'options.samples', samples, 2);
  checkInteger(where, 'options.tile', tile, 1);
  const n = checkExamples(where, model, data, 2);

  const moments = createMoments();
  const breathe = createBreather();
  for (const [start, end] of tilesOf(n, tile)) {
    signal?.throwIfAborted();
    const tensors = tidy(() => statisticsOf(model, slice(data, start, end - start), samples, rng));
    try {
      const [means, noise, kl] = (await Promise.all(tensors.map((t) => t.data()))) as Float32Array[];
      moments.add(end - start, means as Float32Array, noise as Float32Array, kl);
    } finally {
      dispose(tensors);
    }
    onProgress?.({ done: end, total: n });
    await breathe();
  }
  const { variances, kl } = moments.conclude();
  const active = variances.map((variance) => variance > threshold);
  return { count: active.filter((is) => is).length, active, variances, kl };
}

/** For a tile: the posterior means, the variances of their errors, and the KLs where there are any, each [rows, latents]. */
function statisticsOf(model: LatentVariableModel, x: Tensor, samples: number, rng: Rng): Tensor[] {
  const posterior = model.posterior(x, { rng });
  const rows = (value: Tensor): Tensor => reshape(value, [x.shape[0] as number, -1]);
  const known = posterior.family?.name === 'normal' && model.prior.family?.name === 'normal';
  const kl = known ? [rows(klPerDimension('activeUnits', posterior, model.prior, {}))] : [];
  const exact = posterior.mean?.();
  if (exact !== undefined) {
    return [rows(exact), mul(rows(exact), 0), ...kl];
  }
  const draws = posterior.sample({ shape: [samples], rng });
  const centre = mean(draws, 0);
  const spread = div(sum(square(sub(draws, centre)), 0), samples * (samples - 1));
  return [rows(centre), rows(spread), ...kl];
}

interface Moments {
  add(rows: number, means: Float32Array, noise: Float32Array, kl: Float32Array | undefined): void;
  conclude(): { variances: number[]; kl: number[] | undefined };
}

/** Running sums over the data, latent by latent. */
function createMoments(): Moments {
  let count = 0;
  let centre: Float64Array | undefined;
  let squares = new Float64Array();
  let noise = new Float64Array();
  let kl: Float64Array | undefined;
  return {
    add: (rows, means, errors, costs) => {
      const dim = means.length / rows;
      if (centre === undefined) {
        [centre, squares, noise] = [new Float64Array(dim), new Float64Array(dim), new Float64Array(dim)];
        kl = costs && new Float64Array(dim);
      }
      for (let i = 0; i < rows; i++) {
        count++;
        for (let d = 0; d < dim; d++) {
          // Welford's update, which does not cancel.
          const off = (means[i * dim + d] as number) - (centre[d] as number);
          centre[d] = (centre[d] as number) + off / count;
          squares[d] = (squares[d] as number) + off * ((means[i * dim + d] as number) - (centre[d] as number));
          noise[d] = (noise[d] as number) + (errors[i * dim + d] as number);
          if (kl !== undefined && costs !== undefined) {
            kl[d] = (kl[d] as number) + (costs[i * dim + d] as number);
          }
        }
      }
    },
    conclude: () => {
      const unsound = squares.findIndex(Number.isNaN);
      if (unsound >= 0) {
        throw new Error(`activeUnits: the posterior mean of latent ${unsound} is NaN for some data point.`);
      }
      return {
        variances: Array.from(squares, (sum, d) => sum / (count - 1) - (noise[d] as number) / count),
        kl: kl && Array.from(kl, (sum) => sum / count),
      };
    },
  };
}
