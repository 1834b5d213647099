import type { AffineCouplingOptions } from '../bijectors/affineCoupling.js';
import { affineCoupling } from '../bijectors/affineCoupling.js';
import { chain } from '../bijectors/chain.js';
import type { Bijector } from '../core/bijector.js';
import { checkInteger, checkOptions } from '../core/errors.js';
import { createRng } from '../core/rng.js';

/** What `realNvp` takes. */
export interface RealNvpOptions
  extends Pick<AffineCouplingOptions, 'dim' | 'hidden' | 'activation' | 'mask' | 'contextDim' | 'rng'> {
  /** Coupling layers; every other one transforms what its neighbours leave. Default 8. */
  readonly layers?: number;
}

/**
 * RealNVP over vectors: affine couplings that take turns in what they transform. Starts as the identity; one pass a layer in both
 * directions.
 *
 * Shapes: x and y [...batch, dim], log-det [...batch], context [...batch, contextDim]. Both directions parallel.
 *
 * @throws for wrong sizes and unknown options.
 * Source: Dinh et al. 2017, "Density estimation using Real NVP".
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { createRng } from 'tfjs-flows';
 * import { realNvp } from 'tfjs-flows/models';
 *
 * const bijector = realNvp({ dim: 2, layers: 4, hidden: [32], rng: createRng(0) });
 * console.log(bijector.forward(tf.tensor1d([0.5, -2])).arraySync()); // => [ 0.5, -2 ]
 * ```
 */
export function realNvp(options: RealNvpOptions): Bijector {
  checkOptions('realNvp', options, ['dim', 'layers', 'hidden', 'activation', 'mask', 'contextDim', 'rng']);
  const { layers = 8, rng = createRng(), ...rest } = options;
  checkInteger('realNvp', 'options.layers', layers, 1);
  return chain(Array.from({ length: layers }, (_, i) => affineCoupling({ ...rest, flip: i % 2 === 1, rng })));
}
