import { chain } from '../bijectors/chain.js';
import type { SplineCouplingOptions } from '../bijectors/splineCoupling.js';
import { splineCoupling } from '../bijectors/splineCoupling.js';
import type { Bijector } from '../core/bijector.js';
import { checkInteger, checkOptions } from '../core/errors.js';
import { createRng } from '../core/rng.js';

/** What `splineFlow` takes. */
export interface SplineFlowOptions
  extends Pick<SplineCouplingOptions, 'dim' | 'bins' | 'bound' | 'hidden' | 'activation' | 'mask' | 'contextDim' | 'rng'> {
  /** Coupling layers; every other one transforms what its neighbours leave. Default 4. */
  readonly layers?: number;
}

/**
 * Neural spline flow over vectors: rational-quadratic spline couplings that take turns in what they transform. Starts as the
 * identity, up to rounding; one pass a layer in both directions. What lies outside [-bound, bound] is left alone: scale the data
 * to lie within.
 *
 * Shapes: x and y [...batch, dim], log-det [...batch], context [...batch, contextDim]. Both directions parallel.
 *
 * @throws for wrong sizes and unknown options.
 * Source: Durkan et al. 2019, "Neural spline flows" (RQ-NSF (C), without the linear layers between).
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { createRng } from 'tfjs-flows';
 * import { splineFlow } from 'tfjs-flows/models';
 *
 * const bijector = splineFlow({ dim: 2, layers: 2, hidden: [32], rng: createRng(0) });
 * const y = bijector.forward(tf.tensor1d([0.5, -2]));
 * console.log(Array.from(y.dataSync(), (value) => value.toFixed(4))); // => [ '0.5000', '-2.0000' ]
 * ```
 */
export function splineFlow(options: SplineFlowOptions): Bijector {
  const known = ['dim', 'bins', 'bound', 'layers', 'hidden', 'activation', 'mask', 'contextDim', 'rng'];
  checkOptions('splineFlow', options, known);
  const { layers = 4, rng = createRng(), ...rest } = options;
  checkInteger('splineFlow', 'options.layers', layers, 1);
  return chain(Array.from({ length: layers }, (_, i) => splineCoupling({ ...rest, flip: i % 2 === 1, rng })));
}
