import { exp, log } from '@tensorflow/tfjs-core';
import type { Bijector } from '../core/bijector.js';
import { checkOptions } from '../core/errors.js';
import { elementwise } from './elementwise.js';

/** What `expBijector` takes. */
export interface ExpBijectorOptions {
  /** Trailing axes that form one event. Default 0: each element is its own. */
  readonly eventRank?: number;
}

/**
 * The line onto the positive numbers: y = exp(x).
 *
 * log|dy/dx| = x, summed over the event; the inverse is x = log(y).
 *
 * Shapes: x and y [...batch, ...event], log-det [...batch]. In float32 y overflows beyond x of 88.7 and is 0 below -87 or -103,
 * as the backend has it. The inverse of 0 is -infinity, and of a negative number NaN.
 *
 * @throws for a wrong eventRank or an unknown option; at a call for a wrong rank or dtype.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { expBijector } from 'tfjs-flows';
 *
 * const [x, logDet] = expBijector({ eventRank: 1 }).inverseAndLogDet(tf.tensor1d([1, 4]));
 * console.log(x.dataSync()[1]!.toFixed(4), logDet.dataSync()[0]!.toFixed(4)); // => 1.3863 -1.3863
 * ```
 */
export function expBijector(options: ExpBijectorOptions = {}): Bijector {
  checkOptions('expBijector', options, ['eventRank']);
  return elementwise({ ...options, name: 'expBijector', forward: exp, inverse: log, logDerivative: (x) => x });
}
