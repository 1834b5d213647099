import { chain } from '../bijectors/chain.js';
import type { IafOptions } from '../bijectors/iaf.js';
import { iaf } from '../bijectors/iaf.js';
import { reversePermutation } from '../bijectors/reversePermutation.js';
import type { Bijector } from '../core/bijector.js';
import { checkInteger, checkOptions } from '../core/errors.js';
import { createRng } from '../core/rng.js';

/** What `iafPosterior` takes. */
export interface IafPosteriorOptions extends Pick<IafOptions, 'dim' | 'hidden' | 'activation' | 'offset' | 'rng'> {
  /** T: inverse autoregressive steps. Default 4. */
  readonly steps?: number;
  /** Size of the encoder's context h, which every step sees. */
  readonly contextDim: number;
}

/**
 * The inverse autoregressive flow of a variational posterior: T steps
 *
 *   z <- g z + (1 - g) m,  (m, s) = made(z, h),  g = sigmoid(s + offset),
 *
 * with the order of the latents reversed between two steps. The gates start near 1 (offset 2 by default), so the posterior starts as
 * a slightly narrowed Gaussian.
 *
 * Shapes: z [...batch, dim], log-det [...batch], context [...batch, contextDim]. Forward parallel, inverse sequential.
 *
 * @throws for wrong sizes and unknown options.
 * Source: Kingma et al. 2016, "Improving variational inference with inverse autoregressive flow", algorithm 1.
 * @example
 * ```ts
 * import { createRng } from 'tfjs-flows';
 * import { iafPosterior } from 'tfjs-flows/models';
 *
 * const rng = createRng(0);
 * const posterior = iafPosterior({ dim: 4, contextDim: 3, hidden: [16], steps: 2, rng });
 * const z = posterior.forward(rng.normal([5, 4]), { context: rng.normal([5, 3]) });
 * console.log(z.shape, posterior.forwardCost); // => [ 5, 4 ] parallel
 * ```
 */
export function iafPosterior(options: IafPosteriorOptions): Bijector {
  checkOptions('iafPosterior', options, ['dim', 'steps', 'contextDim', 'hidden', 'activation', 'offset', 'rng']);
  const { steps = 4, offset = 2, rng = createRng(), ...rest } = options;
  checkInteger('iafPosterior', 'options.steps', steps, 1);
  const step = (): Bijector => iaf({ ...rest, offset, rng });
  const between = (): Bijector => reversePermutation({ dim: options.dim });
  return chain([step(), ...Array.from({ length: steps - 1 }, () => [between(), step()]).flat()]);
}
