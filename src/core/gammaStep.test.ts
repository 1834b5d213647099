import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { digammaStep, logGammaStep } from './gammaStep.js';

// a, log Gamma(a + 1/2) - log Gamma(a) - log(a) / 2 and digamma(a + 1/2) - digamma(a): computed with 40 digits (mpmath).
const NUMBERS: [a: number, step: number, slope: number][] = [
  [0.0010000000474974513, -2.8828973247107177, 998.6169408125004],
  [0.10000000149011612, -0.7031862413816251, 8.883135580788869],
  [0.5, -0.22579135264472744, 1.3862943611198906],
  [1.25, -0.09770106025577727, 0.4749259869231266],
  [4.0, -0.03117007894555809, 0.13275325792772844],
  [30.0, -0.004166473829678374, 0.016805536276136207],
  [5000.0, -2.4999999958333332e-5, 0.000100004999999975],
];

describe('gammaStep', () => {
  it.each(NUMBERS)('is the known number at a = %d', (a, step, slope) => {
    const at = tf.scalar(a);
    expect(Math.abs((logGammaStep(at).arraySync() as number) - step)).toBeLessThan(2.5e-7 * (1 + Math.abs(step)));
    expect(Math.abs((digammaStep(at).arraySync() as number) / slope - 1)).toBeLessThan(2.5e-7);
  });

  it('has the gradients of gamma functions', () => {
    const a = tf.tensor1d([0.3, 1.25, 4, 20]);
    // d/da logGammaStep = digammaStep - 1 / (2a).
    const slopes = tf
      .grad((x: tf.Tensor) => tf.sum(logGammaStep(x)))(a)
      .dataSync();
    const expected = tf.sub(digammaStep(a), tf.div(0.5, a)).dataSync();
    slopes.forEach((slope, i) => {
      expect(Math.abs(slope - (expected[i] as number))).toBeLessThan(2e-6 * (1 + Math.abs(expected[i] as number)));
    });
    // digamma'(a + 1/2) - digamma'(a): computed with 40 digits.
    const curvatures = tf
      .grad((x: tf.Tensor) => tf.sum(digammaStep(x)))(a)
      .dataSync();
    [-9.945889564098616, -0.433227284613282, -0.03509785269810495, -0.001281230505242127].forEach((value, i) => {
      expect((curvatures[i] as number) / value).toBeCloseTo(1, 5);
    });
  });
});
