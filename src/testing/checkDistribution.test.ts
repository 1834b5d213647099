import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import type { Distribution } from '../core/distribution.js';
import type { Rng } from '../core/rng.js';
import { createRng } from '../core/rng.js';
import { checkDistribution } from './checkDistribution.js';

interface Flaws {
  readonly normaliser?: number;
  readonly spread?: number;
  readonly shift?: number;
  readonly joint?: number;
  readonly correlation?: number;
  readonly mean?: number;
  readonly entropy?: number;
  readonly mode?: number;
}

/** N(0, I) over `dim` elements, with a flaw. */
function gaussian(dim: number, flaws: Flaws = {}): Distribution {
  const { normaliser = 0, spread = 1, shift = 0, joint = 0, correlation = 0, mean = 0, entropy = 0, mode = 0 } = flaws;
  const logProb = (value: tf.Tensor): tf.Tensor =>
    tf.tidy(() => tf.sub(tf.mul(tf.sum(tf.square(value), -1), -0.5), (dim / 2) * Math.log(2 * Math.PI) + normaliser));
  const sample = ({ shape = [], rng = createRng() }: { shape?: readonly number[]; rng?: Rng } = {}): tf.Tensor =>
    tf.tidy(() => {
      const noise = rng.normal([...shape, dim]);
      const mixed =
        correlation === 0
          ? noise
          : tf.add(tf.mul(noise, Math.sqrt(1 - correlation ** 2)), tf.mul(tf.reverse(noise, -1), correlation));
      return tf.add(tf.mul(mixed, spread), shift);
    });
  return {
    name: 'gaussian',
    eventShape: [dim],
    parameters: {},
    buffers: {},
    dispose: () => {},
    sample,
    logProb,
    sampleAndLogProb: (options) => {
      const value = sample(options);
      return [value, tf.tidy(() => tf.add(logProb(value), joint))];
    },
    mean: () => tf.fill([dim], mean),
    mode: () => tf.fill([dim], mode),
    entropy: () => tf.scalar((dim / 2) * Math.log(2 * Math.PI * Math.E) + entropy),
  };
}

describe('checkDistribution', () => {
  test.each([[1], [2]])('accepts a right distribution over %i elements', async (dim) => {
    const { errors } = await checkDistribution({ distribution: gaussian(dim) });
    expect(errors.integral).toBeLessThan(1e-5);
  });

  test.each([
    ['a wrong normaliser', 'integral', { normaliser: 0.01 }],
    ['samples too wide', 'distribution function of coordinate 0', { spread: 1.2 }],
    ['samples moved', 'distribution function of coordinate 1', { shift: 0.2 }],
    ['samples correlated', 'joint behaviour of the coordinates', { correlation: 0.3 }],
    ['twins that differ', 'sampleAndLogProb against logProb', { joint: 0.1 }],
    ['a wrong mean', 'mean against the integral', { mean: 0.1 }],
    ['a wrong entropy', 'entropy against the integral', { entropy: 0.1 }],
    ['a wrong mode', 'mode against the highest density', { mode: 0.5 }],
  ])('refuses %s', async (_, law, flaws) => {
    await expect(checkDistribution({ distribution: gaussian(2, flaws) })).rejects.toThrow(law);
  });

  test('sums over the values of a discrete distribution', async () => {
    const coin: Distribution = {
      ...gaussian(1),
      name: 'coin',
      logProb: (value) =>
        tf.tidy(() =>
          tf.squeeze(tf.add(tf.mul(value, Math.log(0.3)), tf.mul(tf.sub(1, value), Math.log(0.7))), [value.rank - 1]),
        ),
      sample: ({ shape = [], rng = createRng() } = {}) =>
        tf.tidy(() => tf.cast(tf.less(rng.uniform([...shape, 1]), 0.3), 'float32')),
      sampleAndLogProb: (options) => {
        const value = coin.sample(options);
        return [value, coin.logProb(value)];
      },
      mean: () => tf.tensor1d([0.3]),
      mode: () => tf.tensor1d([0]),
      entropy: () => tf.scalar(-0.3 * Math.log(0.3) - 0.7 * Math.log(0.7)),
    };
    await checkDistribution({ distribution: coin, values: [[0], [1]] });
    await expect(
      checkDistribution({
        distribution: {
          ...coin,
          sample: () => tf.ones([4000, 1]),
          sampleAndLogProb: () => [tf.ones([4000, 1]), tf.fill([4000], Math.log(0.3))],
        },
        values: [[0], [1]],
      }),
    ).rejects.toThrow('distribution function of coordinate 0');
  });

  test('refuses more elements than it can integrate over', async () => {
    await expect(checkDistribution({ distribution: gaussian(3) })).rejects.toThrow(
      "checkDistribution: options.distribution should be one over at most 2 elements, or options.values given, but got '3 elements'.",
    );
  });
});
