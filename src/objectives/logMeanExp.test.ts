import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { logMeanExp } from './logMeanExp.js';

describe('logMeanExp', () => {
  it('is the logarithm of the mean of exp over the first axis, wherever the terms lie', () => {
    const x = tf.tensor2d([
      [0, 1000, -1000, -200],
      [Math.log(3), -1000, -1000, 0],
    ]);
    const expected = [Math.log(2), 1000 - Math.LN2, -1000, -Math.LN2];
    Array.from(logMeanExp(x).dataSync()).forEach((value, i) => {
      expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-6 * (1 + Math.abs(expected[i]!)));
    });
  });

  it('is -Infinity where every weight is zero', () => {
    expect(logMeanExp(tf.fill([2, 1], Number.NEGATIVE_INFINITY)).arraySync()).toEqual([Number.NEGATIVE_INFINITY]);
    expect(logMeanExp(tf.tensor2d([[Number.NEGATIVE_INFINITY], [3]])).arraySync()).toEqual([Math.fround(3 - Math.LN2)]);
  });

  it('is Infinity where a weight is infinite', () => {
    expect(logMeanExp(tf.tensor2d([[Number.POSITIVE_INFINITY], [3]])).arraySync()).toEqual([Number.POSITIVE_INFINITY]);
  });

  it('has the normalised weights as gradient', () => {
    const gradient = tf.grad((x: tf.Tensor) => tf.sum(logMeanExp(x)))(tf.tensor2d([[0], [Math.log(3)]]));
    expect(Array.from(gradient.dataSync())[0]).toBeCloseTo(0.25, 6);
    expect(Array.from(gradient.dataSync())[1]).toBeCloseTo(0.75, 6);
  });
});
