import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { expectNoLeak } from '../../testing/expectNoLeak.js';
import { take } from './take.js';

const grid = tf.tensor3d(
  Array.from({ length: 24 }, (_, i) => i),
  [2, 3, 4],
);

describe('take', () => {
  test.each([
    [[0, 1, 2, 3], -1],
    [[3, 0, 2, 1], -1],
    [[1, 2], 2],
    [[3, 1], 2],
    [[2, 0], 1],
    [[1], 0],
    [[1, 0], 0],
  ])('picks %j along axis %d, and its gradient puts back', (indices, axis) => {
    const got = take(grid, indices, axis);
    expect(got.arraySync()).toEqual(tf.gather(grid, indices, axis).arraySync());

    const weights = tf.add(tf.range(1, got.size + 1), 0).reshape(got.shape);
    const gradient = tf.grad((x) => tf.sum(tf.mul(take(x, indices, axis), weights)))(grid);
    const expected = tf.grad((x) => tf.sum(tf.mul(tf.gather(x, indices, axis), weights)))(grid);
    expect(gradient.arraySync()).toEqual(expected.arraySync());
  });

  test('has a second derivative', () => {
    const cubes = (x: tf.Tensor): tf.Tensor => tf.sum(tf.mul(take(x, [2, 0]), tf.square(take(x, [2, 0]))));
    const second = tf.grad((x) => tf.sum(tf.grad(cubes)(x)))(tf.tensor1d([1, 2, 3]));
    expect(Array.from(second.dataSync())).toEqual([6, 0, 18]);
  });

  test('takes one axis and more than four', () => {
    expect(Array.from(take(tf.tensor1d([5, 6, 7]), [2, 0]).dataSync())).toEqual([7, 5]);
    const deep = tf.tensor(
      Array.from({ length: 6 }, (_, i) => i),
      [1, 1, 1, 1, 2, 3],
    );
    const picked = take(deep, [2, 0]);
    expect(picked.shape).toEqual([1, 1, 1, 1, 2, 2]);
    expect(Array.from(picked.dataSync())).toEqual([2, 0, 5, 3]);
  });

  test.each([[[]], [[0, 0]], [[4]], [[-1]], [[0.5]]])('refuses the indices %j', (indices) => {
    expect(() => take(grid, indices)).toThrow('take: indices should be distinct integers from 0 to 3');
  });

  test('leaves one tensor', async () => {
    await expectNoLeak(() => tf.tidy(() => take(grid, [3, 1])));
    await expectNoLeak(() => tf.tidy(() => tf.grad((x) => tf.sum(tf.square(take(x, [3, 1]))))(grid)));
  });
});
