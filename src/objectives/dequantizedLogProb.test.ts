import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import type { Distribution } from '../core/distribution.js';
import { defineModule, parameter } from '../core/module.js';
import type { Rng } from '../core/rng.js';
import { createRng } from '../core/rng.js';
import { uniformDequantizer } from '../dequantizers/uniformDequantizer.js';
import { dequantizedLogProb } from './dequantizedLogProb.js';

const HALF_LOG_TWO_PI = 0.5 * Math.log(2 * Math.PI);

/** N(loc, 1) on [D], with loc a parameter. */
function gaussian(dim: number, loc: number): Distribution {
  const shift = parameter(() => tf.fill([dim], loc));
  const logProb = (y: tf.Tensor): tf.Tensor => tf.sum(tf.sub(tf.mul(tf.square(tf.sub(y, shift)), -0.5), HALF_LOG_TWO_PI), -1);
  return {
    ...defineModule({ parameters: { shift } }),
    name: 'gaussian',
    eventShape: [dim],
    logProb,
    sample: () => tf.zeros([dim]),
    sampleAndLogProb: () => [tf.zeros([dim]), tf.scalar(0)],
  };
}

/** Hands out given noise. */
const replay = (u: tf.Tensor): Rng => ({ ...createRng(0), uniform: (shape) => tf.reshape(u, [...shape]) });

const normal = (y: number, loc: number): number => -0.5 * (y - loc) ** 2 - HALF_LOG_TWO_PI;

