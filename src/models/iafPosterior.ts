import { chain } from '../bijectors/chain.js';
import { iaf } from '../bijectors/iaf.js';
import type { Bijector } from '../core/bijector.js';
import { checkInteger, checkOptions } from '../core/errors.js';
import type { Rng } from '../core/rng.js';
import { createRng } from '../core/rng.js';

/** What `iafPosterior` takes. */
export interface IafPosteriorOptions {
  /** L: size of the code. */
  readonly dim: number;
  /** K: autoregressive steps. Default 4. */
  readonly steps?: number;
  /** Sizes of the hidden layers of each step's `made`. Default [320, 320]. */
  readonly hidden?: readonly number[];
  /** Size of the context from the encoder. Default 0: none. */
  readonly contextDim?: number;
  /** Draws the initial values. */
  readonly rng?: Rng;
}

/**
 * The flow of an inverse-autoregressive posterior: K steps z <- g z + (1 - g) m, g = sigmoid(s + 2), where a masked
 * autoencoder gives m and s from the entries before and the context. Every other step takes the entries in reverse. It is what
 * `vae` takes as `posteriorFlow`, behind the encoder's Gaussian.
 *
 * Shapes: z [...batch, L], context [...batch, contextDim]. Forward parallel; the inverse takes K L passes.
 *
 * @throws for sizes that are no positive integers, an unknown option; at a call for a wrong shape.
 * Source: Kingma et al. 2016, "Improving variational inference with inverse autoregressive flow", algorithm 1.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { createRng } from 'tfjs-flows';
 * import { iafPosterior } from 'tfjs-flows/models';
 *
 * const bijector = iafPosterior({ dim: 3, hidden: [16, 16], contextDim: 5, rng: createRng(0) });
 * const [z, logDet] = bijector.forwardAndLogDet(tf.ones([2, 3]), { context: tf.zeros([2, 5]) });
 * console.log(z.shape, logDet.shape); // => [ 2, 3 ] [ 2 ]
 * ```
 */
export function iafPosterior(options: IafPosteriorOptions): Bijector {
  checkOptions('iafPosterior', options, ['dim', 'steps', 'hidden', 'contextDim', 'rng']);
  const { dim, steps = 4, hidden = [320, 320], contextDim = 0, rng = createRng() } = options;
  checkInteger('iafPosterior', 'options.dim', dim, 1);
  checkInteger('iafPosterior', 'options.steps', steps, 1);
  // Reading from the other end does what a reversal in between would, without moving anything.
  const order = (step: number): 'natural' | 'reversed' => (step % 2 === 0 ? 'natural' : 'reversed');
  return chain(
    Array.from({ length: steps }, (_, step) => iaf({ dim, hidden, contextDim, order: order(step), offset: 2, rng })),
    { name: 'iafPosterior' },
  );
}
