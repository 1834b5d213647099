import type { Bijector } from '../core/bijector.js';
import { checkOptions } from '../core/errors.js';
import type { AffineTransformerOptions } from '../transformers/affineTransformer.js';
import { AFFINE_OPTIONS, affineOptionsOf, affineTransformer } from '../transformers/affineTransformer.js';
import type { MadeAutoregressiveOptions } from './madeAutoregressive.js';
import { MADE_AUTOREGRESSIVE_OPTIONS, madeAutoregressive } from './madeAutoregressive.js';

/** What `iaf` takes: the options of an autoregressive flow with a `made`, and those of `affineTransformer`, with 'gate' as default. */
export interface IafOptions extends MadeAutoregressiveOptions, AffineTransformerOptions {}

/**
 * Inverse autoregressive flow: y_d = g x_d + (1 - g) m with g = sigmoid(s + 1), m and s from x_<d and the context by a `made`.
 *
 * Sampling is one pass; the inverse takes D steps, with the multiplications of one pass. log|det| = sum_d log g_d. The gate cannot
 * expand, and it starts as y = 0.73 x (sigmoid(offset) x, offset 1); with another `scale` ('bounded', 'exp', 'tanh') the flow
 * starts as the identity.
 *
 * Shapes: x and y [...batch, D], log-det [...batch], context [...batch, contextDim]. Forward parallel, inverse sequential.
 *
 * @throws for the wrong options of `autoregressive`, `made` and `affineTransformer`.
 * Source: Kingma et al. 2016, "Improving variational inference with inverse autoregressive flow", algorithm 1.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { createRng, iaf } from 'tfjs-flows';
 *
 * const flow = iaf({ dim: 3, hidden: [16], contextDim: 2, order: 'reversed', rng: createRng(0) });
 * const [y, logDet] = flow.forwardAndLogDet(tf.ones([4, 3]), { context: tf.zeros([4, 2]) });
 * console.log(y.dataSync()[0].toFixed(4), (logDet.dataSync()[0] / 3).toFixed(4)); // => 0.7311 -0.3133
 * ```
 */
export function iaf(options: IafOptions): Bijector {
  checkOptions('iaf', options, [...MADE_AUTOREGRESSIVE_OPTIONS, ...AFFINE_OPTIONS]);
  return madeAutoregressive('iaf', affineTransformer({ scale: 'gate', ...affineOptionsOf(options) }), 'forward', options);
}
