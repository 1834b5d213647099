import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { createRng } from '../core/rng.js';
import { checkBijector } from '../testing/index.js';
import type { ReshapeBijectorOptions } from './reshapeBijector.js';
import { reshapeBijector } from './reshapeBijector.js';

describe('reshapeBijector', () => {
  it('keeps the numbers and their order', () => {
    const bijector = reshapeBijector({ from: [6], to: [3, 2] });
    const [y, logDet] = bijector.forwardAndLogDet(tf.range(0, 12).reshape([2, 6]));
    expect(y.arraySync()).toEqual([
      [
        [0, 1],
        [2, 3],
        [4, 5],
      ],
      [
        [6, 7],
        [8, 9],
        [10, 11],
      ],
    ]);
    expect(logDet.arraySync()).toEqual([0, 0]);
    expect([bijector.forwardEventRank, bijector.inverseEventRank]).toEqual([1, 2]);
  });

  it('is a bijector for any batch and any two shapes of one size', async () => {
    for (const [from, to] of [
      [[6], [1, 3, 2]],
      [[2, 3], [6]],
      [[], [1]],
      [[4], [4]],
    ] as const) {
      for (const batch of [[], [1], [2, 2]]) {
        const x = createRng(1).normal([...batch, ...from]);
        await checkBijector({ bijector: reshapeBijector({ from, to }), x });
      }
    }
  });

  it('names what is wrong', () => {
    expect(() => reshapeBijector({ from: [6], to: [4] })).toThrow(
      'reshapeBijector: options.to should be a shape of 6 elements, as options.from, but got [4].',
    );
    expect(() => reshapeBijector({ from: [2.5], to: [1] })).toThrow('options.from[0] should be a positive integer');
    expect(() => reshapeBijector({ from: [1], to: [1, 0] })).toThrow('options.to[1] should be a positive integer');
    expect(() => reshapeBijector({ from: 4, to: [4] } as object as ReshapeBijectorOptions)).toThrow(
      'reshapeBijector: options.from should be a list of sizes, but got 4.',
    );
    expect(() => reshapeBijector({ from: [1], to: [1], name: '' } as ReshapeBijectorOptions)).toThrow("unknown option 'name'");
    expect(() => reshapeBijector({ from: [4], to: [2, 2] }).inverse(tf.zeros([4]))).toThrow('reshapeBijector.inverse: y should');
  });
});
