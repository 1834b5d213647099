import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { oneMinusExpRatio } from './oneMinusExp.js';

it('oneMinusExpRatio is (1 - e^-x) / x, and so is its derivative, for small and large x', () => {
  const x = [1e-30, 1e-7, 1e-3, 0.2, 0.499, 0.501, 1, 5, 90, 1e6].map(Math.fround);
  const [values, slopes] = [oneMinusExpRatio(tf.tensor1d(x)), tf.grad(oneMinusExpRatio)(tf.tensor1d(x))].map((t) => t.dataSync());
  x.forEach((at, i) => {
    const exact = -Math.expm1(-at) / at;
    expect((values?.[i] as number) / exact).toBeCloseTo(1, 6);
    // -1/2 + x/3 where the difference below cancels.
    const slope = at < 1e-3 ? -0.5 + at / 3 : (Math.exp(-at) - exact) / at;
    expect((slopes?.[i] as number) / slope).toBeCloseTo(1, at < 0.01 ? 5 : 6);
  });
  const atZero = tf.scalar(0);
  expect(oneMinusExpRatio(atZero).arraySync()).toBe(1);
  expect(tf.grad(oneMinusExpRatio)(atZero).arraySync()).toBe(-0.5);
});
