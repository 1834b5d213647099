import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { createRng } from '../../core/rng.js';
import { expectNoLeak } from '../../testing/expectNoLeak.js';
import { convolve2d } from './convolve2d.js';

const difference = (a: tf.Tensor, b: tf.Tensor): number => tf.max(tf.abs(tf.sub(a, b))).arraySync() as number;

describe.each([
  { size: 1, shape: [2, 3, 4, 3] },
  { size: 3, shape: [2, 4, 3, 3] },
  { size: 3, shape: [1, 1, 1, 2] },
  { size: 5, shape: [3, 2, 6, 1] },
] as { size: number; shape: [number, number, number, number] }[])('convolve2d, $size x $size of $shape', ({ size, shape }) => {
  const rng = createRng(1);
  const x = rng.normal(shape) as tf.Tensor4D;
  const kernel = rng.normal([size, size, shape[3], 2]) as tf.Tensor4D;
  const weights = rng.normal([shape[0], shape[1], shape[2], 2]);

  test('is TensorFlow’s convolution with the same padding, and so are its gradients', () => {
    expect(difference(convolve2d(x, kernel), tf.conv2d(x, kernel, 1, 'same'))).toBeLessThan(1e-5);
    const loss =
      (convolution: (x: tf.Tensor4D, kernel: tf.Tensor4D) => tf.Tensor) =>
      (a: tf.Tensor, b: tf.Tensor): tf.Tensor =>
        tf.sum(tf.mul(convolution(a as tf.Tensor4D, b as tf.Tensor4D), weights));
    const ours = tf.grads(loss(convolve2d))([x, kernel]) as tf.Tensor[];
    const theirs = tf.grads(loss((a, b) => tf.conv2d(a, b, 1, 'same')))([x, kernel]) as tf.Tensor[];
    ours.forEach((gradient, i) => {
      expect(gradient.shape).toEqual([x, kernel][i]?.shape);
      expect(difference(gradient, theirs[i] as tf.Tensor)).toBeLessThan(1e-4);
    });
  });

  test('has a second derivative', () => {
    // |K x|^2 is quadratic in x: the gradient of <g, v> along v is 2 |K v|^2.
    const v = createRng(2).normal(shape);
    const energy = (a: tf.Tensor): tf.Tensor => tf.sum(tf.square(convolve2d(a as tf.Tensor4D, kernel)));
    const along = tf.grad((a) => tf.sum(tf.mul(tf.grad(energy)(a), v)))(x);
    const expected = 2 * (energy(v).arraySync() as number);
    expect((tf.sum(tf.mul(along, v)).arraySync() as number) / expected).toBeCloseTo(1, 4);
  });

  test('leaves one tensor', async () => {
    await expectNoLeak(() => tf.tidy(() => convolve2d(x, kernel)));
  });
});
