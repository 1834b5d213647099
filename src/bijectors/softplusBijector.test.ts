import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { createRng } from '../core/rng.js';
import { checkBijector } from '../testing/checkBijector.js';
import { relativeError } from '../testing/laws.js';
import { softplusBijector } from './softplusBijector.js';

function expectNear(actual: tf.Tensor, expected: ArrayLike<number>, tolerance = 1e-6): void {
  expect(relativeError(actual.dataSync(), expected)).toBeLessThanOrEqual(tolerance);
}

const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

describe('softplusBijector', () => {
  const x = [-80, -30, -16, -13, -5, -1, -1e-3, 0, 0.54, 0.55, 3, 12, 30, 80];

  test('has the closed form to relative accuracy, and finds x again', () => {
    const bijector = softplusBijector();
    const [y, logDet] = bijector.forwardAndLogDet(tf.tensor1d(x));
    y.dataSync().forEach((value, i) => {
      expect(Math.abs(value / softplus(x[i]!) - 1)).toBeLessThan(1e-5);
    });
    expectNear(
      logDet,
      x.map((value) => -softplus(-value)),
    );
    const [back, inverseLogDet] = bijector.inverseAndLogDet(y);
    expectNear(back, x, 2e-6);
    expectNear(
      inverseLogDet,
      x.map((value) => softplus(-value)),
      2e-6,
    );
  });

  test('is inverted to rounding where its two forms meet', () => {
    const y = [0.6, 0.9, 0.999, 1, 1.5, 1.99].map(Math.fround);
    expectNear(
      softplusBijector().inverse(tf.tensor1d(y)),
      y.map((value) => Math.log(Math.expm1(value))),
      3e-7,
    );
  });

  test('sums over an event, and obeys the laws', async () => {
    const bijector = softplusBijector({ eventRank: 1 });
    expectNear(bijector.forwardAndLogDet(tf.tensor1d([1, -2]))[1], [-softplus(-1) - softplus(2)]);
    await checkBijector({ bijector, x: createRng(1).normal([2, 2, 3]) });
    await checkBijector({ bijector: softplusBijector(), x: tf.tensor1d([-1, 12]) });
  });

  test('gives -infinity at 0 and NaN below, and right gradients in the tails', () => {
    expect(
      softplusBijector()
        .inverse(tf.tensor1d([0, -1]))
        .arraySync(),
    ).toEqual([-Infinity, NaN]);
    const bijector = softplusBijector();
    const values = tf.tensor1d([-30, -10, 0, 10, 30]);
    const sigmoids = [-30, -10, 0, 10, 30].map((value) => 1 / (1 + Math.exp(-value)));
    expectNear(tf.grad((at: tf.Tensor) => bijector.forward(at))(values), sigmoids);
    const inverse = tf
      .grad((at: tf.Tensor) => bijector.inverse(at))(bijector.forward(values))
      .dataSync();
    inverse.forEach((value, i) => {
      expect(Math.abs(value * sigmoids[i]! - 1)).toBeLessThan(1e-5);
    });
  });

  test('names what is wrong', () => {
    expect(() => softplusBijector({ eventRank: 0.5 })).toThrow('softplusBijector: options.eventRank should be an integer');
    expect(() => softplusBijector({ rank: 1 } as object as never)).toThrow("softplusBijector: unknown option 'rank'");
    const bijector = softplusBijector({ eventRank: 1 });
    expect(() => bijector.inverse(tf.scalar(1))).toThrow(
      'softplusBijector.inverse: y should be a float32 tensor of shape [...batch, ?]',
    );
    expect([bijector.name, bijector.inverseCost]).toEqual(['softplusBijector', 'parallel']);
  });
});