describe('dequantizedLogProb', () => {
  const u = [0.25, 0.75, 0.125];
  const dequantizer = uniformDequantizer({ levels: 8 });

  it('is the mean over samples of log p(x + u)', () => {
    const objective = dequantizedLogProb({ distribution: gaussian(1, 2), dequantizer, samples: 3 });
    const value = objective(tf.tensor2d([[4]]), { rng: replay(tf.tensor1d(u)) });
    const expected = u.reduce((total, noise) => total + normal(4 + noise, 2), 0) / 3;
    expect(value.shape).toEqual([1]);
    expect(value.dataSync()[0]).toBeCloseTo(expected, 5);
  });

  it("with bound 'importance' is the log of the mean of p(x + u)", () => {
    const objective = dequantizedLogProb({ distribution: gaussian(1, 2), dequantizer, samples: 3, bound: 'importance' });
    const value = objective(tf.tensor1d([4]), { rng: replay(tf.tensor1d(u)) });
    const expected = Math.log(u.reduce((total, noise) => total + Math.exp(normal(4 + noise, 2)), 0) / 3);
    expect(value.shape).toEqual([]);
    expect(value.dataSync()[0]).toBeCloseTo(expected, 5);
  });

  it.each([0, 0.5, 0.9, 1, 2.5, 20])("with bound 'renyi' is a mean of the weights of order 1 - %d", (alpha) => {
    const objective = dequantizedLogProb({ distribution: gaussian(1, 2), dequantizer, samples: 3, bound: 'renyi', alpha });
    const value = objective(tf.tensor1d([4]), { rng: replay(tf.tensor1d(u)) }).dataSync()[0];
    const logWeights = u.map((noise) => normal(4 + noise, 2));
    const order = 1 - alpha;
    const powers = logWeights.reduce((total, w) => total + Math.exp(order * w), 0) / 3;
    const expected = order === 0 ? logWeights.reduce((total, w) => total + w, 0) / 3 : Math.log(powers) / order;
    expect(value).toBeCloseTo(expected, 5);
  });

  it('is -Infinity for a weight of zero where the bound takes none', () => {
    const nowhere: Distribution = { ...gaussian(1, 0), logProb: (y) => tf.squeeze(tf.log(tf.relu(tf.sub(y, 4.5))), [-1]) };
    const bounds = [['elbo'], ['importance'], ['renyi', 0.5], ['renyi', 2]] as const;
    const values = bounds.map(([bound, alpha]) => {
      const order = alpha === undefined ? {} : { alpha };
      const objective = dequantizedLogProb({ distribution: nowhere, dequantizer, samples: 3, bound, ...order });
      return objective(tf.tensor1d([4]), { rng: replay(tf.tensor1d(u)) }).dataSync()[0] as number;
    });
    expect(values[0]).toBe(Number.NEGATIVE_INFINITY);
    expect(values[1]).toBeCloseTo(Math.log(0.25 / 3), 5);
    expect(values[2]).toBeCloseTo(2 * Math.log(0.5 / 3), 5);
    expect(values[3]).toBe(Number.NEGATIVE_INFINITY);
  });

  it('subtracts log q(u | x)', () => {
    const noisy = {
      ...dequantizer,
      sampleAndLogProb: (x: tf.Tensor, options = {}): [tf.Tensor, tf.Tensor] => {
        const [y, zero] = dequantizer.sampleAndLogProb(x, options);
        return [y, tf.add(zero, 1.5)];
      },
    };
    for (const bound of ['elbo', 'importance'] as const) {
      const rng = replay(tf.tensor1d([0.5]));
      const value = dequantizedLogProb({ distribution: gaussian(1, 0), dequantizer: noisy, bound })(tf.tensor1d([1]), { rng });
      expect(value.dataSync()[0]).toBeCloseTo(normal(1.5, 0) - 1.5, 5);
    }
  });

  it('orders the bounds: elbo <= importance <= log P(x), the last by quadrature', () => {
    const cells = 2000;
    let mass = 0;
    for (let i = 0; i < cells; i++) mass += Math.exp(normal(3 + (i + 0.5) / cells, 1)) / cells;
    const x = tf.fill([4000, 1], 3);
    const average = (samples: number, bound: 'elbo' | 'importance'): number =>
      tf
        .mean(dequantizedLogProb({ distribution: gaussian(1, 1), dequantizer, samples, bound })(x, { rng: createRng(5) }))
        .dataSync()[0] as number;
    // E_u log p(x + u) = -1/2 E (2 + u)^2 - 1/2 log 2 pi = -1/2 (4 + 2 + 1/3) - ...
    expect(average(1, 'elbo')).toBeCloseTo(-0.5 * (6 + 1 / 3) - HALF_LOG_TWO_PI, 1);
    expect(average(1, 'elbo')).toBeLessThan(average(4, 'importance') - 0.1);
    expect(average(4, 'importance')).toBeLessThan(average(32, 'importance') - 0.01);
    expect(average(32, 'importance')).toBeLessThan(Math.log(mass));
    expect(average(32, 'importance')).toBeCloseTo(Math.log(mass), 1);
  });

  it('trains the distribution, per-example gradients by hand', () => {
    const distribution = gaussian(2, 1);
    const objective = dequantizedLogProb({ distribution, dequantizer });
    const x = tf.tensor2d([[1, 5]]);
    const { grads } = tf.variableGrads(() => tf.sum(objective(x, { rng: replay(tf.tensor2d([[0.5, 0.25]])) })) as tf.Scalar);
    const gradient = Object.values(grads)[0] as tf.Tensor;
    expect(Array.from(gradient.dataSync())).toEqual([0.5, 4.25]);
  });

  it('takes any batch axes and leaks nothing', () => {
    const objective = dequantizedLogProb({ distribution: gaussian(2, 1), dequantizer, samples: 5, bound: 'importance' });
    for (const batch of [[], [1], [3, 4]]) {
      const x = tf.zeros([...batch, 2]);
      const before = tf.memory().numTensors;
      const value = objective(x);
      expect(value.shape).toEqual(batch);
      value.dispose();
      expect(tf.memory().numTensors).toBe(before);
    }
  });

  it('refuses bad options, by name', () => {
    const distribution = gaussian(2, 1);
    expect(() => dequantizedLogProb({ distribution, dequantizer, samples: 0 })).toThrow(
      'options.samples should be a positive integer',
    );
    expect(() => dequantizedLogProb({ distribution, dequantizer, bound: 'iwae' as never })).toThrow(
      "options.bound should be 'elbo' or 'importance' or 'renyi', but got 'iwae'.",
    );
    expect(() => dequantizedLogProb({ distribution: {} as never, dequantizer })).toThrow(
      'options.distribution should be a distribution',
    );
    expect(() => dequantizedLogProb({ distribution, dequantizer: distribution as never })).toThrow(
      'options.dequantizer should be',
    );
    expect(() => dequantizedLogProb({ distribution } as never)).toThrow(
      'options.dequantizer should be a dequantizer, but got nothing.',
    );
    const { sampleAndLogProb: _, ...unable } = dequantizer;
    expect(() => dequantizedLogProb({ distribution, dequantizer: unable as never })).toThrow('options.dequantizer should be');
    expect(() => dequantizedLogProb({ distribution, dequantizer: uniformDequantizer({ levels: 2, eventRank: 3 }) })).toThrow(
      'options.dequantizer.eventRank should be that of the distribution, 1 (its events are [2]), but got 3.',
    );
    expect(() => dequantizedLogProb({ distribution, dequantizer, bound: 'renyi' })).toThrow(
      'dequantizedLogProb: options.alpha should be a finite number at least 0, but got nothing.',
    );
    expect(() => dequantizedLogProb({ distribution, dequantizer, bound: 'renyi', alpha: -0.1 })).toThrow('but got -0.1.');
    expect(() => dequantizedLogProb({ distribution, dequantizer, alpha: 0.5 })).toThrow(
      "dequantizedLogProb: options.alpha should be left out where options.bound is not 'renyi', but got 0.5.",
    );
    expect(() => dequantizedLogProb({ distribution, dequantizer, sample: 2 } as never)).toThrow("unknown option 'sample'");
    const objective = dequantizedLogProb({ distribution, dequantizer });
    expect(() => objective(tf.tensor1d([3, 1]), { samples: 2 } as never)).toThrow("dequantizedLogProb: unknown option 'samples'");
    expect(() => objective(tf.tensor1d([3, 9]))).toThrow('x should hold integers of 0 ... 7, but element 1 is 9.');
  });
});
