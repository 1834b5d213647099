import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { createRng } from '../core/rng.js';
import { checkBijector } from '../testing/checkBijector.js';
import { relativeError } from '../testing/laws.js';
import { tanhBijector } from './tanhBijector.js';

function expectNear(actual: tf.Tensor, expected: ArrayLike<number>, tolerance = 1e-6): void {
  expect(relativeError(actual.dataSync(), expected)).toBeLessThanOrEqual(tolerance);
}

const logSlope = (x: number): number => 2 * (Math.LN2 - Math.abs(x) - Math.log1p(Math.exp(-2 * Math.abs(x))));

describe('tanhBijector', () => {
  test('has the closed form, tails included', () => {
    const x = [-80, -30, -5, -0.25, 0, 1e-3, 2, 9, 30];
    const [y, logDet] = tanhBijector().forwardAndLogDet(tf.tensor1d(x));
    expectNear(y, x.map(Math.tanh));
    expectNear(logDet, x.map(logSlope));
  });

  test('finds x again where float32 holds it', async () => {
    const bijector = tanhBijector({ eventRank: 1 });
    const x = [-5, -1, -1e-3, 0, 0.5, 3];
    const [back, logDet] = bijector.inverseAndLogDet(bijector.forward(tf.tensor1d(x)));
    expectNear(back, x, 3e-8 * Math.exp(10));
    expectNear(logDet, [-x.reduce((total, value) => total + logSlope(value), 0)], 1e-3);
    await checkBijector({ bijector, x: createRng(1).normal([2, 2, 3]) });
    await checkBijector({ bijector: tanhBijector(), x: createRng(1).normal([3]) });
  });

  test('gives infinities at the ends and NaN beyond, and finite gradients in the tails', () => {
    expect(
      tanhBijector()
        .inverse(tf.tensor1d([-1, 1, 1.5]))
        .arraySync(),
    ).toEqual([-Infinity, Infinity, NaN]);
    const gradient = tf.grad((x: tf.Tensor) => tanhBijector().forwardAndLogDet(x)[1])(tf.tensor1d([-30, 0, 30]));
    expectNear(gradient, [2, 0, -2]);
  });

  test('names what is wrong', () => {
    expect(() => tanhBijector({ eventRank: 0.5 })).toThrow('tanhBijector: options.eventRank should be an integer');
    expect(() => tanhBijector({ rank: 1 } as object as never)).toThrow("tanhBijector: unknown option 'rank'");
    const bijector = tanhBijector({ eventRank: 1 });
    expect(() => bijector.inverse(tf.scalar(1))).toThrow(
      'tanhBijector.inverse: y should be a float32 tensor of shape [...batch, ?]',
    );
    expect([bijector.name, bijector.inverseCost]).toEqual(['tanhBijector', 'parallel']);
  });
});
