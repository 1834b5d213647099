import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { createRng } from '../core/rng.js';
import { checkBijector } from '../testing/index.js';
import { logitBijector } from './logitBijector.js';

describe('logitBijector', () => {
  it('has the closed form up to both ends', () => {
    const p = [1e-30, 1e-8, 0.001, 0.3, 0.5, 0.75, 0.999, 1 - 2 ** -24];
    const [y, logDet] = logitBijector().forwardAndLogDet(tf.tensor1d(p));
    const ys = y.dataSync();
    const logDets = logDet.dataSync();
    p.map(Math.fround).forEach((value, i) => {
      expect(Math.abs((ys[i] as number) - (Math.log(value) - Math.log1p(-value)))).toBeLessThan(1e-5);
      expect(Math.abs((logDets[i] as number) + Math.log(value) + Math.log1p(-value))).toBeLessThan(1e-5);
    });
  });

  it('is the inverse of the sigmoid, on any interval', async () => {
    const bijector = logitBijector({ low: -2, high: 2, eventRank: 1 });
    await checkBijector({ bijector, x: createRng(1).uniform([2, 2, 3], -1.8, 1.8) });
    expect(bijector.forward(tf.tensor1d([0, 1])).dataSync()[1]).toBeCloseTo(Math.log(3), 6);
    expect(bijector.forwardAndLogDet(tf.tensor1d([0, 0]))[1].arraySync()).toBeCloseTo(0, 6);
    const wide = tf.tensor1d([-30, -8, 0, 8, 30]);
    expect(logitBijector({ low: 3, high: 5 }).inverse(wide).dataSync()[0]).toBe(3);
    expect(logitBijector({ low: 3, high: 5 }).inverse(wide).dataSync()[4]).toBe(5);
  });

  it('gives infinities at the ends', () => {
    const [y, logDet] = logitBijector().forwardAndLogDet(tf.tensor1d([0, 1]));
    expect(y.arraySync()).toEqual([-Infinity, Infinity]);
    expect(logDet.arraySync()).toEqual([Infinity, Infinity]);
  });

  it('names what is wrong', () => {
    expect(() => logitBijector({ high: -1 })).toThrow(
      'logitBijector: options.high should be a finite number above 0, but got -1.',
    );
    expect(() => logitBijector({ eventRank: 2 }).forward(tf.ones([3]))).toThrow('logitBijector.forward: x should be');
  });
});
