import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { sechSquared } from './sechSquared.js';

test('sech^2 keeps its tails, in value and gradient', () => {
  const x = tf.tensor1d([-20, -3, -0.2, 0.4, 2, 15]);
  const values = sechSquared(x).dataSync();
  const gradients = tf
    .grad((value) => tf.sum(sechSquared(value)))(x)
    .dataSync();
  [-20, -3, -0.2, 0.4, 2, 15].forEach((t, i) => {
    const exact = 1 / Math.cosh(t) ** 2;
    expect((values[i] as number) / exact).toBeCloseTo(1, 5);
    expect((gradients[i] as number) / (-2 * Math.tanh(t) * exact)).toBeCloseTo(1, 5);
  });
});
