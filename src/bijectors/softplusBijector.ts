import type { Tensor } from '@tensorflow/tfjs-core';
import { add, exp, greaterEqual, log, mul, neg, onesLike, square, sub } from '@tensorflow/tfjs-core';
import type { Bijector } from '../core/bijector.js';
import { checkOptions } from '../core/errors.js';
import { logSigmoid, softplusExact } from '../core/math.js';
import { select } from '../core/select.js';
import { elementwise } from './elementwise.js';

/** What `softplusBijector` takes. */
export interface SoftplusBijectorOptions {
  /** Trailing axes that form one event. Default 0: each element is its own. */
  readonly eventRank?: number;
}

/**
 * The line onto the positive numbers: y = softplus(x) = log(1 + e^x).
 *
 * log|dy/dx| = -softplus(-x), summed over the event; the inverse is x = y + log(1 - e^-y).
 *
 * Shapes: x and y [...batch, ...event], log-det [...batch].
 *
 * Both directions keep float32's relative accuracy into the lower tail, where y is e^x: TensorFlow.js's own softplus, which takes
 * the logarithm of a number near 1, has one digit of y left at x of -13. The inverse of 0 is -infinity, and of a negative number NaN.
 *
 * @throws for a wrong eventRank or an unknown option; at a call for a wrong rank or dtype.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { softplusBijector } from 'tfjs-flows';
 *
 * const bijector = softplusBijector();
 * const [y, logDet] = bijector.forwardAndLogDet(tf.tensor1d([-30, 0, 30]));
 * console.log(Array.from(logDet.dataSync(), (value) => value.toFixed(3))); // => [ '-30.000', '-0.693', '-0.000' ]
 * console.log(Array.from(bijector.inverse(y).dataSync(), (value) => value.toFixed(3))); // => [ '-30.000', '0.000', '30.000' ]
 * ```
 */
export function softplusBijector(options: SoftplusBijectorOptions = {}): Bijector {
  checkOptions('softplusBijector', options, ['eventRank']);
  return elementwise({
    ...options,
    name: 'softplusBijector',
    forward: softplusExact,
    inverse: inverseSoftplus,
    logDerivative: logSigmoid,
  });
}

/**
 * log(e^y - 1). For small y it is y / 2 + log(y) + log(sinh(y / 2) / (y / 2)), the last by its series: 1 - e^-y would cancel, and
 * `expm1` does the same on some backends.
 */
function inverseSoftplus(y: Tensor): Tensor {
  const large = greaterEqual(y, 1);
  const [big, small] = [select(large, y, onesLike(y)), select(large, onesLike(y), y)];
  const t = square(mul(small, 0.5));
  const series = add(mul(t, add(mul(t, add(mul(t, 1 / 5040), 1 / 120)), 1 / 6)), 1);
  return select(large, add(big, log(sub(1, exp(neg(big))))), add(add(mul(small, 0.5), log(small)), log(series)));
}
