import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { bitsPerDim } from './bitsPerDim.js';

describe('bitsPerDim', () => {
  it('divides nats by D log 2', () => {
    expect(bitsPerDim({ logProb: -12 * Math.LN2 * 3.5, dim: 12 })).toBeCloseTo(3.5, 14);
  });

  it('adds D log(levels) where told', () => {
    // Log density and bits per dimension of dequantization golden data: 8 bits and 5 bits, 12 dimensions.
    expect(bitsPerDim({ logProb: 18.0615234375, dim: 12, levels: 256 })).toBeCloseTo(5.8285608, 7);
    expect(bitsPerDim({ logProb: 8.57421875, dim: 12, levels: 32 })).toBeCloseTo(3.9691681, 7);
  });

  it('keeps float64 where D log(levels) is large', () => {
    const dim = 3 * 256 * 256;
    expect(bitsPerDim({ logProb: dim * Math.log(256) - 1e-3, dim, levels: 256 })).toBeCloseTo(1e-3 / (dim * Math.LN2), 12);
  });

  it('gives a tensor for a tensor, of the same shape', () => {
    const logProb = tf.tensor2d([[0, -Math.LN2 * 4]]);
    const bits = bitsPerDim({ logProb, dim: 4, levels: 2 });
    expect(bits.shape).toEqual([1, 2]);
    expect(Array.from(bits.dataSync())).toEqual([1, 2]);
    expect(bitsPerDim({ logProb: tf.scalar(-Math.LN2), dim: 1 }).dataSync()[0]).toBeCloseTo(1, 6);
  });

  it('passes an infinite log-probability on', () => {
    expect(bitsPerDim({ logProb: Number.NEGATIVE_INFINITY, dim: 2 })).toBe(Number.POSITIVE_INFINITY);
  });

  it('has the gradient -1 / (D log 2)', () => {
    const g = tf.grad((logProb) => bitsPerDim({ logProb, dim: 5, levels: 256 }));
    expect(g(tf.tensor1d([1])).dataSync()[0]).toBeCloseTo(-1 / (5 * Math.LN2), 6);
  });

  it('leaks nothing', () => {
    const logProb = tf.zeros([3]);
    const before = tf.memory().numTensors;
    bitsPerDim({ logProb, dim: 2, levels: 2 }).dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses bad options, by name', () => {
    expect(() => bitsPerDim({ logProb: 0, dim: 0 })).toThrow('bitsPerDim: options.dim should be a positive integer, but got 0.');
    expect(() => bitsPerDim({ logProb: 0, dim: 1, levels: 1.5 })).toThrow('options.levels should be an integer of at least 2');
    expect(() => bitsPerDim({ logProb: Number.NaN, dim: 1 })).toThrow('options.logProb should be a number or a float32 tensor');
    expect(() => bitsPerDim({ logProb: '3' as never, dim: 1 })).toThrow("but got '3'");
    expect(() => bitsPerDim({ logProb: tf.tensor1d([3], 'int32'), dim: 1 })).toThrow('but got a int32 tensor of shape [1].');
    const gone = tf.tensor1d([3]);
    gone.dispose();
    expect(() => bitsPerDim({ logProb: gone, dim: 1 })).toThrow('but got a float32 tensor of shape [1] that is disposed.');
    expect(() => bitsPerDim({ logProb: 0, dimension: 1 } as never)).toThrow("unknown option 'dimension'");
  });
});
