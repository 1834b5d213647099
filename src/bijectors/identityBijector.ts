import type { Tensor } from '@tensorflow/tfjs-core';
import { zeros } from '@tensorflow/tfjs-core';
import type { Bijector } from '../core/bijector.js';
import { defineBijector } from '../core/bijector.js';
import { checkInteger, checkOptions } from '../core/errors.js';
import { batchShapeOf } from '../core/shapes.js';

/** What `identityBijector` takes. */
export interface IdentityBijectorOptions {
  /** Trailing axes that form one event. Default 0: each element is its own, as for other elementwise maps. */
  readonly eventRank?: number;
}

/**
 * The identity: y = x, log|det| = 0.
 *
 * Shapes: x and y [...batch, ...event], log-det [...batch]. The results are tensors of their own.
 *
 * @throws for a wrong eventRank or an unknown option, and at a call for a wrong rank.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { identityBijector } from 'tfjs-flows';
 *
 * const [y, logDet] = identityBijector({ eventRank: 1 }).forwardAndLogDet(tf.tensor2d([[1, 2]]));
 * console.log(y.arraySync(), logDet.arraySync()); // => [ [ 1, 2 ] ] [ 0 ]
 * ```
 */
export function identityBijector(options: IdentityBijectorOptions = {}): Bijector {
  checkOptions('identityBijector', options, ['eventRank']);
  const { eventRank = 0 } = options;
  checkInteger('identityBijector', 'options.eventRank', eventRank, 0);
  const same = (x: Tensor): [Tensor, Tensor] => [x, zeros(batchShapeOf(x, eventRank))];
  return defineBijector({
    name: 'identityBijector',
    forwardEvent: Array(eventRank).fill(null),
    forwardAndLogDet: same,
    inverseAndLogDet: same,
  });
}
