import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { checkBijector } from '../testing/checkBijector.js';
import { relativeError } from '../testing/laws.js';
import { leakyReluBijector } from './leakyReluBijector.js';

function expectNear(actual: tf.Tensor, expected: ArrayLike<number>, tolerance = 1e-6): void {
  expect(relativeError(actual.dataSync(), expected)).toBeLessThanOrEqual(tolerance);
}

describe('leakyReluBijector', () => {
  test.each([0.2, 0.5, 3])('has the closed form, slope %d', async (slope) => {
    const bijector = leakyReluBijector(slope === 0.2 ? {} : { slope });
    const x = [-30, -1, -1e-3, 0, 0.5, 30];
    const [y, logDet] = bijector.forwardAndLogDet(tf.tensor1d(x));
    const logSlopes = x.map((value) => (value < 0 ? Math.log(slope) : 0));
    expectNear(
      y,
      x.map((value) => (value < 0 ? slope * value : value)),
    );
    expectNear(logDet, logSlopes);
    const [back, inverseLogDet] = bijector.inverseAndLogDet(y);
    expectNear(back, x);
    expectNear(
      inverseLogDet,
      logSlopes.map((value) => -value),
    );
    await checkBijector({ bijector, x: tf.tensor2d([[-2, 3, -0.5]]) });
  });

  test('counts the negative elements of an event', () => {
    const [, logDet] = leakyReluBijector({ eventRank: 1 }).forwardAndLogDet(tf.tensor1d([-1, 2, -3]));
    expect(logDet.shape).toEqual([]);
    expectNear(logDet, [2 * Math.log(0.2)]);
  });

  test.each([0, -1, Number.NaN])('a slope of %d is an error', (slope) => {
    expect(() => leakyReluBijector({ slope })).toThrow('leakyReluBijector: options.slope should be a finite number above 0');
  });

  test('names what is wrong', () => {
    expect(() => leakyReluBijector({ eventRank: 0.5 })).toThrow('leakyReluBijector: options.eventRank should be an integer');
    expect(() => leakyReluBijector({ rank: 1 } as object as never)).toThrow("leakyReluBijector: unknown option 'rank'");
    const bijector = leakyReluBijector({ eventRank: 1 });
    expect(() => bijector.inverse(tf.scalar(1))).toThrow(
      'leakyReluBijector.inverse: y should be a float32 tensor of shape [...batch, ?]',
    );
    expect([bijector.name, bijector.inverseCost]).toEqual(['leakyReluBijector', 'parallel']);
  });
});
