import type { Tensor } from '@tensorflow/tfjs-core';
import { concat, reshape } from '@tensorflow/tfjs-core';
import type { Bijector } from '../core/bijector.js';
import { checkInteger, checkOptions } from '../core/errors.js';
import type { Rng } from '../core/rng.js';
import { parameterSource } from './amortised.js';
import { reflections } from './reflections.js';

/** What `rotation` takes. */
export interface RotationOptions {
  /** D: size of an event, at least 2. */
  readonly dim: number;
  /** How many pairs of reflections. Default floor(D / 2), which reaches every rotation. */
  readonly pairs?: number;
  /** Size of a context from which the vectors are computed, for each example its own, by one linear layer. Default: own ones. */
  readonly contextDim?: number;
  /** Draws the initial vectors. */
  readonly rng?: Rng;
}

/**
 * Rotation: an orthogonal map with determinant 1, as a product of pairs of Householder reflections. log|det| = 0.
 *
 * Two reflections at v and w turn the plane of v and w by twice the angle between them. Parameters `vectors` [2 pairs, D]; the two of
 * a pair are equal at first, drawn from N(0, 1): the identity, up to rounding. Any D / 2 pairs make up any rotation (Cartan and
 * Dieudonne); the inverse runs the reflections the other way round.
 *
 * Shapes: x and y [...batch, D], log-det [...batch], context [...batch, contextDim]. Both directions parallel.
 *
 * @throws for wrong sizes, an unknown option, and at a call for a wrong shape.
 * Source: Tomczak and Welling 2016, "Improving variational auto-encoders using Householder flow", for the products of reflections.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { rotation } from 'tfjs-flows';
 *
 * const turn = rotation({ dim: 2 });
 * turn.parameters.vectors!.assign(tf.tensor2d([[1, 0], [1, 1]])); // 45 degrees apart
 * console.log(Array.from(turn.forward(tf.tensor1d([2, 0])).dataSync(), Math.round)); // => [ 0, 2 ]
 * ```
 */
export function rotation(options: RotationOptions): Bijector {
  checkOptions('rotation', options, ['dim', 'pairs', 'contextDim', 'rng']);
  checkInteger('rotation', 'options.dim', options.dim, 2);
  const { dim, pairs = Math.floor(dim / 2), ...rest } = options;
  checkInteger('rotation', 'options.pairs', pairs, 1);
  const init = (rng: Rng): Tensor => {
    const first = rng.normal([pairs, dim]);
    return reshape(concat([first, first], 1), [2 * pairs, dim]);
  };
  const source = parameterSource('rotation', { vectors: { shape: [2 * pairs, dim], init } }, rest);
  return reflections('rotation', source, dim, rest.contextDim);
}
