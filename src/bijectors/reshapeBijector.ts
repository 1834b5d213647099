import type { Tensor } from '@tensorflow/tfjs-core';
import { reshape, zeros } from '@tensorflow/tfjs-core';
import type { Bijector } from '../core/bijector.js';
import { defineBijector } from '../core/bijector.js';
import { checkInteger, checkOptions, invalid } from '../core/errors.js';
import { batchShapeOf, sizeOf } from '../core/shapes.js';

/** What `reshapeBijector` takes. */
export interface ReshapeBijectorOptions {
  /** Event shape of x; [] for scalars. */
  readonly from: readonly number[];
  /** Event shape of y, of the same size. */
  readonly to: readonly number[];
}

/**
 * The same numbers in the same (row-major) order as an event of another shape. log|det| = 0.
 *
 * Shapes: x [...batch, ...from], y [...batch, ...to], log-det [...batch].
 *
 * @throws where a shape is no list of positive integers or the sizes differ, for an unknown option, and at a call for a wrong shape.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { reshapeBijector } from 'tfjs-flows';
 *
 * const toImage = reshapeBijector({ from: [6], to: [3, 2, 1] });
 * console.log(toImage.forward(tf.zeros([5, 6])).shape); // => [ 5, 3, 2, 1 ]
 * ```
 */
export function reshapeBijector(options: ReshapeBijectorOptions): Bijector {
  checkOptions('reshapeBijector', options, ['from', 'to']);
  const from = checkShape('from', options.from);
  const to = checkShape('to', options.to);
  if (sizeOf(from) !== sizeOf(to)) {
    throw invalid('reshapeBijector', 'options.to', `a shape of ${sizeOf(from)} elements, as options.from`, to);
  }
  const as = (x: Tensor, event: readonly number[], next: readonly number[]): [Tensor, Tensor] => {
    const batch = batchShapeOf(x, event.length);
    return [reshape(x, [...batch, ...next]), zeros(batch)];
  };
  return defineBijector({
    name: 'reshapeBijector',
    forwardEvent: from,
    inverseEvent: to,
    forwardAndLogDet: (x) => as(x, from, to),
    inverseAndLogDet: (y) => as(y, to, from),
  });
}

function checkShape(name: 'from' | 'to', shape: unknown): readonly number[] {
  if (!Array.isArray(shape)) {
    throw invalid('reshapeBijector', `options.${name}`, 'a list of sizes', shape);
  }
  shape.forEach((size, i) => {
    checkInteger('reshapeBijector', `options.${name}[${i}]`, size, 1);
  });
  return [...(shape as number[])];
}
