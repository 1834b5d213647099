import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import type { BijectorSpec } from './bijector.js';
import { oneBatchAxis } from './oneBatchAxis.js';

/** y = x + c_0 + 10 c_1, and what it sees: the ranks of x and context. */
function shifted(seen: number[][]): BijectorSpec {
  const formula: BijectorSpec['forwardAndLogDet'] = (x, { context }) => {
    const c = context as tf.Tensor;
    seen.push([x.rank, c.rank]);
    const shift = tf.sum(tf.mul(c, tf.tensor1d([1, 10])), -1, true);
    return [tf.add(x, shift), tf.sum(tf.mul(shift, x), -1)];
  };
  return { name: 'shifted', forwardEvent: [3], forwardAndLogDet: formula, inverseAndLogDet: formula } as unknown as BijectorSpec;
}

test.each([[[2]], [[5, 2]], [[4, 1, 2]], [[2, 1, 1, 2]], [[2, 1, 5, 2]], [[1, 4, 1, 2]], [[2, 4, 5, 2]]])(
  'a context of shape %j is that of its rows',
  async (shape) => {
    const seen: number[][] = [];
    const spec = oneBatchAxis(shifted(seen));
    const x = tf.reshape(tf.range(0, 120), [2, 4, 5, 3]);
    const context = tf.reshape(tf.range(1, 1 + shape.reduce((a, b) => a * b)), shape);
    const [y, logDet] = spec.forwardAndLogDet(x, { context });
    expect([y.shape, logDet.shape]).toEqual([x.shape, [2, 4, 5]]);
    const shift = tf.sum(tf.mul(context, tf.tensor1d([1, 10])), -1, true);
    expect(await y.array()).toEqual(await tf.add(x, shift).array());
    expect(await logDet.array()).toEqual(await tf.sum(tf.mul(shift, x), -1).array());
    expect(seen).toEqual([[2, 2]]);
  },
);
