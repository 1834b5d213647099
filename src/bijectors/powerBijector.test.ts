import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { createRng } from '../core/rng.js';
import { checkBijector } from '../testing/checkBijector.js';
import { relativeError } from '../testing/laws.js';
import { powerBijector } from './powerBijector.js';

function expectNear(actual: tf.Tensor, expected: ArrayLike<number>, tolerance = 1e-6): void {
  expect(relativeError(actual.dataSync(), expected)).toBeLessThanOrEqual(tolerance);
}

describe('powerBijector', () => {
  test.each([3, 0.5, 1, -1, -2.5])('is x^p of positive numbers, p = %d', async (power) => {
    const bijector = powerBijector({ power });
    const x = [0.01, 0.5, 1, 2, 30];
    const [y, logDet] = bijector.forwardAndLogDet(tf.tensor1d(x));
    const logSlopes = x.map((value) => Math.log(Math.abs(power * value ** (power - 1))));
    y.dataSync().forEach((value, i) => {
      expect(Math.abs(value / x[i]! ** power - 1)).toBeLessThan(1e-5);
    });
    expectNear(logDet, logSlopes);
    const [back, inverseLogDet] = bijector.inverseAndLogDet(y);
    expectNear(back, x, 1e-5);
    expectNear(
      inverseLogDet,
      logSlopes.map((value) => -value),
      1e-5,
    );
    await checkBijector({ bijector, x: createRng(1).uniform([2, 3], 0.3, 3) });
  });

  test.each([3, 2, 0.5])('is odd on the whole line, p = %d', async (power) => {
    const bijector = powerBijector({ power, domain: 'odd', eventRank: 1 });
    const x = [-30, -1, -0.2, 0.3, 2];
    const [y, logDet] = bijector.forwardAndLogDet(tf.tensor1d(x));
    expectNear(
      y,
      x.map((value) => Math.sign(value) * Math.abs(value) ** power),
    );
    expectNear(logDet, [x.reduce((total, value) => total + Math.log(power * Math.abs(value) ** (power - 1)), 0)]);
    expectNear(bijector.inverse(y), x);
    await checkBijector({ bijector, x: tf.tensor2d([[-2, 3, -0.5]]) });
  });

  test('says where it is not defined', () => {
    expect(
      powerBijector({ power: 2 })
        .forward(tf.tensor1d([-2, 0]))
        .arraySync(),
    ).toEqual([NaN, 0]);
    const [y, logDet] = powerBijector({ power: 2, domain: 'odd' }).forwardAndLogDet(tf.scalar(0));
    expect([y.dataSync()[0], logDet.dataSync()[0]]).toEqual([0, -Infinity]);
  });

  test.each<[string, unknown, string]>([
    ['no power', {}, 'powerBijector: options.power should be a finite number, but got nothing.'],
    ['a power of 0', { power: 0 }, 'powerBijector: options.power should be other than zero, but got 0.'],
    ['a negative odd power', { power: -1, domain: 'odd' }, 'powerBijector: options.power should be a finite number above 0'],
    ['a domain', { power: 2, domain: 'even' }, "powerBijector: options.domain should be 'positive' or 'odd', but got 'even'."],
  ])('%s is an error', (_, options, message) => {
    expect(() => powerBijector(options as never)).toThrow(message);
  });

  test('names what is wrong', () => {
    expect(() => powerBijector({ power: 2, eventRank: 0.5 })).toThrow('powerBijector: options.eventRank should be an integer');
    expect(() => powerBijector({ power: 2, rank: 1 } as object as never)).toThrow("powerBijector: unknown option 'rank'");
    const bijector = powerBijector({ power: 2, eventRank: 1 });
    expect(() => bijector.inverse(tf.scalar(1))).toThrow(
      'powerBijector.inverse: y should be a float32 tensor of shape [...batch, ?]',
    );
    expect([bijector.name, bijector.inverseCost]).toEqual(['powerBijector', 'parallel']);
  });
});
