import type { Tensor } from '@tensorflow/tfjs-core';
import { reverse, zeros } from '@tensorflow/tfjs-core';
import type { Bijector } from '../core/bijector.js';
import { defineBijector } from '../core/bijector.js';
import { checkInteger, checkOptions } from '../core/errors.js';
import { batchShapeOf } from '../core/shapes.js';
import { withShape } from '../core/withShape.js';

/** What `reversePermutation` takes. */
export interface ReversePermutationOptions {
  /** Size D of an event. */
  readonly dim: number;
}

/**
 * Turns the last axis round: y[..., i] = x[..., D - 1 - i]. log|det| = 0, and it is its own inverse.
 *
 * Shapes: x and y [...batch, D], log-det [...batch].
 *
 * @throws for a wrong dim, an unknown option, and at a call for a wrong shape.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { reversePermutation } from 'tfjs-flows';
 *
 * console.log(reversePermutation({ dim: 3 }).forward(tf.tensor1d([1, 2, 3])).arraySync()); // => [ 3, 2, 1 ]
 * ```
 */
export function reversePermutation(options: ReversePermutationOptions): Bijector {
  checkOptions('reversePermutation', options, ['dim']);
  const { dim } = options;
  checkInteger('reversePermutation', 'options.dim', dim, 1);
  // By rows: some backends turn tensors of up to four axes only.
  const turn = (x: Tensor): [Tensor, Tensor] => [
    withShape(reverse(withShape(x, [x.size / dim, dim]), 1), x.shape),
    zeros(batchShapeOf(x, 1)),
  ];
  return defineBijector({ name: 'reversePermutation', forwardEvent: [dim], forwardAndLogDet: turn, inverseAndLogDet: turn });
}
