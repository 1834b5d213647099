import type { Tensor } from '@tensorflow/tfjs-core';
import { zeros } from '@tensorflow/tfjs-core';
import type { Bijector, CallOptions } from '../core/bijector.js';
import { defineBijector } from '../core/bijector.js';
import { checkInteger, checkOptions } from '../core/errors.js';
import { fused } from '../core/fused.js';
import type { Rng } from '../core/rng.js';
import { sumTrailing } from '../core/shapes.js';
import type { RationalQuadraticOptions, SplineParameters } from '../transformers/rationalQuadratic.js';
import { RATIONAL_QUADRATIC_OPTIONS, rationalQuadratic } from '../transformers/rationalQuadratic.js';
import type { ParameterSpec } from './amortised.js';
import { parameterSource } from './amortised.js';

/** What `rationalQuadraticSpline` takes. */
export interface RationalQuadraticSplineOptions extends RationalQuadraticOptions {
  /** D: size of an event. */
  readonly dim: number;
  /** Given widths [..., D, K], heights and derivatives instead of own ones: tensors or variables that stay the caller's. */
  readonly given?: SplineParameters;
  /** Size of a context from which the parameters are computed, for each example its own, by one linear layer. Default: own ones. */
  readonly contextDim?: number;
  /** Draws the initial values of that layer. */
  readonly rng?: Rng;
}

/**
 * Monotone rational-quadratic spline in each dimension, within [-bound, bound], the identity outside: the map of
 * `splineTransformer` with parameters of its own.
 *
 * Own parameters `widths` [D, K], `heights` [D, K] and `derivatives` [D, K - 1] (K with boundary 'circular', K + 1 with 'free') start at
 * 0: the identity, up to rounding. Given ones may have batch axes, which broadcast to those of x.
 *
 * Shapes: x and y [...batch, D], log-det [...batch], context [...batch, contextDim]. Both directions parallel.
 *
 * @throws for a wrong dim, the wrong options of `splineTransformer`, given tensors of a wrong shape, and at a call for a wrong shape.
 * Source: Durkan et al. 2019, "Neural spline flows", equations 4 to 8.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { rationalQuadraticSpline } from 'tfjs-flows';
 *
 * const given = { widths: tf.tensor2d([[0, 1]]), heights: tf.tensor2d([[0.5, -1]]), derivatives: tf.tensor2d([[2]]) };
 * const spline = rationalQuadraticSpline({ dim: 1, bins: 2, bound: 1, given });
 * const [y, logDet] = spline.forwardAndLogDet(tf.tensor2d([[-0.5], [0.25], [7]]));
 * console.log(Array.from(y.dataSync(), (value) => value.toFixed(2))); // => [ '0.53', '0.89', '7.00' ]
 * console.log(logDet.shape); // => [ 3 ]
 * ```
 */
export function rationalQuadraticSpline(options: RationalQuadraticSplineOptions): Bijector {
  checkOptions('rationalQuadraticSpline', options, ['dim', ...RATIONAL_QUADRATIC_OPTIONS, 'given', 'contextDim', 'rng']);
  const { dim, given, contextDim, rng, ...rest } = options;
  checkInteger('rationalQuadraticSpline', 'options.dim', dim, 1);
  const spline = rationalQuadratic('rationalQuadraticSpline', rest);
  const zero = (size: number): ParameterSpec => ({ shape: [dim, size], init: () => zeros([dim, size]) });
  const specs = {
    widths: zero(spline.sizes.widths),
    heights: zero(spline.sizes.heights),
    derivatives: zero(spline.sizes.derivatives),
  };
  const source = parameterSource('rationalQuadraticSpline', specs, { given, contextDim, rng });

  const run = (method: 'forward' | 'inverse', x: Tensor, call: CallOptions): [Tensor, Tensor] => {
    const parameters = source.at(call);
    const { name, attributes } = spline.kernel;
    const [y, logDerivative] = fused(
      name,
      [x, parameters.widths, parameters.heights, parameters.derivatives],
      (at, widths, heights, derivatives) => spline[method](at, { widths, heights, derivatives }),
      { ...attributes, inverse: method === 'inverse' },
    );
    return [y, sumTrailing(logDerivative, 1)];
  };

  return defineBijector({
    name: 'rationalQuadraticSpline',
    forwardEvent: [dim],
    contextDim,
    parameters: source.parameters,
    forwardAndLogDet: (x, call) => run('forward', x, call),
    inverseAndLogDet: (y, call) => run('inverse', y, call),
  });
}
