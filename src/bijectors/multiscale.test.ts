import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import type { Bijector } from '../core/bijector.js';
import { createRng } from '../core/rng.js';
import { checkBijector, expectNoLeak, randomizeParameters } from '../testing/index.js';
import { actNorm } from './actNorm.js';
import { chain } from './chain.js';
import { identityBijector } from './identityBijector.js';
import { invert } from './invert.js';
import type { MultiscaleOptions } from './multiscale.js';
import { multiscale } from './multiscale.js';
import { planar } from './planar.js';
import { reshapeBijector } from './reshapeBijector.js';
import { squeeze2d } from './squeeze2d.js';

const level = (dim: number): Bijector => chain([actNorm({ dim, eventRank: 3 }), invert(squeeze2d())]);
const three = (): Bijector => multiscale({ shape: [8, 8, 1], levels: [level(4), level(8), level(16)] });

describe('multiscale', () => {
  it('is, level by level, the inverse of the level and a split of the channels', () => {
    const bijector = three();
    randomizeParameters(bijector, { rng: createRng(1) });
    const parameter = (name: string): tf.Tensor => bijector.parameters[name] as tf.Tensor;
    let h = createRng(2).normal([2, 8, 8, 1]);
    const [latents, logDet] = bijector.inverseAndLogDet(h);
    const out: tf.Tensor[] = [];
    let total = 0;
    for (let i = 0; i < 3; i++) {
      const logScale = parameter(`levels.${i}.layers.0.logScale`);
      const deep = squeeze2d().forward(h);
      const [, height, width, channels] = deep.shape as [number, number, number, number];
      const z = tf.mul(tf.sub(deep, parameter(`levels.${i}.layers.0.shift`)), tf.exp(tf.neg(logScale)));
      total -= height * width * (tf.sum(logScale).arraySync() as number);
      const half = i < 2 ? channels / 2 : channels;
      h = tf.slice(z, [0, 0, 0, 0], [-1, -1, -1, half]);
      if (i < 2) {
        out.unshift(tf.reshape(tf.slice(z, [0, 0, 0, half], [-1, -1, -1, half]), [2, -1]));
      }
    }
    const expected = tf.concat([tf.reshape(h, [2, -1]), ...out], 1);
    expect(out.map((part) => part.shape[1])).toEqual([16, 32]);
    expect(tf.max(tf.abs(tf.sub(expected, latents))).arraySync()).toBeLessThan(1e-4);
    for (const value of logDet.arraySync() as number[]) {
      expect(value).toBeCloseTo(total, 3);
    }
  });

  it('throws nothing away: the round trip is exact where the levels’ are', () => {
    const levels = Array.from({ length: 3 }, () => identityBijector({ eventRank: 3 }));
    for (const shape of [
      [2, 3, 8],
      [1, 2, 5],
      [1, 2, 3],
    ] as const) {
      const bijector = multiscale({ shape, levels, factor: 1 });
      const image = createRng(1).normal([2, 3, ...shape]);
      const latents = bijector.inverse(image);
      expect(latents.shape).toEqual([2, 3, shape[0] * shape[1] * shape[2]]);
      expect(bijector.forward(latents).arraySync()).toEqual(image.arraySync());
    }
    // Channels 0 to 2 of 5 go on, then 0 and 1; 2 comes out after level 1, 3 and 4 after level 0.
    const small = multiscale({ shape: [1, 2, 5], levels, factor: 1 });
    const image = tf.range(0, 10).reshape([1, 2, 5]);
    expect(small.inverse(image).arraySync()).toEqual([0, 1, 5, 6, 2, 7, 3, 4, 8, 9]);
  });

  it('is a bijector at scale 1, its levels of a lower event rank and with a context too', async () => {
    for (const batch of [[], [1], [2, 2]]) {
      const bijector = multiscale({ shape: [4, 4, 1], levels: [level(4), level(8)] });
      randomizeParameters(bijector, { rng: createRng(3), scale: 0.5 });
      await checkBijector({ bijector, x: createRng(4).normal([...batch, 16]) });
    }
    const flat = (): Bijector =>
      chain([
        reshapeBijector({ from: [1, 1, 4], to: [4] }),
        planar({ dim: 4, contextDim: 2, rng: createRng(5) }),
        reshapeBijector({ from: [4], to: [1, 1, 4] }),
        invert(squeeze2d()),
      ]);
    const conditional = multiscale({ shape: [2, 2, 1], levels: [flat()] });
    randomizeParameters(conditional, { rng: createRng(6), scale: 0.5 });
    const [x, context] = [createRng(7).normal([3, 4]), createRng(8).normal([3, 2])];
    await checkBijector({ bijector: conditional, x, context });
    expect([conditional.forwardCost, conditional.inverseCost]).toEqual(['parallel', 'iterative']);
    const scaled = multiscale({ shape: [1, 2, 4], levels: [actNorm({ dim: 4 }), actNorm({ dim: 2 })], factor: 1 });
    randomizeParameters(scaled, { rng: createRng(9), scale: 0.5 });
    await checkBijector({ bijector: scaled, x: createRng(10).normal([2, 8]) });
  });

  it('initialises every level from the data', async () => {
    const bijector = three();
    const data = tf.add(tf.mul(createRng(1).normal([32, 8, 8, 1]), 3), 5);
    bijector.initialize?.(data);
    const latents = bijector.inverse(data);
    const { mean, variance } = tf.moments(latents);
    expect(mean.arraySync()).toBeCloseTo(0, 4);
    expect(variance.arraySync()).toBeCloseTo(1, 3);
    await expectNoLeak(() => bijector.initialize?.(data), 'initialize');
    expect(multiscale({ shape: [2, 2, 1], levels: [invert(squeeze2d())] }).initialize).toBe(undefined);
  });

  it('names variables by level and frees them', () => {
    const before = tf.memory().numTensors;
    const bijector = three();
    expect(bijector.name).toBe('multiscale');
    expect(Object.keys(bijector.parameters)[0]).toBe('levels.0.layers.0.logScale');
    expect(Object.keys(bijector.buffers)).toEqual([0, 1, 2].map((i) => `levels.${i}.layers.0.initialized`));
    bijector.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('names what is wrong', () => {
    const squeeze = invert(squeeze2d());
    const make = (options: object): Bijector =>
      multiscale({ shape: [4, 4, 1], levels: [squeeze], ...options } as MultiscaleOptions);
    expect(() => make({ shape: [4, 4] })).toThrow('multiscale: options.shape should be an image shape [height, width, channels]');
    expect(() => make({ shape: [4, 0, 1] })).toThrow('multiscale: options.shape[1] should be a positive integer, but got 0.');
    expect(() => make({ shape: [6, 8, 1], levels: [squeeze, squeeze] })).toThrow(
      'multiscale: options.shape should be of a height and a width that 2 divides 2 times, but got [6,8,1].',
    );
    expect(() => make({ shape: [8, 6, 1], levels: [squeeze, squeeze] })).toThrow('that 2 divides 2 times, but got [8,6,1].');
    expect(() => make({ shape: [3, 4, 1] })).toThrow('that 2 divides 1 time, but got [3,4,1].');
    expect(() => make({ levels: [] })).toThrow('multiscale: options.levels should be a list of at least one bijector');
    expect(() => make({ levels: [squeeze, 3] })).toThrow('multiscale: options.levels[1] should be a bijector, but got 3.');
    expect(() => make({ levels: [reshapeBijector({ from: [4, 4, 1], to: [16] })] })).toThrow(
      "options.levels[0] should be a bijector from images to images, but got 'reshapeBijector'.",
    );
    expect(() => make({ levels: [identityBijector({ eventRank: 4 })] })).toThrow(
      "options.levels[0] should be a bijector from images to images, but got 'identityBijector'.",
    );
    expect(() => make({ factor: 0 })).toThrow('multiscale: options.factor should be a positive integer');
    expect(() => make({ squeeze: 2 })).toThrow("multiscale: unknown option 'squeeze'");
    const identity = identityBijector({ eventRank: 3 });
    expect(() => make({ factor: 1, levels: [identity, identity] })).toThrow(
      'multiscale: options.levels should be at most 1, since level 0 leaves one channel, but got 2.',
    );
    expect(() => make({ levels: [identity] }).inverse(tf.zeros([4, 4, 1]))).toThrow(
      'multiscale.inverse: what options.levels[0] makes should be of shape [...batch, 2, 2, 4], but got',
    );
    expect(() => make({ levels: [identity] }).forward(tf.zeros([16]))).toThrow(
      'multiscale.forward: what options.levels[0] makes should be of shape [...batch, 4, 4, 1], but got',
    );
    expect(() => make({}).inverse(tf.zeros([4, 2, 1]))).toThrow('multiscale.inverse: y should be a float32 tensor');
    expect(() => make({}).forward(tf.zeros([15]))).toThrow('multiscale.forward: x should be a float32 tensor');
  });
});
