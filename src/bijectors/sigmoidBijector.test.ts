import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { createRng } from '../core/rng.js';
import { checkBijector } from '../testing/index.js';
import { sigmoidBijector } from './sigmoidBijector.js';

/** In float64. */
const logDetAt = (x: number): number => -Math.log1p(Math.exp(-Math.abs(x))) * 2 - Math.abs(x);

describe('sigmoidBijector', () => {
  it('has the closed form, tails included', () => {
    const x = [-80, -30, -17, -5, -0.5, 0, 0.25, 4, 12, 30, 80];
    const [y, logDet] = sigmoidBijector().forwardAndLogDet(tf.tensor1d(x));
    const ys = y.dataSync();
    const logDets = logDet.dataSync();
    x.forEach((value, i) => {
      const expected = 1 / (1 + Math.exp(-value));
      expect(Math.abs((ys[i] as number) - expected) / expected).toBeLessThan(1e-5);
      expect(Math.abs((logDets[i] as number) - logDetAt(value)) / (1 + Math.abs(value))).toBeLessThan(1e-6);
    });
  });

  it('reaches another interval, and never beyond it', async () => {
    const bijector = sigmoidBijector({ low: -0.3, high: 0.1, eventRank: 1 });
    const x = tf.tensor2d([
      [-30, 30],
      [16.5, -16.5],
      [0, 1],
    ]);
    const [y, logDet] = bijector.forwardAndLogDet(x);
    const [low, high] = [Math.fround(-0.3), Math.fround(0.1)];
    const rows = y.arraySync() as number[][];
    expect(rows[0]).toEqual([low, high]);
    for (const value of rows.flat()) {
      expect(value).toBeGreaterThanOrEqual(low);
      expect(value).toBeLessThanOrEqual(high);
    }
    expect(rows[2]?.[0]).toBeCloseTo(-0.1, 6);
    const expected = 2 * Math.log(0.4) + logDetAt(0) + logDetAt(1);
    expect((logDet.arraySync() as number[])[2]).toBeCloseTo(expected, 5);
    await checkBijector({ bijector, x: createRng(1).normal([2, 2, 3]) });
    await checkBijector({ bijector: sigmoidBijector(), x: createRng(1).normal([3]) });
  });

  it('finds x again where float32 holds it', () => {
    const bijector = sigmoidBijector();
    const x = tf.tensor1d([-80, -30, -10, -1, 0, 1, 5]);
    const [back, logDet] = bijector.inverseAndLogDet(bijector.forward(x));
    expect(tf.max(tf.abs(tf.sub(back, x))).arraySync()).toBeLessThan(2e-5);
    expect(tf.max(tf.abs(tf.add(logDet, bijector.forwardAndLogDet(x)[1]))).arraySync()).toBeLessThan(4e-5);
    // As documented: 6e-8 e^x.
    const far = bijector.inverse(bijector.forward(tf.scalar(12))).arraySync() as number;
    expect(Math.abs(far - 12)).toBeLessThan(6e-8 * Math.exp(12));
  });

  it('gives infinities at the ends and NaN beyond', () => {
    const [x, logDet] = sigmoidBijector({ low: 1, high: 2 }).inverseAndLogDet(tf.tensor1d([1, 2, 2.5, 0]));
    expect(x.arraySync()).toEqual([-Infinity, Infinity, NaN, NaN]);
    expect((logDet.arraySync() as number[]).slice(0, 2)).toEqual([Infinity, Infinity]);
  });

  it('has finite gradients in the tails', () => {
    const gradient = tf.grad((x: tf.Tensor) => {
      const [y, logDet] = sigmoidBijector().forwardAndLogDet(x);
      return tf.add(tf.sum(y), tf.sum(logDet));
    })(tf.tensor1d([-30, 0, 30]));
    const values = gradient.dataSync();
    expect(values[0]).toBeCloseTo(1, 6);
    expect(values[1]).toBeCloseTo(0.25, 6);
    expect(values[2]).toBeCloseTo(-1, 6);
  });

  it('names what is wrong', () => {
    expect(() => sigmoidBijector({ low: 1 })).toThrow(
      'sigmoidBijector: options.high should be a finite number above 1, but got 1.',
    );
    expect(() => sigmoidBijector({ low: Number.NaN })).toThrow('sigmoidBijector: options.low should be a finite number');
    expect(() => sigmoidBijector({ eventRank: 0.5 })).toThrow('sigmoidBijector: options.eventRank should be an integer');
    expect(() => sigmoidBijector({ hi: 1 } as object)).toThrow("sigmoidBijector: unknown option 'hi'");
    expect(() => sigmoidBijector().forward(tf.scalar(1, 'int32'))).toThrow(
      'sigmoidBijector.forward: x should be a float32 tensor',
    );
  });
});
