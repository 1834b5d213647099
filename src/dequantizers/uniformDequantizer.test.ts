import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import type { Rng } from '../core/rng.js';
import { createRng } from '../core/rng.js';
import { uniformDequantizer } from './uniformDequantizer.js';

/** Draws the largest float32 below 1, or any other number, every time. */
const constantRng = (value: number): Rng => ({ ...createRng(0), uniform: (shape) => tf.fill([...shape], value) });

describe('uniformDequantizer', () => {
  it('adds the noise of the generator', () => {
    const x = tf.tensor2d([[0, 3, 7]]);
    const [y, logQ] = uniformDequantizer({ levels: 8 }).sampleAndLogProb(x, { rng: createRng(3) });
    const u = createRng(3).uniform([1, 3]).dataSync();
    expect(Array.from(y.dataSync())).toEqual([0, 3, 7].map((value, i) => Math.fround(value + (u[i] as number))));
    expect(logQ.arraySync()).toEqual([0]);
  });

  it.each([2, 3, 256, 257, 1000, 65535, 65536])('keeps floor(y) = x for %i levels and noise next to 1', (levels) => {
    const dequantizer = uniformDequantizer({ levels });
    const values = Float32Array.from({ length: levels }, (_, i) => i);
    for (const u of [0, 0.5, 1 - 2 ** -24, 1]) {
      const [y] = dequantizer.sampleAndLogProb(tf.tensor1d(values), { rng: constantRng(u) });
      expect(Array.from(dequantizer.quantize(y).dataSync()).every((value, i) => value === i)).toBe(true);
      if (u > 0.9) {
        // Below the next level, and not by more than an ulp of the largest level.
        const ulp = 2 ** (Math.ceil(Math.log2(levels)) - 24);
        expect(Array.from(y.dataSync()).every((value, i) => value < i + 1 && value >= i + 1 - ulp)).toBe(true);
      }
    }
  });

  it('leaves noise that fits as it is', () => {
    const u = 1 - 2 ** -24;
    const [y] = uniformDequantizer({ levels: 65536 }).sampleAndLogProb(tf.tensor1d([0]), { rng: constantRng(u) });
    expect(y.dataSync()[0]).toBe(u);
  });

  it('has uniform noise: mean 1/2, variance 1/12', () => {
    const [y] = uniformDequantizer({ levels: 4 }).sampleAndLogProb(tf.fill([20000], 2), { rng: createRng(1) });
    const { mean, variance } = tf.moments(y);
    expect(mean.dataSync()[0]).toBeCloseTo(2.5, 2);
    expect(variance.dataSync()[0]).toBeCloseTo(1 / 12, 2);
  });

  it.each([
    [[], [3], 1, []],
    [[1], [3], 1, [1]],
    [[5, 2], [3], 1, [5, 2]],
    [[4], [2, 2, 3], 3, [4]],
    [[4], [], 0, [4]],
  ] as const)('batch %j, event %j', (batch, event, eventRank, expected) => {
    const x = tf.zeros([...batch, ...event]);
    const dequantizer = uniformDequantizer({ levels: 2, eventRank });
    const [y, logQ] = dequantizer.sampleAndLogProb(x);
    expect(y.shape).toEqual(x.shape);
    expect(logQ.shape).toEqual(expected);
    const [many, logQs] = dequantizer.sampleAndLogProb(x, { shape: [7] });
    expect(many.shape).toEqual([7, ...x.shape]);
    expect(logQs.shape).toEqual([7, ...expected]);
  });

  it('takes int32', () => {
    const [y] = uniformDequantizer({ levels: 256 }).sampleAndLogProb(tf.tensor1d([5, 255], 'int32'));
    expect(y.dtype).toBe('float32');
    expect(tf.floor(y).arraySync()).toEqual([5, 255]);
  });

  it.each([-1, 8, 2.5, Number.NaN, Number.POSITIVE_INFINITY, -0.5])('refuses the value %d at once', async (value) => {
    const dequantizer = uniformDequantizer({ levels: 8 });
    const x = tf.tensor2d([[1, value]]);
    const message = `x should hold integers of 0 ... 7, but element 1 is ${value}.`;
    expect(() => dequantizer.sampleAndLogProb(x)).toThrow(`uniformDequantizer.sampleAndLogProb: ${message}`);
    await expect(dequantizer.check(x)).rejects.toThrow(`uniformDequantizer.check: ${message}`);
  });

  it.each([-1, 8, 2.5, Number.NaN])('gives NaN for the value %d where it does not look', (value) => {
    const [y] = uniformDequantizer({ levels: 8, validate: false }).sampleAndLogProb(tf.tensor1d([value, 7]));
    expect(y.dataSync()[0]).toBeNaN();
    expect(Math.floor(y.dataSync()[1] as number)).toBe(7);
  });

  it('looks at the first value too, and at every one of several examples', async () => {
    const dequantizer = uniformDequantizer({ levels: 8 });
    await expect(dequantizer.check(tf.tensor1d([9, 1]))).rejects.toThrow('but element 0 is 9.');
    await expect(dequantizer.check(tf.tensor2d([[1, 2], [3, 8]]))).rejects.toThrow('but element 3 is 8.'); // biome-ignore format: a matrix
  });

  it('resolves the check of good data', async () => {
    await expect(uniformDequantizer({ levels: 3 }).check(tf.tensor1d([0, 1, 2]))).resolves.toBeUndefined();
  });

  it('lets gradients through to x', () => {
    const dequantizer = uniformDequantizer({ levels: 4 });
    const g = tf.grad((x) => tf.sum(tf.square(dequantizer.sampleAndLogProb(x, { rng: constantRng(0.5) })[0])));
    expect(g(tf.tensor1d([1, 3])).arraySync()).toEqual([3, 7]);
  });

  it('leaks nothing', () => {
    const dequantizer = uniformDequantizer({ levels: 4 });
    const x = tf.zeros([2, 3]);
    const before = tf.memory().numTensors;
    tf.dispose(dequantizer.sampleAndLogProb(x, { shape: [2] }));
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses bad options and tensors, by name', () => {
    expect(() => uniformDequantizer({ levels: 1 })).toThrow(
      'uniformDequantizer: options.levels should be an integer of at least 2',
    );
    expect(() => uniformDequantizer({ levels: 65537 })).toThrow('options.levels should be at most 65536');
    expect(() => uniformDequantizer({ levels: 2, eventRank: -1 })).toThrow(
      'options.eventRank should be an integer of at least 0',
    );
    expect(() => uniformDequantizer({ levels: 2, validate: 1 as never })).toThrow('options.validate should be true or false');
    expect(() => uniformDequantizer({ levels: 2, level: 3 } as never)).toThrow("unknown option 'level'");
    const dequantizer = uniformDequantizer({ levels: 2, eventRank: 2 });
    expect(() => dequantizer.sampleAndLogProb(tf.zeros([3]))).toThrow(
      'shape [...batch, ?, ?], but got a float32 tensor of shape [3].',
    );
    expect(() => dequantizer.sampleAndLogProb(tf.zeros([3, 3], 'bool'))).toThrow('x should be a float32 or int32 tensor');
    expect(() => dequantizer.sampleAndLogProb(tf.zeros([0, 3, 3]))).toThrow('but got a float32 tensor of shape [0, 3, 3].');
    expect(() => dequantizer.sampleAndLogProb(tf.zeros([3, 3]), { shape: 4 as never })).toThrow(
      'uniformDequantizer.sampleAndLogProb: options.shape should be a list of sizes, but got 4.',
    );
    expect(() => dequantizer.sampleAndLogProb(tf.zeros([3, 3]), { shape: [4, 0.5] })).toThrow(
      'options.shape should be a list of sizes, but got [4,0.5].',
    );
    expect(() => dequantizer.sampleAndLogProb(tf.zeros([3, 3]), { shapes: [4] } as never)).toThrow(
      "uniformDequantizer.sampleAndLogProb: unknown option 'shapes'; the options are shape, context",
    );
    expect(() => dequantizer.quantize(tf.zeros([3]))).toThrow('uniformDequantizer.quantize: y should be');
  });
});
