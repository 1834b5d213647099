import type { Tensor } from '@tensorflow/tfjs-core';
import { tidy } from '@tensorflow/tfjs-core';
import { checkInteger, checkOptions, invalid, isTensorLike } from '../core/errors.js';
import type { Rng } from '../core/rng.js';
import { createRng } from '../core/rng.js';
import { createBreather, tilesOf } from '../core/tiles.js';
import type { Simulator } from './simulator.js';

/** What `represent` takes. */
export interface RepresentOptions {
  /** What `sprites` makes, or one of your own. */
  readonly simulator: Simulator;
  /** Images [B, ...imageShape] -> codes [B, D], for example the means of q(z | x). */
  readonly encode: (images: Tensor) => Tensor;
  /** Draw so many random combinations of factors. Default: the whole grid once, in its order. */
  readonly count?: number;
  /** Images that are encoded at once. Default 64. */
  readonly batchSize?: number;
  /** Default: a fresh seed. */
  readonly rng?: Rng;
}

/** What `represent` makes, on the host: fit for all metrics. */
export interface HostRepresentation {
  /** N rows of D numbers. */
  readonly codes: Float32Array[];
  /** N rows of K levels. */
  readonly factors: Int32Array[];
}

/**
 * Encodes images of a simulator: codes beside the factors that they belong to, as every metric takes them.
 *
 * Images are made and encoded in batches, and freed with all that `encode` makes. w is drawn afresh for each image where the simulator
 * has any.
 *
 * @throws (rejects) for unknown options, and where `encode` gives no tensor [B, D].
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { createRng } from 'tfjs-flows';
 * import { mig, represent, sprites } from 'tfjs-flows/metrics';
 *
 * const simulator = sprites({ size: 16, shapes: ['ell'], levels: { scale: 1, rotation: 1, x: 6, y: 6 } });
 * // The mean brightness of each row of pixels, then the heights of the brightest row and column.
 * const encode = (images: tf.Tensor) => {
 *   const [rows, columns] = [tf.mean(images, [2, 3]), tf.mean(images, [1, 3])];
 *   return tf.stack([tf.argMax(rows, 1), tf.argMax(columns, 1)], 1);
 * };
 * const representation = await represent({ simulator, encode, rng: createRng(0) });
 * console.log(representation.codes.length, (await mig(representation)).score.toFixed(2)); // => 36 1.00
 * ```
 */
export async function represent(options: RepresentOptions): Promise<HostRepresentation> {
  checkOptions('represent', options, ['simulator', 'encode', 'count', 'batchSize', 'rng']);
  const { simulator, encode, batchSize = 64, rng = createRng() } = options;
  if (METHODS.some((name) => typeof simulator?.[name] !== 'function')) {
    throw invalid('represent', 'options.simulator', 'a simulator, for example one of sprites', simulator);
  }
  if (typeof encode !== 'function') {
    throw invalid('represent', 'options.encode', 'a function from images to codes', encode);
  }
  checkInteger('represent', 'options.batchSize', batchSize, 1);
  const { count = simulator.gridSize } = options;
  checkInteger('represent', 'options.count', count, 2);

  const [codes, factors]: [Float32Array[], Int32Array[]] = [[], []];
  const breathe = createBreather();
  for (const [start, end] of tilesOf(count, batchSize)) {
    const rows = options.count === undefined ? simulator.factorGrid(start, end) : simulator.drawFactors(end - start, rng);
    const nuisance = simulator.drawNuisance(end - start, rng);
    const encoded = tidy(() => encode(simulator.render(rows, nuisance)));
    try {
      if (!isTensorLike(encoded) || encoded.shape.length !== 2 || encoded.shape[0] !== end - start) {
        throw invalid('represent', 'what options.encode returns', `a tensor of shape [${end - start}, D]`, encoded);
      }
      const values = Float32Array.from(await encoded.data());
      const width = encoded.shape[1] as number;
      rows.forEach((row, n) => {
        factors.push(row);
        codes.push(values.slice(n * width, (n + 1) * width));
      });
    } finally {
      if (isTensorLike(encoded)) {
        (encoded as Tensor).dispose();
      }
    }
    await breathe();
  }
  return { codes, factors };
}

const METHODS = ['render', 'drawFactors', 'drawNuisance', 'factorGrid'] as const;
