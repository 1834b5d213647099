import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { createRng } from '../core/rng.js';
import { checkBijector, expectNoLeak, randomizeParameters } from '../testing/index.js';
import { actNorm } from './actNorm.js';

describe('actNorm', () => {
  it('has the closed form, an image counting each channel once a pixel', async () => {
    const bijector = actNorm({ dim: 2, eventRank: 3 });
    bijector.parameters.logScale?.assign(tf.tensor1d([Math.log(2), Math.log(0.25)]));
    bijector.parameters.shift?.assign(tf.tensor1d([1, -3]));
    const [y, logDet] = bijector.forwardAndLogDet(tf.ones([2, 4, 5, 2]));
    expect(y.shape).toEqual([2, 4, 5, 2]);
    expect((y.arraySync() as number[][][][])[1]?.[3]?.[4]?.map((v) => v.toFixed(5))).toEqual(['3.00000', '-2.75000']);
    expect((logDet.arraySync() as number[]).map((v) => v.toFixed(4))).toEqual(Array(2).fill((20 * Math.log(0.5)).toFixed(4)));
  });

  it('is a bijector at scale 1', async () => {
    for (const [eventRank, shape] of [
      [1, [2, 3, 3]],
      [1, [1, 3]],
      [3, [2, 2, 2, 3]],
    ] as const) {
      const bijector = actNorm({ dim: 3, eventRank });
      randomizeParameters(bijector, { rng: createRng(4) });
      await checkBijector({ bijector, x: createRng(5).normal(shape) });
    }
  });

  it('is the identity before initialisation and normalises after it, once', async () => {
    const bijector = actNorm({ dim: 3, eventRank: 3 });
    const data = tf.add(tf.mul(createRng(1).normal([8, 4, 4, 3]), tf.tensor1d([0.01, 1, 30])), tf.tensor1d([5, -2, 0.5]));
    expect(bijector.forward(data).arraySync()).toEqual(data.arraySync());
    expect(bijector.buffers.initialized?.arraySync()).toBe(0);
    bijector.initialize?.(data);
    expect(bijector.buffers.initialized?.arraySync()).toBe(1);
    const { mean, variance } = tf.moments(tf.reshape(bijector.inverse(data), [-1, 3]), 0);
    for (const value of mean.arraySync() as number[]) expect(Math.abs(value)).toBeLessThan(1e-4);
    for (const value of variance.arraySync() as number[]) expect(Math.abs(value - 1)).toBeLessThan(1e-3);

    const kept = bijector.parameters.logScale?.arraySync();
    await expectNoLeak(() => bijector.initialize?.(data), 'initialize');
    const other = tf.mul(data, 7);
    bijector.initialize?.(other);
    expect(bijector.parameters.logScale?.arraySync()).toEqual(kept);
    bijector.buffers.initialized?.assign(tf.scalar(0));
    bijector.initialize?.(other);
    const grown = tf.sub(bijector.parameters.logScale as tf.Tensor, kept as number[]).arraySync() as number[];
    for (const value of grown) expect(value).toBeCloseTo(Math.log(7), 4);
  });

  it('keeps the scale of a channel that does not vary', () => {
    const single = actNorm({ dim: 2 });
    single.initialize?.(tf.tensor2d([[3, -4]]));
    expect(single.parameters.logScale?.arraySync()).toEqual([0, 0]);
    expect(single.parameters.shift?.arraySync()).toEqual([3, -4]);
    // No batch axes at all.
    const bare = actNorm({ dim: 2 });
    bare.initialize?.(tf.tensor1d([3, -4]));
    expect(bare.inverse(tf.tensor1d([3, -4])).arraySync()).toEqual([0, 0]);

    const constant = actNorm({ dim: 5 });
    constant.initialize?.(
      tf.tensor2d([
        [1000, -1000, 0.1, 1, 0],
        [1000, -1000, 0.1, 1.5, 1.5e-6],
        [1000.0001, -1000.0001, 0.1, 2, -1.5e-6],
      ]),
    );
    const logScale = constant.parameters.logScale?.arraySync() as number[];
    expect(logScale.slice(0, 3)).toEqual([0, 0, 0]);
    expect(logScale[3]).toBeCloseTo(0.5 * Math.log(1 / 6), 5);
    // Small, but no rounding: near 0 float32 is exact to far less.
    expect(logScale[4]).toBeCloseTo(0.5 * Math.log(2 / 3) + Math.log(1.5e-6), 5);
  });

  it('names what is wrong', () => {
    expect(() => actNorm({ dim: 0 })).toThrow('actNorm: options.dim should be a positive integer, but got 0.');
    expect(() => actNorm({ dim: 2, eventRank: 0 })).toThrow('actNorm: options.eventRank should be a positive integer');
    expect(() => actNorm({ dim: 2, force: true } as object as { dim: number })).toThrow("actNorm: unknown option 'force'");
    expect(() => actNorm({ dim: 2 }).initialize?.(tf.ones([4, 3]))).toThrow('actNorm.initialize: data should be');
    expect(() => actNorm({ dim: 2, eventRank: 3 }).forward(tf.ones([4, 2]))).toThrow('actNorm.forward: x should be');
  });

  it('data that have no finite mean and variance change nothing, and the next ones count', () => {
    const bijector = actNorm({ dim: 2 });
    for (const bad of [
      [
        [Number.NaN, 0],
        [1, 2],
      ],
      [
        [1e30, 0],
        [3e30, 2],
      ],
      [
        [Number.POSITIVE_INFINITY, 0],
        [1, 2],
      ],
    ]) {
      bijector.initialize?.(tf.tensor2d(bad));
      expect(bijector.buffers.initialized?.dataSync()[0]).toBe(0);
      expect([...(bijector.parameters.shift as tf.Variable).dataSync()]).toEqual([0, 0]);
      expect([...(bijector.parameters.logScale as tf.Variable).dataSync()]).toEqual([0, 0]);
    }
    expect(() => bijector.initialize?.(tf.zeros([0, 2]))).toThrow('actNorm.initialize: data should be');
    bijector.initialize?.(
      tf.tensor2d([
        [1, 0],
        [5, 2],
      ]),
    );
    expect(bijector.buffers.initialized?.dataSync()[0]).toBe(1);
    expect([...(bijector.parameters.shift as tf.Variable).dataSync()]).toEqual([3, 1]);
  });
});
