import type { Tensor } from '@tensorflow/tfjs-core';
import { broadcastTo, dispose, expandDims, slice, tidy } from '@tensorflow/tfjs-core';
import type { Distribution } from '../core/distribution.js';
import { checkInteger, checkOptions, invalid, isTensorLike } from '../core/errors.js';
import { LOG_TWO_PI } from '../core/math.js';
import { sizeOf } from '../core/shapes.js';
import { createBreather, readBack, tilesOf } from './tiles.js';

/** How far a long computation has come. */
export interface SurgeryProgress {
  /** Pairs of a sample and a posterior evaluated so far. */
  readonly done: number;
  readonly total: number;
}

/** What `aggregatedPosteriorLogProb` takes. */
export interface AggregatedPosteriorOptions {
  /** The posteriors q(z | x_j) of the data points start <= j < end, as one batch of end - start distributions. */
  readonly posterior: (start: number, end: number) => Distribution;
  /** N: how many data points there are. */
  readonly count: number;
  /** Where to evaluate: float32 [M, ...event]. */
  readonly z: Tensor;
  /**
   * log q(z_m | x_j) for m's own data point j, known from the draw: taken instead of evaluating the pair, so that a flow that
   * rounds in its inverse cannot make a sample unlikely under the posterior that it came from.
   */
  readonly own?: {
    /** j for m. */
    readonly index: (m: number) => number;
    readonly logProb: ArrayLike<number>;
  };
  /** Samples and posteriors a tile: tile^2 pairs are evaluated at once. Default 64. */
  readonly tile?: number;
  readonly signal?: AbortSignal;
  /** Called after each tile. */
  readonly onProgress?: (progress: SurgeryProgress) => void;
}

/**
 * log q(z) = log 1/N sum_j q(z | x_j), the density of the aggregated posterior, exact over N data points.
 *
 * All M N pairs are evaluated, and summed over j in float64. Densities of independent normals are computed on the host, in
 * float64 too; those of any other posterior by its `logProb` on the device, tile^2 pairs at a time. Other work gets its turn
 * in between.
 *
 * @throws (rejects) for bad options, a NaN density, and with the signal's reason where it is aborted.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { aggregatedPosteriorLogProb, diagNormal } from 'tfjs-flows';
 *
 * const mean = tf.tensor2d([[-1], [1]]);
 * const logProb = await aggregatedPosteriorLogProb({
 *   posterior: (start, end) => diagNormal({ mean: tf.slice(mean, start, end - start), scale: tf.ones([end - start, 1]) }),
 *   count: 2,
 *   z: tf.tensor2d([[0]]),
 * });
 * console.log(logProb[0]!.toFixed(4)); // => -1.4189
 * ```
 */
export async function aggregatedPosteriorLogProb(options: AggregatedPosteriorOptions): Promise<Float64Array> {
  const where = 'aggregatedPosteriorLogProb';
  checkOptions(where, options, ['posterior', 'count', 'z', 'own', 'tile', 'signal', 'onProgress']);
  const { count, z, own, tile = 64 } = options;
  checkInteger(where, 'options.count', count, 1);
  checkInteger(where, 'options.tile', tile, 1);
  if (!isTensorLike(z) || z.dtype !== 'float32' || z.isDisposed || z.shape.length < 1) {
    throw invalid(where, 'options.z', 'a float32 tensor of shape [samples, ...event]', z);
  }
  const samples = z.shape[0] as number;
  const sums = logSums(samples);
  for (let m = 0; own !== undefined && m < samples; m++) {
    sums.add(m, own.logProb[m] as number);
  }
  const work: Work = { ...options, samples, tile, sums, breathe: createBreather() };
  const normals = await readNormals(options, tile);
  await (normals === undefined ? onDevice(work) : onHost(work, normals));
  return sums.logs().map((log) => log - Math.log(count));
}

interface Work extends AggregatedPosteriorOptions {
  readonly samples: number;
  readonly tile: number;
  readonly sums: LogSums;
  readonly breathe: () => Promise<void>;
}

/** Any posterior: tile^2 densities at a time. */
async function onDevice({ posterior, count, z, own, samples, tile, sums, breathe, signal, onProgress }: Work): Promise<void> {
  let done = 0;
  for (const [from, to] of tilesOf(count, tile)) {
    for (const [first, last] of tilesOf(samples, tile)) {
      signal?.throwIfAborted();
      const values = await readBack(() => {
        const rows = expandDims(slice(z, first, last - first), 1);
        return posterior(from, to).logProb(broadcastTo(rows, [last - first, to - from, ...z.shape.slice(1)]));
      });
      for (let m = first; m < last; m++) {
        for (let j = from; j < to; j++) {
          if (own?.index(m) !== j) {
            sums.add(m, values[(m - first) * (to - from) + j - from] as number);
          }
        }
      }
      done += (last - first) * (to - from);
      onProgress?.({ done, total: samples * count });
      await breathe();
    }
  }
}

