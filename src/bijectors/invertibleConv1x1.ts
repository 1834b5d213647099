import type { Bijector } from '../core/bijector.js';
import { checkInteger, checkOptions, invalid } from '../core/errors.js';
import { pluOf, randomRotation } from '../core/randomRotation.js';
import type { Rng } from '../core/rng.js';
import { createRng } from '../core/rng.js';
import { pluBijector } from './pluBijector.js';

/** What `invertibleConv1x1` takes. */
export interface InvertibleConv1x1Options {
  /** C: channels, the size of the last axis. */
  readonly dim: number;
  /** Whether a bias is added. Default false. */
  readonly bias?: boolean;
  /** Draws the initial matrix. */
  readonly rng?: Rng;
}

/**
 * Invertible 1x1 convolution (Glow): every pixel's channels times one matrix, y[h, w] = W x[h, w], W = P L U with a fixed permutation.
 *
 * log|det| = H W sum(logScale). L is lower triangular with ones on its diagonal, U upper triangular with sign exp(logScale) on its
 * own. Parameters `lower` and `upper` [C, C] (entries below and above the diagonal; the others do not count), `logScale` [C] and
 * `bias` [C] where there is one; buffers `permutation` [C, C] and `sign` [C]. W starts as a random orthogonal matrix, so the log-det
 * starts at 0.
 *
 * Shapes: x and y [...batch, H, W, C], any H and W, log-det [...batch]. Both directions parallel; the inverse forms the inverse
 * matrix, by C substitutions on the device.
 *
 * @throws for a wrong dim, an unknown option, and at a call for a wrong shape.
 * Source: Kingma and Dhariwal 2018, "Glow", section 3.2, equation 10.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { createRng, invertibleConv1x1 } from 'tfjs-flows';
 *
 * const mix = invertibleConv1x1({ dim: 3, rng: createRng(0) });
 * const x = createRng(1).normal([2, 4, 4, 3]);
 * const [y, logDet] = mix.forwardAndLogDet(x);
 * console.log(y.shape, logDet.shape); // => [ 2, 4, 4, 3 ] [ 2 ]
 * console.log(tf.max(tf.abs(tf.sub(mix.inverse(y), x))).dataSync()[0]! < 1e-5); // => true
 * ```
 */
export function invertibleConv1x1(options: InvertibleConv1x1Options): Bijector {
  checkOptions('invertibleConv1x1', options, ['dim', 'bias', 'rng']);
  const { dim, bias = false, rng = createRng() } = options;
  checkInteger('invertibleConv1x1', 'options.dim', dim, 1);
  if (typeof bias !== 'boolean') {
    throw invalid('invertibleConv1x1', 'options.bias', 'true or false', bias);
  }
  return pluBijector({ name: 'invertibleConv1x1', dim, eventRank: 3, bias, initial: pluOf(randomRotation(dim, rng)) });
}
