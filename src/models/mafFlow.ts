import { chain } from '../bijectors/chain.js';
import type { MafOptions } from '../bijectors/maf.js';
import { maf } from '../bijectors/maf.js';
import { reversePermutation } from '../bijectors/reversePermutation.js';
import type { Bijector } from '../core/bijector.js';
import { checkInteger, checkOptions } from '../core/errors.js';
import { createRng } from '../core/rng.js';

/** What `mafFlow` takes. */
export interface MafFlowOptions extends Pick<MafOptions, 'dim' | 'hidden' | 'activation' | 'contextDim' | 'rng'> {
  /** Autoregressive layers. Default 5. */
  readonly layers?: number;
}

/**
 * Masked autoregressive flow: affine autoregressive layers, the order of the entries reversed between two.
 *
 * Densities take one pass a layer, draws one an entry: for density estimation, and as the autoregressive prior of a variational
 * autoencoder. It starts as the identity (with the entries reversed where the number of layers is even).
 *
 * Shapes: x and y [...batch, dim], log-det [...batch], context [...batch, contextDim]. Forward sequential, inverse parallel.
 *
 * @throws for wrong sizes and unknown options.
 * Source: Papamakarios et al. 2017, "Masked autoregressive flow for density estimation".
 * @example
 * ```ts
 * import { createRng, flow, standardNormal } from 'tfjs-flows';
 * import { mafFlow } from 'tfjs-flows/models';
 *
 * const rng = createRng(0);
 * const prior = flow({ base: standardNormal({ eventShape: [3] }), bijector: mafFlow({ dim: 3, layers: 2, rng }) });
 * console.log(prior.sample({ shape: [4], rng }).shape); // => [ 4, 3 ]
 * ```
 */
export function mafFlow(options: MafFlowOptions): Bijector {
  checkOptions('mafFlow', options, ['dim', 'layers', 'hidden', 'activation', 'contextDim', 'rng']);
  const { layers = 5, rng = createRng(), ...rest } = options;
  checkInteger('mafFlow', 'options.layers', layers, 1);
  const layer = (): Bijector => maf({ ...rest, rng });
  const between = (): Bijector => reversePermutation({ dim: options.dim });
  return chain([layer(), ...Array.from({ length: layers - 1 }, () => [between(), layer()]).flat()]);
}
