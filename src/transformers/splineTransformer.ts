import { checkOptions } from '../core/errors.js';
import type { Transformer } from '../core/transformer.js';
import { defineTransformer } from '../core/transformer.js';
import type { RationalQuadraticOptions } from './rationalQuadratic.js';
import { RATIONAL_QUADRATIC_OPTIONS, rationalQuadratic } from './rationalQuadratic.js';

/**
 * Monotone rational-quadratic spline of each element within [-bound, bound], the identity outside (see `boundary`).
 *
 * Parameters of an element: [widths K, heights K, slopes at the inner knots K - 1]; K slopes with boundary 'circular', the first
 * at both ends, and K + 1 with 'free'. In the bin with lower left corner (x_k, y_k), width w, height h, s = h / w, end slopes d, e and
 * t = (x - x_k) / w:
 *
 *   y = y_k + h (s t^2 + d t (1 - t)) / (s + (d + e - 2 s) t (1 - t)).
 *
 * Shares of the bins are minima plus a softmax, slopes a minimum plus a softplus, so that all zero is the identity (with the
 * default constraint and with 'bounded'). A point on a knot belongs to the bin on its right. The inverse is a root of a
 * quadratic, in the form that does not cancel.
 *
 * Shapes: x and y [...s], parameters [...s, 3 K - 1], log-derivative [...s], in nats. Both directions parallel.
 *
 * @throws for fewer than 2 bins, a bound that is not positive, minima that leave no room, an unknown option.
 * Source: Durkan et al. 2019, "Neural spline flows"; circular as in Rezende et al. 2020, "Normalizing flows on tori and spheres";
 * 'bounded' as in zuko.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { createRng, splineTransformer } from 'tfjs-flows';
 *
 * const transformer = splineTransformer({ bins: 4, bound: 3 });
 * const x = tf.tensor1d([-2, 0.5, 30]);
 * const parameters = createRng(0).normal([3, transformer.parameterSize]);
 * const [y] = transformer.forwardAndLogDerivative(x, parameters);
 * console.log(transformer.parameterSize, y.dataSync()[2]); // => 11 30
 * const [back] = transformer.inverseAndLogDerivative(y, parameters);
 * console.log(tf.max(tf.abs(tf.sub(back, x))).dataSync()[0]! < 1e-5); // => true
 * ```
 */
export function splineTransformer(options: RationalQuadraticOptions = {}): Transformer {
  checkOptions('splineTransformer', options, RATIONAL_QUADRATIC_OPTIONS);
  const spline = rationalQuadratic('splineTransformer', options);
  return defineTransformer({
    name: 'splineTransformer',
    parameterSize: Object.values(spline.sizes).reduce((total, size) => total + size, 0),
    forwardCost: 'parallel',
    inverseCost: 'parallel',
    kernel: spline.kernel,
    forwardAndLogDerivative: (x, parameters) => spline.forward(x, spline.split(parameters)),
    inverseAndLogDerivative: (y, parameters) => spline.inverse(y, spline.split(parameters)),
  });
}
