import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { createRng } from '../core/rng.js';
import { checkBijector } from '../testing/checkBijector.js';
import { randomizeParameters } from '../testing/randomizeParameters.js';
import type { MafOptions } from './maf.js';
import { maf } from './maf.js';

describe('maf', () => {
  test('starts as the identity, and is y = scale x + shift', () => {
    const bijector = maf({ dim: 2, hidden: [4], scale: 'exp' });
    const x = tf.tensor1d([3, -1]);
    expect(bijector.forward(x).arraySync()).toEqual([3, -1]);
    bijector.parameters['conditioner.output.bias']!.assign(tf.tensor1d([1, 0.5, -2, -0.25]));
    const [y, logDet] = bijector.forwardAndLogDet(x);
    expect(y.dataSync()[0]).toBeCloseTo(3 * Math.exp(0.5) + 1, 5);
    expect(y.dataSync()[1]).toBeCloseTo(-Math.exp(-0.25) - 2, 5);
    expect(logDet.dataSync()[0]).toBeCloseTo(0.25, 6);
  });

  test('is parallel backward and sequential forward, and obeys the laws with every option', async () => {
    const bijector = maf({
      dim: 3,
      hidden: [6],
      activation: 'tanh',
      order: [1, 2, 0],
      contextDim: 2,
      scale: 'tanh',
      zeroOutput: false,
      rng: createRng(1),
    });
    expect([bijector.forwardCost, bijector.inverseCost]).toEqual(['sequential', 'parallel']);
    randomizeParameters(bijector, { rng: createRng(2), scale: 0.7 });
    await checkBijector({ bijector, x: createRng(3).normal([4, 3]), context: createRng(4).normal([4, 2]) });
  });

  test('refuses what it does not know', () => {
    expect(() => maf({ dim: 3, flip: true } as MafOptions)).toThrow("maf: unknown option 'flip'");
    expect(() => maf({ dim: 3, hidden: 4 } as never)).toThrow('maf: options.hidden should be a list of sizes, but got 4.');
    expect(() => maf({ dim: 3, order: [0, 1] })).toThrow('maf: options.order should be');
  });
});
