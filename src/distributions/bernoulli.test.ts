import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { createRng } from '../core/rng.js';
import { checkDistribution, expectNoLeak } from '../testing/index.js';
import { bernoulli } from './bernoulli.js';

const sigmoid = (l: number): number => 1 / (1 + Math.exp(-l));

describe('bernoulli', () => {
  it('is a distribution', async () => {
    const values = [0, 1].flatMap((a) => [0, 1].map((b) => [a, b]));
    await checkDistribution({ distribution: bernoulli({ logits: tf.tensor1d([0.7, -1.5]) }), values });
    await checkDistribution({ distribution: bernoulli({ logits: -0.4 }), values: [[0], [1]] });
    await checkDistribution({ distribution: bernoulli({ logits: 0.4, eventShape: [2] }), values });
  });

  it('has the closed form, tails included', () => {
    const p = bernoulli({ logits: tf.tensor1d([-100, -30, -1, 0, 2, 30, 100]), eventRank: 0 });
    const close = (found: tf.Tensor, expected: number[]): void => {
      (found.arraySync() as number[]).forEach((value, i) => {
        const right = expected[i] as number;
        expect(Math.abs(value - right)).toBeLessThanOrEqual(1e-5 * Math.abs(right) + 1e-30);
      });
    };
    const ones = [-100, -30, -1, 0, 2, 30, 100].map((l) => (l < -20 ? l : -Math.log1p(Math.exp(-l))));
    close(p.logProb(tf.scalar(1)), ones);
    close(
      p.logProb(tf.scalar(0)),
      [...ones].reverse().map((_, i) => {
        const l = [-100, -30, -1, 0, 2, 30, 100][i] as number;
        return l > 20 ? -l : -Math.log1p(Math.exp(l));
      }),
    );
    expect(p.mode?.().arraySync()).toEqual([0, 0, 0, 1, 1, 1, 1]);
    expect((p.mean?.().arraySync() as number[])[4]).toBeCloseTo(sigmoid(2), 6);
    expect((p.entropy?.().arraySync() as number[])[3]).toBeCloseTo(Math.LN2, 6);
    // A grey pixel is the cross-entropy.
    const grey = bernoulli({ logits: 1.5 }).logProb(tf.scalar(0.25)).arraySync() as number;
    expect(grey).toBeCloseTo(0.25 * Math.log(sigmoid(1.5)) + 0.75 * Math.log(sigmoid(-1.5)), 6);
  });

  it('batches, and draws zeros and ones', async () => {
    const p = bernoulli({ logits: createRng(1).normal([4, 3]) });
    expect([p.eventShape, p.batchShape?.()]).toEqual([[3], [4]]);
    expect(p.logProb(tf.ones([2, 4, 3])).shape).toEqual([2, 4]);
    expect(p.logProb(tf.ones([3])).shape).toEqual([4]);
    const count = 5000;
    const x = p.sample({ shape: [count], rng: createRng(2) });
    expect(x.shape).toEqual([count, 4, 3]);
    expect(new Set(x.dataSync())).toEqual(new Set([0, 1]));
    const [mean, expected] = [tf.mean(x, 0).dataSync(), p.mean?.().dataSync() as Float32Array];
    mean.forEach((value, i) => {
      const probability = expected[i] as number;
      expect(Math.abs(value - probability)).toBeLessThan(5 * Math.sqrt((probability * (1 - probability)) / count));
    });
    expect(
      Array.from(
        bernoulli({ logits: tf.tensor1d([-100, 100]) })
          .sample({ shape: [100] })
          .dataSync(),
      ).filter((_, i) => i % 2 === 0),
    ).toEqual(Array(100).fill(0));
    await expectNoLeak(() => [p.sample(), p.mean?.(), p.mode?.(), p.entropy?.()]);
  });

  it('differentiates in the logits, not through draws', () => {
    const logits = tf.tensor1d([-30, 0, 0.5, 30]);
    const x = tf.tensor1d([1, 0, 1, 0]);
    const gradient = tf
      .grad((l: tf.Tensor) => bernoulli({ logits: l }).logProb(x))(logits)
      .dataSync();
    [1, -0.5, 1 - sigmoid(0.5), -1].forEach((expected, i) => {
      expect(gradient[i]).toBeCloseTo(expected, 6);
    });
    const inX = tf
      .grad((v: tf.Tensor) => bernoulli({ logits }).logProb(v, { frozen: true }))(x)
      .dataSync();
    [-30, 0, 0.5, 30].forEach((expected, i) => {
      expect(inX[i]).toBeCloseTo(expected, 5);
    });
    expect(() => tf.grad((l: tf.Tensor) => tf.sum(bernoulli({ logits: l }).sample()))(logits)).toThrow('Cannot compute gradient');
    expect(() => tf.grad((l: tf.Tensor) => bernoulli({ logits: l }).logProb(x, { frozen: true }))(logits)).toThrow(
      'Cannot compute',
    );
  });

  it('names what is wrong', () => {
    expect(() => bernoulli({} as { logits: number })).toThrow(
      'bernoulli: options.logits should be a float32 tensor of shape [...batch]',
    );
    expect(() => bernoulli({ logits: Number.POSITIVE_INFINITY })).toThrow('bernoulli: options.logits should be a finite number');
    expect(() => bernoulli({ probs: 1 } as object as { logits: number })).toThrow("bernoulli: unknown option 'probs'");
    expect(() => bernoulli({ logits: 0 }).logProb(tf.scalar(1, 'int32'))).toThrow('bernoulli.logProb: value should be a float32');
  });
});
