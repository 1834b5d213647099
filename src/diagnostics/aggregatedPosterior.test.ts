import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { goldenCase, goldenError, goldenTensor } from '../../test/setup/goldenCase.js';
import type { Distribution } from '../core/distribution.js';
import { createRng } from '../core/rng.js';
import { diagNormal } from '../distributions/diagNormal.js';
import { aggregatedPosteriorLogProb } from './aggregatedPosterior.js';

type Posterior = (start: number, end: number) => Distribution;

const rows =
  (mean: tf.Tensor, logScale: tf.Tensor): Posterior =>
  (start, end) =>
    diagNormal({ mean: tf.slice(mean, start, end - start), logScale: tf.slice(logScale, start, end - start) });

/** The same without its family: what a flow is to the diagnostic. */
const anonymous =
  (posterior: Posterior): Posterior =>
  (start, end) => {
    const { family: _, klTo: __, ...rest } = posterior(start, end);
    return rest;
  };

/** log 1/N sum_j N(z | mean_j, exp(2 logScale_j)) in float64, by the book. */
function byTheBook(z: number[][], mean: number[][], logScale: number[][]): number[] {
  return z.map((point) => {
    const densities = mean.map((centre, j) =>
      point.reduce((product, value, d) => {
        const log = (logScale[j] as number[])[d] as number;
        const t = (value - (centre[d] as number)) / Math.exp(log);
        return (product * Math.exp(-0.5 * t * t)) / Math.exp(log) / Math.sqrt(2 * Math.PI);
      }, 1),
    );
    return Math.log(densities.reduce((total, value) => total + value, 0) / mean.length);
  });
}

