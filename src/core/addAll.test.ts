import * as tf from '@tensorflow/tfjs';
import { expect, test, vi } from 'vitest';
import { addAll } from './addAll.js';

test.each([1, 2, 6, 7, 8, 13, 14, 40])('the sum of %i tensors, of which no program gets more than seven', (count) => {
  const sizes: number[] = [];
  const run = tf.engine().runKernel.bind(tf.engine());
  const spy = vi.spyOn(tf.engine(), 'runKernel').mockImplementation((name, inputs, attributes) => {
    sizes.push(Object.keys(inputs).length);
    return run(name, inputs, attributes);
  });
  const terms = Array.from({ length: count }, (_, k) => tf.tensor1d([k, 2 ** k]));
  const total = addAll(terms);
  spy.mockRestore();
  expect(Array.from(total.dataSync())).toEqual([(count * (count - 1)) / 2, Math.fround(2 ** count - 1)]);
  expect(Math.max(0, ...sizes)).toBeLessThanOrEqual(7);
});

test('each term gets the gradient of the sum', () => {
  const terms = Array.from({ length: 9 }, (_, k) => tf.scalar(k));
  const gradients = tf.grads((...xs: tf.Tensor[]) => tf.square(addAll(xs)))(terms);
  expect(gradients.map((g) => g.dataSync()[0])).toEqual(new Array(9).fill(72));
});
