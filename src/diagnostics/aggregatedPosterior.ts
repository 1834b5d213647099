import type { Tensor } from '@tensorflow/tfjs-core';
import { expandDims, slice } from '@tensorflow/tfjs-core';
import type { Distribution } from '../core/distribution.js';
import { checkInteger, checkOptions, invalid, isTensorLike } from '../core/errors.js';
import { spreadTo } from '../core/spreadTo.js';
import { createBreather, readBack, tilesOf } from '../core/tiles.js';
import type { LogSums } from './logSums.js';
import { logSums } from './logSums.js';
import { addPairs, readNormals } from './normals.js';

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
 * All M N pairs are evaluated, and summed over j. Those of independent normals on the host in float64, or, after `useBackend`, on
 * WASM and GPUs by a fused kernel in float32; those of any other posterior by its `logProb` on the device, tile^2 pairs at a time, and
 * summed in float64. Other work gets its turn in between.
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
  const { posterior, count, z, own, tile = 64, signal, onProgress } = options;
  checkInteger(where, 'options.count', count, 1);
  checkInteger(where, 'options.tile', tile, 1);
  if (!isTensorLike(z) || z.dtype !== 'float32' || z.isDisposed || z.shape.length < 1) {
    throw invalid(where, 'options.z', 'a float32 tensor of shape [samples, ...event]', z);
  }
  const samples = z.shape[0] as number;
  const sums = logSums(where, samples);
  for (let m = 0; own !== undefined && m < samples; m++) {
    sums.add(m, own.logProb[m] as number);
  }
  const total = samples * count;
  let done = 0;
  const onPairs = (pairs: number): void => {
    done += pairs;
    onProgress?.({ done, total });
  };
  const breathe = createBreather();
  const normals = await readNormals({ posterior, count, event: z.shape.slice(1), tile, signal });
  await (normals === undefined
    ? onDevice({ ...options, samples, tile, sums, breathe, onPairs })
    : addPairs({ normals, points: await z.data(), sums, done: own?.index, tile, breathe, signal, onPairs }));
  return sums.logs().map((log) => log - Math.log(count));
}

interface Work extends AggregatedPosteriorOptions {
  readonly samples: number;
  readonly tile: number;
  readonly sums: LogSums;
  readonly breathe: () => Promise<void>;
  readonly onPairs: (pairs: number) => void;
}

/** Any posterior: tile^2 densities at a time. */
async function onDevice({ posterior, count, z, own, samples, tile, sums, breathe, signal, onPairs }: Work): Promise<void> {
  for (const [from, to] of tilesOf(count, tile)) {
    for (const [first, last] of tilesOf(samples, tile)) {
      signal?.throwIfAborted();
      const values = await readBack(() => {
        const rows = expandDims(slice(z, first, last - first), 1);
        return posterior(from, to).logProb(spreadTo(rows, [last - first, to - from, ...z.shape.slice(1)]));
      });
      for (let m = first; m < last; m++) {
        for (let j = from; j < to; j++) {
          if (own?.index(m) !== j) {
            sums.add(m, values[(m - first) * (to - from) + j - from] as number);
          }
        }
      }
      onPairs((last - first) * (to - from));
      await breathe();
    }
  }
}
