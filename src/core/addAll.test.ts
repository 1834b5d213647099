import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { addAll } from './addAll.js';

test.each([1, 2, 7, 8, 40])('the sum of %i tensors', (count) => {
  const terms = Array.from({ length: count }, (_, k) => tf.tensor1d([k, 2 ** k]));
  const total = addAll(terms);
  expect(Array.from(total.dataSync())).toEqual([(count * (count - 1)) / 2, Math.fround(2 ** count - 1)]);
});

test('each term gets the gradient of the sum', () => {
  const terms = Array.from({ length: 9 }, (_, k) => tf.scalar(k));
  const gradients = tf.grads((...xs: tf.Tensor[]) => tf.square(addAll(xs)))(terms);
  expect(gradients.map((g) => g.dataSync()[0])).toEqual(new Array(9).fill(72));
});