describe('aggregatedPosteriorLogProb', () => {
  it.each(['samples_n8_D2', 'samples_n8_D10', 'samples_n50_D2', 'samples_n50_D10'])(
    'agrees with %s, on host and device',
    async (name) => {
      const { inputs, expected } = goldenCase('elbo_surgery', name);
      const mean = goldenTensor(inputs.mu);
      const posterior = rows(mean, tf.mul(goldenTensor(inputs.logvar), 0.5));
      const [count, dim] = mean.shape as [number, number];
      const z = tf.reshape(goldenTensor(inputs.z), [-1, dim]);
      for (const form of [posterior, anonymous(posterior)]) {
        for (const tile of [1000, 7]) {
          const found = await aggregatedPosteriorLogProb({ posterior: form, count, z, tile });
          expect(goldenError(tf.tensor(Float32Array.from(found), [count, 3]), expected.log_q_z)).toBeLessThan(1e-5);
        }
      }
    },
  );

  it('keeps sharp and far posteriors exact', async () => {
    const mean = [
      [0, 0],
      [30, -30],
      [30.01, -30],
      [5, 5],
    ];
    const logScale = [
      [-6, -6],
      [-5, -5],
      [-5, -5],
      [2, 2],
    ];
    const z = [
      [0.001, 0],
      [30.004, -30],
      [12, -7],
    ];
    const options = { count: 4, z: tf.tensor2d(z) };
    const expected = byTheBook(z, mean, logScale);
    const posterior = rows(tf.tensor2d(mean), tf.tensor2d(logScale));
    const host = await aggregatedPosteriorLogProb({ ...options, posterior });
    const device = await aggregatedPosteriorLogProb({ ...options, posterior: anonymous(posterior) });
    for (const [m, value] of expected.entries()) {
      expect(host[m]).toBeCloseTo(value, 3); // float32 inputs near 30, scale 1 / 150
      expect(device[m]).toBeCloseTo(value, 3);
    }
  });

  it('is -Infinity where no posterior reaches', async () => {
    const nowhere = (start: number, end: number): Distribution => ({
      ...diagNormal({ mean: tf.zeros([end - start, 1]), scale: 1 }),
      logProb: (z) => tf.fill(z.shape.slice(0, -1), Number.NEGATIVE_INFINITY),
    });
    const found = await aggregatedPosteriorLogProb({ posterior: anonymous(nowhere), count: 2, z: tf.zeros([1, 1]) });
    expect(found[0]).toBe(Number.NEGATIVE_INFINITY);
  });

  it('takes the density of a pair that is known', async () => {
    const posterior = rows(tf.tensor2d([[0], [1]]), tf.zeros([2, 1]));
    const half = (log: number): number => Math.log(0.5 * (Math.exp(log) + Math.exp(-0.5) / Math.sqrt(2 * Math.PI)));
    for (const form of [posterior, anonymous(posterior)]) {
      const own = { index: () => 0, logProb: [3] };
      const found = await aggregatedPosteriorLogProb({ posterior: form, count: 2, z: tf.zeros([1, 1]), own });
      expect(found[0]).toBeCloseTo(half(3), 6);
    }
  });

  it('takes events of any rank', async () => {
    const mean = createRng(0).normal([3, 2, 2]);
    const z = createRng(1).normal([4, 2, 2]);
    const shaped = (start: number, end: number): Distribution =>
      diagNormal({ mean: tf.slice(mean, start, end - start), scale: 1, eventRank: 2 });
    const flat = rows(tf.reshape(mean, [3, 4]), tf.zeros([3, 4]));
    const expected = await aggregatedPosteriorLogProb({ posterior: flat, count: 3, z: tf.reshape(z, [4, 4]) });
    for (const posterior of [shaped, anonymous(shaped)]) {
      const found = await aggregatedPosteriorLogProb({ posterior, count: 3, z });
      found.forEach((value, m) => {
        expect(value).toBeCloseTo(expected[m] as number, 5);
      });
    }
  });

  it('tells how far it is, can be aborted, and leaks nothing', async () => {
    const mean = tf.zeros([5, 1]);
    const scale = tf.ones([5, 1]);
    const fixed = (): Distribution => diagNormal({ mean, scale });
    const z = tf.zeros([3, 1]);
    for (const posterior of [fixed, anonymous(fixed)]) {
      const before = tf.memory().numTensors;
      const seen: number[] = [];
      const total = 15;
      await aggregatedPosteriorLogProb({
        posterior,
        count: 5,
        z,
        onProgress: (progress) => {
          expect(progress.total).toBe(total);
          seen.push(progress.done);
        },
      });
      expect(seen).toEqual([total]);
      const controller = new AbortController();
      controller.abort(new Error('enough'));
      await expect(aggregatedPosteriorLogProb({ posterior, count: 5, z, signal: controller.signal })).rejects.toThrow('enough');
      expect(tf.memory().numTensors).toBe(before);
    }
  });

  it('rejects a NaN density and bad options, by name', async () => {
    const posterior = rows(tf.tensor2d([[Number.NaN]]), tf.zeros([1, 1]));
    const options = { count: 1, z: tf.zeros([1, 1]), posterior };
    const message = 'aggregatedPosteriorLogProb: the density of sample 0 under a posterior is NaN.';
    await expect(aggregatedPosteriorLogProb(options)).rejects.toThrow(message);
    await expect(aggregatedPosteriorLogProb({ ...options, posterior: anonymous(posterior) })).rejects.toThrow(message);
    await expect(aggregatedPosteriorLogProb({ ...options, count: 0 })).rejects.toThrow(
      'options.count should be a positive integer',
    );
    await expect(aggregatedPosteriorLogProb({ ...options, tile: 0 })).rejects.toThrow(
      'options.tile should be a positive integer',
    );
    await expect(aggregatedPosteriorLogProb({ ...options, z: 1 as never })).rejects.toThrow(
      'options.z should be a float32 tensor',
    );
    await expect(aggregatedPosteriorLogProb({ ...options, seed: 1 } as never)).rejects.toThrow("unknown option 'seed'");
  });
});
