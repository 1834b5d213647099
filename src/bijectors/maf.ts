import type { Bijector } from '../core/bijector.js';
import { checkOptions } from '../core/errors.js';
import type { AffineTransformerOptions } from '../transformers/affineTransformer.js';
import { AFFINE_OPTIONS, affineOptionsOf, affineTransformer } from '../transformers/affineTransformer.js';
import type { MadeAutoregressiveOptions } from './madeAutoregressive.js';
import { MADE_AUTOREGRESSIVE_OPTIONS, madeAutoregressive } from './madeAutoregressive.js';

/** What `maf` takes: the options of an autoregressive flow with a `made`, and those of `affineTransformer`. */
export interface MafOptions extends MadeAutoregressiveOptions, AffineTransformerOptions {}

/**
 * Masked autoregressive flow: y_d = scale x_d + shift, both from y_<d and the context by a `made`.
 *
 * The density of data is one pass; sampling takes D steps, with the multiplications of one pass. It starts as the identity, with
 * the scales that are 1 at zero ('bounded', the default, 'exp', 'tanh'). Libraries that scale from data to base
 * (x_d = scale y_d + shift) have the inverse of an `iaf` with that scale: `invert(iaf({ dim, scale: 'softplus' }))`.
 *
 * Shapes: x and y [...batch, D], log-det [...batch], context [...batch, contextDim]. Inverse parallel, forward sequential.
 *
 * @throws for the wrong options of `autoregressive`, `made` and `affineTransformer`.
 * Source: Papamakarios et al. 2017, "Masked autoregressive flow for density estimation", equation 3.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { createRng, maf } from 'tfjs-flows';
 *
 * const flow = maf({ dim: 3, hidden: [16], rng: createRng(0) });
 * console.log(Array.from(flow.inverse(tf.tensor1d([1, 2, 3])).dataSync())); // => [ 1, 2, 3 ]
 * ```
 */
export function maf(options: MafOptions): Bijector {
  checkOptions('maf', options, [...MADE_AUTOREGRESSIVE_OPTIONS, ...AFFINE_OPTIONS]);
  return madeAutoregressive('maf', affineTransformer(affineOptionsOf(options)), 'inverse', options);
}
