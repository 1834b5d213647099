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

test('a call without a context, and each direction by itself', async () => {
  const seen: number[][] = [];
  const times =
    (factor: number) =>
    (x: tf.Tensor, { context }: { context?: tf.Tensor }): tf.Tensor => {
      seen.push([x.rank, context === undefined ? 0 : context.rank]);
      return tf.mul(x, factor);
    };
  const spec = oneBatchAxis({
    ...shifted([]),
    inverseEvent: [2, 3],
    forward: times(2),
    inverse: times(0.5),
  } as unknown as BijectorSpec);
  const x = tf.reshape(tf.range(0, 720), [2, 4, 5, 6, 3]);
  const [y, back] = [spec.forward?.(x, {}) as tf.Tensor, spec.inverse?.(x, {}) as tf.Tensor];
  expect([y.shape, back.shape]).toEqual([x.shape, x.shape]);
  expect(await y.array()).toEqual(await tf.mul(x, 2).array());
  expect(await back.array()).toEqual(await tf.mul(x, 0.5).array());
  expect(seen).toEqual([
    [2, 0],
    [3, 0],
  ]);
  const without = oneBatchAxis(shifted([]));
  expect([without.forward, without.inverse]).toEqual([undefined, undefined]);
});

test('up to two batch axes, and their context, stay as they are', async () => {
  const seen: number[][] = [];
  const spec = oneBatchAxis(shifted(seen));
  for (const batch of [[], [2], [4, 2]]) {
    const [x, context] = [tf.ones([...batch, 3]), tf.ones([2])];
    const [y] = spec.forwardAndLogDet(x, { context });
    expect(await y.array()).toEqual(await tf.add(x, 11).array());
  }
  expect(seen).toEqual([
    [1, 1],
    [2, 1],
    [3, 1],
  ]);
});
