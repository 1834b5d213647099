import type { Tensor } from '@tensorflow/tfjs-core';
import { mul, neg, step, sub } from '@tensorflow/tfjs-core';
import type { Bijector } from '../core/bijector.js';
import { checkNumber, checkOptions } from '../core/errors.js';
import { elementwise } from './elementwise.js';

/** What `leakyReluBijector` takes. */
export interface LeakyReluBijectorOptions {
  /** Slope below zero, above 0. Default 0.2. */
  readonly slope?: number;
  /** Trailing axes that form one event. Default 0: each element is its own. */
  readonly eventRank?: number;
}

/**
 * The line onto itself, bent at zero: y = x where x >= 0, slope x elsewhere.
 *
 * log|dy/dx| is log(slope) for each negative element of the event, 0 for the others.
 *
 * Shapes: x and y [...batch, ...event], log-det [...batch].
 *
 * @throws for a slope that is not above 0, a wrong eventRank, an unknown option; at a call for a wrong rank or dtype.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { leakyReluBijector } from 'tfjs-flows';
 *
 * const [y, logDet] = leakyReluBijector({ slope: 0.5, eventRank: 1 }).forwardAndLogDet(tf.tensor1d([3, -3, -1]));
 * console.log(Array.from(y.dataSync()), logDet.dataSync()[0]!.toFixed(4)); // => [ 3, -1.5, -0.5 ] -1.3863
 * ```
 */
export function leakyReluBijector(options: LeakyReluBijectorOptions = {}): Bijector {
  checkOptions('leakyReluBijector', options, ['slope', 'eventRank']);
  const { slope = 0.2, ...rest } = options;
  checkNumber('leakyReluBijector', 'options.slope', slope, { above: 0 });
  const bend =
    (below: number) =>
    (x: Tensor): Tensor =>
      mul(x, sub(1, mul(step(neg(x)), 1 - below)));
  return elementwise({
    ...rest,
    name: 'leakyReluBijector',
    forward: bend(slope),
    inverse: bend(1 / slope),
    logDerivative: (x) => mul(step(neg(x)), Math.log(slope)),
  });
}
