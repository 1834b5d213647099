import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { createRng } from '../core/rng.js';
import { flow } from '../distributions/flow.js';
import { standardNormal } from '../distributions/standardNormal.js';
import { checkBijector } from '../testing/checkBijector.js';
import { randomizeParameters } from '../testing/randomizeParameters.js';
import type { GlowOptions } from './glow.js';
import { glow } from './glow.js';

describe('glow', () => {
  test('obeys the laws of a bijector, with a context', async () => {
    const rng = createRng(3);
    const options = { shape: [4, 4, 1], levels: 2, steps: 2, hidden: [4], activation: 'tanh', contextDim: 2, rng } as const;
    const bijector = glow(options);
    randomizeParameters(bijector, { rng, scale: 0.3 });
    await checkBijector({ bijector, x: rng.normal([2, 16]), context: rng.normal([2, 2]), gradients: 'joint' });
  });

  test('starts as rotations: the norm of an image stays, and its density is the base’s', () => {
    const bijector = glow({ shape: [8, 4, 3], levels: 2, steps: 2, hidden: [8], rng: createRng(1) });
    const image = createRng(2).normal([8, 4, 3]);
    const [latents, logDet] = bijector.inverseAndLogDet(image);
    expect(latents.shape).toEqual([96]);
    expect(tf.norm(latents).arraySync() as number).toBeCloseTo(tf.norm(image).arraySync() as number, 3);
    expect(logDet.arraySync()).toBeCloseTo(0, 3);
  });

  test('has steps and levels as asked, and is initialised from data', () => {
    const bijector = glow({ shape: [4, 4, 2], levels: 2, steps: 3, hidden: [4], rng: createRng(1) });
    expect(Object.keys(bijector.buffers).filter((name) => name.endsWith('initialized')).length).toBe(6);
    const data = tf.add(tf.mul(createRng(2).normal([64, 4, 4, 2]), 5), 3);
    bijector.initialize?.(data);
    const { mean, variance } = tf.moments(bijector.inverse(data));
    expect(mean.arraySync()).toBeCloseTo(0, 4);
    expect(variance.arraySync()).toBeCloseTo(1, 1);
    const density = flow({ base: standardNormal({ eventShape: [32] }), bijector, eventShape: [4, 4, 2] });
    expect(density.sample({ shape: [3], rng: createRng(4) }).shape).toEqual([3, 4, 4, 2]);
  });

  test.each([
    [{ shape: [4, 6, 1], levels: 2 }, 'glow: options.shape should be of a height and a width that 2^2 divides, but got [4,6,1].'],
    [{ shape: [6, 4, 1], levels: 2 }, 'glow: options.shape should be of a height and a width'],
    [{ shape: [4, 4] }, 'glow: options.shape should be an image shape'],
    [{ levels: 0 }, 'glow: options.levels should be a positive integer'],
    [{ steps: 0 }, 'glow: options.steps should be a positive integer'],
    [{ depth: 3 }, "glow: unknown option 'depth'"],
  ])('refuses %j', (options, message) => {
    expect(() => glow({ shape: [8, 8, 1], hidden: [2], ...options } as GlowOptions)).toThrow(message);
  });
});
