import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { spreadTo } from './spreadTo.js';

const from = (shape: number[]): tf.Tensor => tf.reshape(tf.range(0, tf.util.sizeFromShape(shape)), shape);

test.each([
  [[3], [2, 3]],
  [
    [2, 1, 3],
    [2, 4, 3],
  ],
  [[3], [2, 2, 1, 2, 3]],
  [
    [1, 3, 1, 2, 1],
    [2, 3, 2, 2, 4],
  ],
  [
    [2, 3, 1],
    [1, 3, 2, 3, 2],
  ],
  [
    [2, 1, 3, 1, 2],
    [2, 1, 3, 1, 2],
  ],
])('is a broadcast of %j to %j, with its gradient', (shape, target) => {
  const x = from(shape);
  const weights = from(target);
  // The op's own gradient ends at four axes.
  const gradients = [(at: tf.Tensor) => at, (at: tf.Tensor) => spreadTo(at, target)].map((spread) =>
    tf.grad((at) => tf.sum(tf.mul(spread(at), weights)))(x),
  );
  for (const [made, expected] of [[spreadTo(x, target), tf.broadcastTo(x, target)], gradients.reverse()]) {
    expect(made!.shape).toEqual(expected!.shape);
    expect(Array.from(made!.dataSync())).toEqual(Array.from(expected!.dataSync()));
  }
});

test('refuses shapes that do not broadcast', () => {
  expect(() => spreadTo(from([2]), [2, 3])).toThrow();
  expect(() => spreadTo(from([2, 1]), [1, 1, 1, 3, 1])).toThrow();
});
