import type { Bijector } from '../core/bijector.js';
import { checkOptions } from '../core/errors.js';
import { additiveTransformer } from '../transformers/additiveTransformer.js';
import type { MlpCouplingOptions } from './mlpCoupling.js';
import { MLP_COUPLING_OPTIONS, mlpCoupling } from './mlpCoupling.js';

/** What `additiveCoupling` takes: the options of a coupling with an `mlp`. */
export interface AdditiveCouplingOptions extends MlpCouplingOptions {}

/**
 * Additive coupling (NICE): `coupling` of `additiveTransformer` with an `mlp`. y_A = x_A, y_B = x_B + shift(x_A).
 *
 * The log-det is 0. It starts as the identity.
 *
 * Shapes: x and y [...batch, D], log-det [...batch], context [...batch, contextDim]. Both directions parallel.
 *
 * @throws for the wrong options of `coupling` and `mlp`.
 * Source: Dinh et al. 2014, "NICE: non-linear independent components estimation", section 3.2.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { additiveCoupling, createRng } from 'tfjs-flows';
 *
 * const flow = additiveCoupling({ dim: 4, mask: 'alternating', rng: createRng(0) });
 * const [y, logDet] = flow.forwardAndLogDet(tf.tensor1d([1, 2, 3, 4]));
 * console.log(Array.from(y.dataSync()), logDet.dataSync()[0]); // => [ 1, 2, 3, 4 ] 0
 * ```
 */
export function additiveCoupling(options: AdditiveCouplingOptions): Bijector {
  checkOptions('additiveCoupling', options, MLP_COUPLING_OPTIONS);
  return mlpCoupling('additiveCoupling', additiveTransformer(), options);
}
