import { log1p, mul, neg, sub, tanh } from '@tensorflow/tfjs-core';
import type { Bijector } from '../core/bijector.js';
import { checkOptions } from '../core/errors.js';
import { logCosh } from '../core/math.js';
import { elementwise } from './elementwise.js';

/** What `tanhBijector` takes. */
export interface TanhBijectorOptions {
  /** Trailing axes that form one event. Default 0: each element is its own. */
  readonly eventRank?: number;
}

/**
 * The line onto (-1, 1): y = tanh(x).
 *
 * log|dy/dx| = 2 (log 2 - |x| - softplus(-2|x|)), summed over the event; the inverse is x = (log1p(y) - log1p(-y)) / 2.
 *
 * Shapes: x and y [...batch, ...event], log-det [...batch].
 *
 * In float32 the log-det is right for any x, but y is not: beyond |x| of 9 it is +-1 itself, and the round trip loses x by about
 * 3e-8 e^(2|x|) before that. The inverse of +-1 is an infinity, and of a number beyond NaN.
 *
 * @throws for a wrong eventRank or an unknown option; at a call for a wrong rank or dtype.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { tanhBijector } from 'tfjs-flows';
 *
 * const [y, logDet] = tanhBijector().forwardAndLogDet(tf.tensor1d([0, 1, 30]));
 * console.log(Array.from(y.dataSync(), (value) => value.toFixed(4))); // => [ '0.0000', '0.7616', '1.0000' ]
 * console.log(Array.from(logDet.dataSync(), (value) => value.toFixed(4))); // => [ '0.0000', '-0.8676', '-58.6137' ]
 * ```
 */
export function tanhBijector(options: TanhBijectorOptions = {}): Bijector {
  checkOptions('tanhBijector', options, ['eventRank']);
  return elementwise({
    ...options,
    name: 'tanhBijector',
    forward: tanh,
    // Both ends are exact in float32, which the distance from them in (1 + y) / (1 - y) is not.
    inverse: (y) => mul(sub(log1p(y), log1p(neg(y))), 0.5),
    logDerivative: (x) => mul(logCosh(x), -2),
  });
}
