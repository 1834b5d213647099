import type { Bijector } from '../core/bijector.js';
import { checkOptions } from '../core/errors.js';
import type { RationalQuadraticOptions } from '../transformers/rationalQuadratic.js';
import { RATIONAL_QUADRATIC_OPTIONS, rationalQuadraticOptionsOf } from '../transformers/rationalQuadratic.js';
import { splineTransformer } from '../transformers/splineTransformer.js';
import type { MlpCouplingOptions } from './mlpCoupling.js';
import { MLP_COUPLING_OPTIONS, mlpCoupling } from './mlpCoupling.js';

/** What `splineCoupling` takes: the options of a coupling with an `mlp`, and those of `splineTransformer`. */
export interface SplineCouplingOptions extends MlpCouplingOptions, RationalQuadraticOptions {}

/**
 * Spline coupling (neural spline flow): `coupling` of `splineTransformer` with an `mlp`. y_A = x_A, y_B = spline(x_B; theta(x_A)).
 *
 * It starts as the identity, up to rounding (with the default constraint and with 'bounded').
 *
 * Shapes: x and y [...batch, D], log-det [...batch], context [...batch, contextDim]. Both directions parallel.
 *
 * @throws for the wrong options of `coupling`, `mlp` and `splineTransformer`.
 * Source: Durkan et al. 2019, "Neural spline flows", section 3.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { createRng, splineCoupling } from 'tfjs-flows';
 *
 * const layer = splineCoupling({ dim: 2, bins: 6, bound: 3, hidden: [16], rng: createRng(0) });
 * const y = layer.forward(tf.tensor1d([0.5, -2]));
 * console.log(Array.from(y.dataSync(), (value) => value.toFixed(4))); // => [ '0.5000', '-2.0000' ]
 * ```
 */
export function splineCoupling(options: SplineCouplingOptions): Bijector {
  checkOptions('splineCoupling', options, [...MLP_COUPLING_OPTIONS, ...RATIONAL_QUADRATIC_OPTIONS]);
  return mlpCoupling('splineCoupling', splineTransformer(rationalQuadraticOptionsOf(options)), options);
}