/** Mean and log-scale of N independent normals, each [N, L] row by row. */
interface Normals {
  readonly mean: Float64Array;
  readonly logScale: Float64Array;
}

/** The parameters of all posteriors where they are independent normals; undefined otherwise. */
async function readNormals(
  { posterior, count, z, signal }: AggregatedPosteriorOptions,
  tile: number,
): Promise<Normals | undefined> {
  const event = z.shape.slice(1);
  const dim = sizeOf(event);
  const found: Normals = { mean: new Float64Array(count * dim), logScale: new Float64Array(count * dim) };
  for (const [from, to] of tilesOf(count, tile)) {
    signal?.throwIfAborted();
    const tensors = tidy(() => {
      const { family } = posterior(from, to);
      if (family?.name !== 'normal') {
        return undefined;
      }
      const { mean, logScale } = family.parameters() as { mean: Tensor; logScale: Tensor };
      return [mean, logScale].map((parameter) => broadcastTo(parameter, [to - from, ...event]));
    });
    if (tensors === undefined) {
      return undefined;
    }
    try {
      const [mean, logScale] = (await Promise.all(tensors.map((t) => t.data()))) as [Float32Array, Float32Array];
      found.mean.set(mean, from * dim);
      found.logScale.set(logScale, from * dim);
    } finally {
      dispose(tensors);
    }
  }
  return found;
}

/** A term smaller than the largest by so many nats is lost in float64. */
const NEGLIGIBLE = 60;

/**
 * Independent normals, in float64 on the host: the device would have to hold N x N x L differences, or to expand the square
 * and lose sharp posteriors to cancellation; and most pairs are far apart, which shows after a few dimensions.
 */
async function onHost(
  { count, z, own, samples, tile, sums, breathe, signal, onProgress }: Work,
  normals: Normals,
): Promise<void> {
  const dim = sizeOf(z.shape.slice(1));
  const values = (await z.data()) as Float32Array;
  const { mean } = normals;
  const inverseScale = normals.logScale.map((logScale) => Math.exp(-logScale));
  const atMean = Float64Array.from({ length: count }, (_, j) => {
    const scales = normals.logScale.subarray(j * dim, (j + 1) * dim);
    return scales.reduce((total, logScale) => total - logScale, -0.5 * dim * LOG_TWO_PI);
  });
  const point = new Float64Array(dim);
  for (const [first, last] of tilesOf(samples, tile)) {
    for (let m = first; m < last; m++) {
      signal?.throwIfAborted();
      point.set(values.subarray(m * dim, (m + 1) * dim));
      const itself = own?.index(m);
      for (let j = 0; j < count; j++) {
        if (j === itself) {
          continue;
        }
        const top = atMean[j] as number;
        const most = 2 * (top + NEGLIGIBLE - sums.highest(m));
        const distance = squaredDistance(point, mean, inverseScale, j * dim, most);
        if (!(distance > most)) {
          sums.add(m, top - 0.5 * distance);
        }
      }
      await breathe();
    }
    onProgress?.({ done: last * count, total: samples * count });
  }
}

/** sum_d ((point_d - mean_d) / scale_d)^2, or something above `most` where it is above `most`, which is looked at now and then. */
function squaredDistance(
  point: Float64Array,
  mean: Float64Array,
  inverseScale: Float64Array,
  offset: number,
  most: number,
): number {
  const dim = point.length;
  let total = 0;
  for (let start = 0; start < dim && !(total > most); start += 8) {
    const end = Math.min(dim, start + 8);
    for (let d = start; d < end; d++) {
      const t = ((point[d] as number) - (mean[offset + d] as number)) * (inverseScale[offset + d] as number);
      total += t * t;
    }
  }
  return total;
}

interface LogSums {
  add(m: number, logTerm: number): void;
  /** The largest term so far. */
  highest(m: number): number;
  logs(): Float64Array;
}

/** Running log sum exp, one for each sample, in float64. */
function logSums(samples: number): LogSums {
  const top = new Float64Array(samples).fill(Number.NEGATIVE_INFINITY);
  const total = new Float64Array(samples);
  return {
    add: (m, logTerm) => {
      if (Number.isNaN(logTerm)) {
        throw new Error(`aggregatedPosteriorLogProb: the density of sample ${m} under a posterior is NaN.`);
      }
      const highest = top[m] as number;
      if (logTerm > highest) {
        total[m] = (total[m] as number) * Math.exp(highest - logTerm) + 1;
        top[m] = logTerm;
      } else if (logTerm > Number.NEGATIVE_INFINITY) {
        total[m] = (total[m] as number) + Math.exp(logTerm - highest);
      }
    },
    highest: (m) => top[m] as number,
    logs: () => top.map((highest, m) => highest + Math.log(total[m] as number)),
  };
}
