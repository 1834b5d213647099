import type { Bijector } from '../core/bijector.js';
import { checkOptions } from '../core/errors.js';
import type { AffineTransformerOptions } from '../transformers/affineTransformer.js';
import { AFFINE_OPTIONS, affineOptionsOf, affineTransformer } from '../transformers/affineTransformer.js';
import type { MlpCouplingOptions } from './mlpCoupling.js';
import { MLP_COUPLING_OPTIONS, mlpCoupling } from './mlpCoupling.js';

/** What `affineCoupling` takes: the options of a coupling with an `mlp`, and those of `affineTransformer`. */
export interface AffineCouplingOptions extends MlpCouplingOptions, AffineTransformerOptions {}

/**
 * Affine coupling (RealNVP): `coupling` of `affineTransformer` with an `mlp`. y_A = x_A, y_B = scale(x_A) x_B + shift(x_A).
 *
 * It starts as the identity, with the scales that are 1 at zero ('bounded', the default, 'exp', 'tanh').
 *
 * Shapes: x and y [...batch, D], log-det [...batch], context [...batch, contextDim]. Both directions parallel.
 *
 * @throws for the wrong options of `coupling`, `mlp` and `affineTransformer`.
 * Source: Dinh et al. 2017, "Density estimation using Real NVP", equations 4 to 8.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { affineCoupling, chain, createRng } from 'tfjs-flows';
 *
 * const rng = createRng(0);
 * const flow = chain([affineCoupling({ dim: 3, rng }), affineCoupling({ dim: 3, flip: true, rng })]);
 * console.log(Array.from(flow.forward(tf.tensor1d([1, 2, 3])).dataSync())); // => [ 1, 2, 3 ]
 * ```
 */
export function affineCoupling(options: AffineCouplingOptions): Bijector {
  checkOptions('affineCoupling', options, [...MLP_COUPLING_OPTIONS, ...AFFINE_OPTIONS]);
  return mlpCoupling('affineCoupling', affineTransformer(affineOptionsOf(options)), options);
}
