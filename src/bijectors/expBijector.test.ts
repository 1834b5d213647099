import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { createRng } from '../core/rng.js';
import { checkBijector } from '../testing/checkBijector.js';
import { relativeError } from '../testing/laws.js';
import { expBijector } from './expBijector.js';

function expectNear(actual: tf.Tensor, expected: ArrayLike<number>, tolerance = 1e-6): void {
  expect(relativeError(actual.dataSync(), expected)).toBeLessThanOrEqual(tolerance);
}

describe('expBijector', () => {
  test('has the closed form, tails included', () => {
    const x = [-80, -30, -1, 0, 0.5, 30, 80];
    const [y, logDet] = expBijector().forwardAndLogDet(tf.tensor1d(x));
    y.dataSync().forEach((value, i) => {
      expect(Math.abs(value / Math.exp(x[i]!) - 1)).toBeLessThan(1e-5);
    });
    expectNear(logDet, x);
    const [back, inverseLogDet] = expBijector().inverseAndLogDet(y);
    expectNear(back, x);
    expectNear(
      inverseLogDet,
      x.map((value) => -value),
    );
  });

  test('sums over an event, and obeys the laws', async () => {
    const bijector = expBijector({ eventRank: 2 });
    const [, logDet] = bijector.forwardAndLogDet(
      tf.tensor3d([
        [
          [1, 2],
          [3, -4],
        ],
      ]),
    );
    expect(logDet.shape).toEqual([1]);
    expectNear(logDet, [2]);
    await checkBijector({ bijector, x: createRng(1).normal([2, 2, 3]) });
    await checkBijector({ bijector: expBijector(), x: createRng(1).normal([3]) });
  });

  test('gives -infinity at 0 and NaN below', () => {
    expect(
      expBijector()
        .inverse(tf.tensor1d([0, -1]))
        .arraySync(),
    ).toEqual([-Infinity, NaN]);
  });

  test('names what is wrong', () => {
    expect(() => expBijector({ eventRank: 0.5 })).toThrow('expBijector: options.eventRank should be an integer');
    expect(() => expBijector({ rank: 1 } as object as never)).toThrow("expBijector: unknown option 'rank'");
    const bijector = expBijector({ eventRank: 1 });
    expect(() => bijector.inverse(tf.scalar(1))).toThrow(
      'expBijector.inverse: y should be a float32 tensor of shape [...batch, ?]',
    );
    expect([bijector.name, bijector.inverseCost]).toEqual(['expBijector', 'parallel']);
  });
});
