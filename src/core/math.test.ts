import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import {
  asinhExact,
  LOG_TWO_PI,
  logCosh,
  logSigmoid,
  logSoftmax,
  logSumExp,
  sinhExact,
  softBound,
  softplusExact,
} from './math.js';

const inputs = [-100, -30, -9, -1, 0, 0.5, 3, 12, 30, 100];

describe('math', () => {
  test('softplusExact keeps relative accuracy, and its derivatives are right', () => {
    const x = [-80, -30, -13, -2, 0, 0.5, 13, 90];
    softplusExact(tf.tensor1d(x))
      .dataSync()
      .forEach((value, i) => {
        const expected = Math.max(x[i]!, 0) + Math.log1p(Math.exp(-Math.abs(x[i]!)));
        expect(Math.abs(value / expected - 1)).toBeLessThan(1e-5);
      });
    const sigmoids = x.map((value) => 1 / (1 + Math.exp(-value)));
    const tripled = tf.grad((at: tf.Tensor) => tf.mul(softplusExact(at), 3));
    const first = tripled(tf.tensor1d(x)).dataSync();
    sigmoids.forEach((value, i) => {
      expect(Math.abs(first[i]! - 3 * value)).toBeLessThan(3e-6);
    });
  });

  test.each<[string, (x: tf.Tensor) => tf.Tensor, (x: number) => number, (x: number) => number]>([
    ['asinhExact', asinhExact, Math.asinh, (x) => 1 / Math.hypot(1, x)],
    ['sinhExact', sinhExact, Math.sinh, Math.cosh],
    ['logCosh', logCosh, (x) => Math.log(Math.cosh(x)), Math.tanh],
  ])('%s has no cancellation and no overflow, and its derivative is right', (name, f, exact, slope) => {
    const near = [-1.01, -0.99, -0.76, -0.74, -0.3, -1e-6, 1e-20, 0.02, 0.5, 0.74, 0.76, 0.99, 1.01, 1.45, -1.95];
    const x = [-80, -30, -5, ...near, 3, 30, 80];
    const weighted = (point: tf.Tensor): tf.Tensor => tf.mul(f(point), 0.5);
    const [values, slopes] = [f(tf.tensor1d(x)), tf.mul(tf.grad(weighted)(tf.tensor1d(x)), 2)].map((result) => result.dataSync());
    x.forEach((point, i) => {
      const least = name === 'logCosh' ? 1 : 0;
      const host = Math.fround(point);
      expect(Math.abs(values![i]! - exact(host))).toBeLessThan(1e-6 * (least + Math.abs(exact(host))));
      expect(Math.abs(slopes![i]! - slope(host))).toBeLessThan(1e-6 * (least + Math.abs(slope(host))));
    });
    expect(f(tf.scalar(0)).dataSync()[0]).toBe(0);
  });

  test('asinhExact and logCosh hold where squares overflow', () => {
    const x = [-1e38, -1e25, 1e20, 1e38];
    const [values, slopes] = [asinhExact(tf.tensor1d(x)), tf.grad(asinhExact)(tf.tensor1d(x))].map((result) => result.dataSync());
    x.forEach((point, i) => {
      expect(values![i]! / Math.asinh(point)).toBeCloseTo(1, 6);
      expect(slopes![i]! * Math.abs(point)).toBeCloseTo(1, 5);
    });
    expect([...logCosh(tf.tensor1d([-1e38, 1e38])).dataSync()]).toEqual([Math.fround(1e38), Math.fround(1e38)]);
  });

  test('logSumExp and logSoftmax go over the last axis of any rank', () => {
    const rows = tf.tensor(
      Array.from({ length: 24 }, (_, i) => ((i * 7) % 11) - 5),
      [2, 3, 4],
    );
    const host = Array.from(rows.dataSync());
    const sums = Array.from({ length: 6 }, (_, i) => Math.log(host.slice(4 * i, 4 * i + 4).reduce((s, v) => s + Math.exp(v), 0)));
    expect(logSumExp(rows).shape).toEqual([2, 3]);
    logSumExp(rows)
      .dataSync()
      .forEach((value, i) => {
        expect(value).toBeCloseTo(sums[i]!, 5);
      });
    logSoftmax(rows)
      .dataSync()
      .forEach((value, i) => {
        expect(value).toBeCloseTo(host[i]! - sums[Math.floor(i / 4)]!, 5);
      });
  });

  test('softBound is x / (1 + |x| / bound), and log(2 pi) is what it says', () => {
    const x = [-1e6, -3, -0.5, 0, 0.25, 8, 1e6];
    softBound(tf.tensor1d(x), 4)
      .dataSync()
      .forEach((value, i) => {
        expect(value).toBeCloseTo(x[i]! / (1 + Math.abs(x[i]!) / 4), 4);
      });
    expect(LOG_TWO_PI).toBeCloseTo(1.8378770664093453, 12);
  });

  test('logSigmoid, in value and gradient, tails included', () => {
    const x = tf.tensor1d(inputs);
    const values = logSigmoid(x).dataSync();
    const gradients = tf
      .grad((value) => tf.sum(logSigmoid(value)))(x)
      .dataSync();
    inputs.forEach((t, i) => {
      const expected = t < 0 ? t - Math.log1p(Math.exp(t)) : -Math.log1p(Math.exp(-t));
      expect(values[i]).toBeCloseTo(expected, 5);
      expect(gradients[i]).toBeCloseTo(1 / (1 + Math.exp(t)), 5);
    });
  });

  test('logSumExp of nothing but zeros is -Infinity', () => {
    const [none, some] = logSumExp(
      tf.tensor2d([
        [-Infinity, -Infinity],
        [-Infinity, 2],
      ]),
    ).dataSync();
    expect([none, some]).toEqual([-Infinity, 2]);
  });

  test('logSumExp and logSoftmax neither overflow nor lose the small terms', () => {
    const x = tf.tensor2d([
      [1000, 1000, 999],
      [-1000, -1001, -2000],
      [0.1, 0.2, 0.3],
    ]);
    const expected = [
      1000 + Math.log(2 + Math.exp(-1)),
      -1000 + Math.log1p(Math.exp(-1)),
      Math.log(Math.exp(0.1) + Math.exp(0.2) + Math.exp(0.3)),
    ];
    const values = logSumExp(x).dataSync();
    expected.forEach((value, i) => {
      expect(values[i]).toBeCloseTo(value, 3);
    });
    const probabilities = tf.exp(logSoftmax(x)).dataSync();
    expect((probabilities[6] as number) + (probabilities[7] as number) + (probabilities[8] as number)).toBeCloseTo(1, 6);
    expect(probabilities[6]).toBeCloseTo(Math.exp(0.1 - (expected[2] as number)), 6);
    // The gradient of logSumExp is softmax.
    const gradient = tf
      .grad((value) => tf.sum(logSumExp(value)))(x)
      .dataSync();
    probabilities.forEach((value, i) => {
      expect(gradient[i]).toBeCloseTo(value, 6);
    });
    // Of logSoftmax's first element: indicator minus softmax.
    const first = tf
      .grad((value) => tf.sum(tf.slice(logSoftmax(value), [0, 0], [3, 1])))(x)
      .dataSync();
    probabilities.forEach((value, i) => {
      expect(first[i]).toBeCloseTo((i % 3 === 0 ? 1 : 0) - value, 5);
    });
  });
});
