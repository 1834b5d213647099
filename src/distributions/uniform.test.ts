import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { createRng } from '../core/rng.js';
import { checkDistribution, expectNoLeak } from '../testing/index.js';
import { uniform } from './uniform.js';

describe('uniform', () => {
  it('is a distribution', async () => {
    await checkDistribution({ distribution: uniform({ low: -1, high: 2, eventShape: [2] }), support: [-3, 3] });
    await checkDistribution({ distribution: uniform({ low: tf.tensor1d([-2]), high: 1 }), support: [-3, 3] });
    await checkDistribution({ distribution: uniform({ low: 0, high: 0.5 }), support: [-1, 1] });
  });

  it('has the closed form, -infinity outside', () => {
    const p = uniform({ low: tf.tensor1d([0, 1]), high: tf.tensor1d([2, 1.5]) });
    const logProb = p.logProb(
      tf.tensor2d([
        [1, 1.25],
        [0, 1.5],
        [-0.1, 1.25],
        [1, 1.6],
        [30, -30],
      ]),
    );
    expect(logProb.arraySync()).toEqual([0, 0, -Infinity, -Infinity, -Infinity]);
    const images = uniform({ low: 0, high: 256, eventShape: [32, 32, 3] });
    expect(images.logProb(tf.ones([2, 32, 32, 3])).arraySync()).toEqual(Array(2).fill(Math.fround(-3072 * Math.log(256))));
    expect(images.entropy?.().arraySync()).toBe(Math.fround(3072 * Math.log(256)));
    // Summed in float32 it would be -253.77945.
    const thirds = uniform({ low: 0, high: 3, eventShape: [7, 11, 3] });
    expect(thirds.logProb(tf.ones([7, 11, 3])).arraySync()).toBe(Math.fround(-231 * Math.log(3)));
    const mixed = uniform({ low: 0, high: tf.tensor1d([2, 4]) });
    expect(mixed.logProb(tf.ones([2])).arraySync()).toBeCloseTo(-Math.log(8), 6);
    expect(mixed.entropy?.().arraySync()).toBeCloseTo(Math.log(8), 6);
    expect('mode' in p).toBe(false);
    expect(p.mean?.().arraySync()).toEqual([1, 1.25]);
  });

  it('batches', () => {
    const p = uniform({ low: tf.zeros([4, 1]), high: tf.tensor2d([[1], [2], [3], [4]]), eventShape: [3] });
    expect([p.batchShape?.(), p.sample({ shape: [2] }).shape, p.mean?.().shape]).toEqual([[4], [2, 4, 3], [4, 3]]);
    const logProb = p.logProb(tf.fill([3], 0.5)).arraySync() as number[];
    logProb.forEach((value, i) => {
      expect(value).toBeCloseTo(-3 * Math.log(i + 1), 5);
    });
    const entropy = p.entropy?.().arraySync() as number[];
    expect(entropy[3]).toBeCloseTo(3 * Math.log(4), 5);
  });

  it('reparameterises, with finite gradients on both sides of the border', () => {
    const [low, high] = [tf.tensor1d([0, -1]), tf.tensor1d([1, 3])];
    const u = createRng(2).uniform([2]).dataSync();
    const [inLow, inHigh] = tf.grads((a, b) => tf.sum(uniform({ low: a, high: b }).sample({ rng: createRng(2) })))([
      low,
      high,
    ]) as [tf.Tensor, tf.Tensor];
    [0, 1].forEach((i) => {
      expect(inHigh.dataSync()[i]).toBeCloseTo(u[i] as number, 6);
      expect(inLow.dataSync()[i]).toBeCloseTo(1 - (u[i] as number), 6);
    });
    for (const x of [tf.tensor1d([0.5, 0]), tf.tensor1d([5, 0])]) {
      const [a, b, v] = tf.grads((l, h, value) => uniform({ low: l, high: h }).logProb(value))([low, high, x]) as tf.Tensor[];
      expect(a?.arraySync()).toEqual([1, 0.25]);
      expect(b?.arraySync()).toEqual([-1, -0.25]);
      expect(v?.arraySync()).toEqual([0, 0]);
    }
  });

  it('leaks nothing and names what is wrong', async () => {
    const p = uniform({ low: tf.zeros([2]), high: 1 });
    await expectNoLeak(() => [p.sample(), p.mean?.(), p.entropy?.()]);
    const cases: [() => unknown, string][] = [
      [() => uniform({ low: 1, high: 1 }), 'uniform: options.high should be a finite number above 1, but got 1.'],
      [() => uniform({ low: 1 } as { low: number; high: number }), 'uniform: options.high should be a float32 tensor'],
      [() => uniform({ low: Number.NaN, high: 1 }), 'uniform: options.low should be a finite number'],
      [() => uniform({ low: tf.zeros([2]), high: tf.ones([3]) }), 'uniform: shapes [2] and [3] do not broadcast.'],
      [() => uniform({ low: 0, high: 1, dim: 2 } as object as { low: number; high: number }), "uniform: unknown option 'dim'"],
    ];
    for (const [call, message] of cases) {
      expect(call).toThrow(message);
    }
  });
});
