import type { Bijector } from '../core/bijector.js';
import { defineBijector } from '../core/bijector.js';
import type { IntervalOptions } from '../core/sigmoidMap.js';
import { sigmoidMap } from '../core/sigmoidMap.js';

/** What `logitBijector` takes. */
export interface LogitBijectorOptions extends IntervalOptions {}

/**
 * An interval onto the line: y = logit((x - low) / (high - low)) = log(x - low) - log(high - x), the inverse of
 * `sigmoidBijector`.
 *
 * log|dy/dx| = log(high - low) - log(x - low) - log(high - x), summed over the event.
 *
 * Shapes: x and y [...batch, ...event], log-det [...batch].
 *
 * An x at an end gives an infinity, with a log-det of infinity, and one outside gives NaN; what float32 loses of the
 * inverse beyond |y| of 17 is told at `sigmoidBijector`.
 *
 * @throws for a `high` that is not above `low`, a wrong eventRank, an unknown option; at a call for a wrong rank or dtype.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { logitBijector } from 'tfjs-flows';
 *
 * const [y, logDet] = logitBijector().forwardAndLogDet(tf.tensor1d([0.5, 0.75]));
 * console.log(Array.from(y.dataSync(), (value) => value.toFixed(4))); // => [ '0.0000', '1.0986' ]
 * console.log(Array.from(logDet.dataSync(), (value) => value.toFixed(4))); // => [ '1.3863', '1.6740' ]
 * ```
 */
export function logitBijector(options: LogitBijectorOptions = {}): Bijector {
  const { eventRank, fromLine, toLine } = sigmoidMap('logitBijector', options);
  return defineBijector({
    name: 'logitBijector',
    forwardEvent: Array(eventRank).fill(null),
    forwardAndLogDet: toLine,
    inverseAndLogDet: fromLine,
  });
}
