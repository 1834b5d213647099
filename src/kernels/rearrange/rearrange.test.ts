import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { expectNoLeak } from '../../testing/expectNoLeak.js';
import { inversePermutation, rearrange } from './rearrange.js';

const order = [2, 0, 3, 1];
const indices = tf.tensor1d(order, 'int32');

test('inversePermutation undoes it', () => {
  const inverse = inversePermutation(indices);
  expect(inverse.dtype).toBe('int32');
  expect([...inverse.dataSync()]).toEqual([1, 3, 0, 2]);
  expect([...inversePermutation(tf.tensor1d([0], 'int32')).dataSync()]).toEqual([0]);
});

test('rearrange picks along either axis, and its gradients put back', async () => {
  const inverse = inversePermutation(indices);
  const x = tf.tensor2d([
    [1, 2, 3, 5],
    [7, 11, 13, 17],
  ]);
  expect(rearrange(x, indices, inverse, 1).arraySync()).toEqual([
    [3, 1, 5, 2],
    [13, 7, 17, 11],
  ]);
  expect(rearrange(tf.transpose(x), indices, inverse, 0).arraySync()).toEqual([
    [3, 13],
    [1, 7],
    [5, 17],
    [2, 11],
  ]);
  const row = tf.tensor1d([1, 2, 3, 5]);
  const weights = tf.tensor1d([10, 20, 30, 40]);
  const cubes = (v: tf.Tensor): tf.Tensor => tf.sum(tf.mul(weights, rearrange(tf.pow(v, 3), indices, inverse, 0)));
  // Weight i is that of entry order[i].
  expect([...tf.grad(cubes)(row).dataSync()]).toEqual([20 * 3, 40 * 12, 10 * 27, 30 * 75]);
  const second = tf.grad((v) => tf.sum(tf.grad(cubes)(v)))(row);
  expect([...second.dataSync()]).toEqual([20 * 6, 40 * 12, 10 * 18, 30 * 30]);
  await expectNoLeak(() => tf.grad(cubes)(row));
});
