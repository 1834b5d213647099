import type { Bijector } from '../core/bijector.js';
import { defineBijector } from '../core/bijector.js';
import type { IntervalOptions } from '../core/sigmoidMap.js';
import { sigmoidMap } from '../core/sigmoidMap.js';

/** What `sigmoidBijector` takes. */
export interface SigmoidBijectorOptions extends IntervalOptions {}

/**
 * The line onto an interval: y = low + (high - low) sigmoid(x).
 *
 * log|dy/dx| = log(high - low) - softplus(x) - softplus(-x), summed over the event; the inverse is
 * x = log(y - low) - log(high - y).
 *
 * Shapes: x and y [...batch, ...event], log-det [...batch].
 *
 * In float32 the log-det is right for any x, but y is not: the spacing of float32 near `high` is about 6e-8 (high - low), so
 * that beyond x of 17 y is `high` itself, and the round trip loses x by about 6e-8 e^x before that. Near `low` the
 * same holds for -x, save where low is 0: there y stays exact down to x of -87. The inverse of an end is an
 * infinity, with a log-det of infinity, and of a number outside it is NaN: neither is bent into something finite, since no
 * x has that y.
 *
 * @throws for a `high` that is not above `low`, a wrong eventRank, an unknown option; at a call for a wrong rank or dtype.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { sigmoidBijector } from 'tfjs-flows';
 *
 * const [y, logDet] = sigmoidBijector({ low: -1, high: 3 }).forwardAndLogDet(tf.tensor1d([0, -40]));
 * console.log(y.arraySync()); // => [ 1, -1 ]
 * console.log(Array.from(logDet.dataSync(), (value) => value.toFixed(3))); // => [ '0.000', '-38.614' ]
 * ```
 */
export function sigmoidBijector(options: SigmoidBijectorOptions = {}): Bijector {
  const { eventRank, fromLine, toLine } = sigmoidMap('sigmoidBijector', options);
  return defineBijector({
    name: 'sigmoidBijector',
    forwardEvent: Array(eventRank).fill(null),
    forwardAndLogDet: fromLine,
    inverseAndLogDet: toLine,
  });
}
