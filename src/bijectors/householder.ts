import type { Tensor } from '@tensorflow/tfjs-core';
import type { Bijector } from '../core/bijector.js';
import { checkInteger, checkOptions } from '../core/errors.js';
import type { Rng } from '../core/rng.js';
import { parameterSource } from './amortised.js';
import { reflections } from './reflections.js';

/** What `householder` takes. */
export interface HouseholderOptions {
  /** D: size of an event. */
  readonly dim: number;
  /** K: how many reflections. Default D, which reaches every orthogonal matrix. */
  readonly reflections?: number;
  /** Size of a context from which the vectors are computed, for each example its own, by one linear layer. Default: own ones. */
  readonly contextDim?: number;
  /** Given vectors [..., K, D] instead of own ones: a tensor or variable that stays the caller's. */
  readonly given?: { readonly vectors: Tensor };
  /** Draws the initial vectors. */
  readonly rng?: Rng;
}

/**
 * Product of Householder reflections: y = H_K ... H_1 x with H_k = I - 2 v_k v_k^T / |v_k|^2. log|det| = 0.
 *
 * An orthogonal map without constraints on its parameters `vectors` [K, D], drawn from N(0, 1) at first; the length of a vector does
 * not count, and a vector of zeros reflects nothing. The inverse runs the same reflections the other way round.
 *
 * Shapes: x and y [...batch, D], log-det [...batch], context [...batch, contextDim]. Both directions parallel.
 *
 * @throws for wrong sizes, given vectors of a wrong shape, an unknown option, and at a call for a wrong shape.
 * Source: Tomczak and Welling 2016, "Improving variational auto-encoders using Householder flow", section 3.1.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { householder } from 'tfjs-flows';
 *
 * const mirror = householder({ dim: 2, reflections: 1, given: { vectors: tf.tensor2d([[1, 1]]) } });
 * const [y, logDet] = mirror.forwardAndLogDet(tf.tensor1d([3, 5]));
 * console.log(Array.from(y.dataSync()), logDet.dataSync()[0]); // => [ -5, -3 ] 0
 * ```
 */
export function householder(options: HouseholderOptions): Bijector {
  checkOptions('householder', options, ['dim', 'reflections', 'contextDim', 'given', 'rng']);
  const { dim, reflections: count = dim, ...rest } = options;
  checkInteger('householder', 'options.dim', dim, 1);
  checkInteger('householder', 'options.reflections', count, 1);
  const vectors = { shape: [count, dim], init: (rng: Rng): Tensor => rng.normal([count, dim]) };
  return reflections('householder', parameterSource('householder', { vectors }, rest), dim, rest.contextDim);
}
