import type { Bijector } from '../core/bijector.js';
import { checkInteger, checkOptions, invalid } from '../core/errors.js';
import { pluBijector } from './pluBijector.js';

/** What `lowerUpper` takes. */
export interface LowerUpperOptions {
  /** D: size of an event. */
  readonly dim: number;
  /** Whether a bias is added. Default true. */
  readonly bias?: boolean;
}

/**
 * Linear map by its triangular factors: y = L U x + b, L lower triangular with ones on its diagonal, U upper triangular with
 * sign exp(logScale) on its own.
 *
 * log|det| = sum(logScale): it costs nothing, and the matrix cannot become singular. Parameters `lower` and `upper` [D, D] (entries
 * below and above the diagonal; the others do not count), `logScale` [D], `bias` [D]; buffer `sign` [D], all 1 unless it is assigned.
 * All parameters start at 0: the identity.
 *
 * Shapes: x and y [...batch, D], log-det [...batch]. Both directions parallel; the inverse forms the inverse matrix, by D
 * substitutions on the device.
 *
 * @throws for a wrong dim, an unknown option, and at a call for a wrong shape.
 * Source: Oliva et al. 2018, "Transformation autoregressive networks", section 2.2; Kingma and Dhariwal 2018, "Glow", section 3.2.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { lowerUpper } from 'tfjs-flows';
 *
 * const map = lowerUpper({ dim: 2 });
 * map.parameters.lower!.assign(tf.tensor2d([[0, 0], [3, 0]]));
 * map.parameters.logScale!.assign(tf.tensor1d([0, Math.log(2)]));
 * const [y, logDet] = map.forwardAndLogDet(tf.tensor1d([1, 10]));
 * console.log(Array.from(y.dataSync()), logDet.dataSync()[0].toFixed(3)); // => [ 1, 23 ] 0.693
 * ```
 */
export function lowerUpper(options: LowerUpperOptions): Bijector {
  checkOptions('lowerUpper', options, ['dim', 'bias']);
  const { dim, bias = true } = options;
  checkInteger('lowerUpper', 'options.dim', dim, 1);
  if (typeof bias !== 'boolean') {
    throw invalid('lowerUpper', 'options.bias', 'true or false', bias);
  }
  return pluBijector({ name: 'lowerUpper', dim, eventRank: 1, bias });
}
