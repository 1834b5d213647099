import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { createRng } from '../core/rng.js';
import { diagNormal } from '../distributions/diagNormal.js';
import { logistic } from '../distributions/logistic.js';
import { standardNormal } from '../distributions/standardNormal.js';
import type { LatentVariableModel } from '../objectives/latentVariableModel.js';
import { activeUnits } from './activeUnits.js';

/** Row n of a table is the posterior mean of data point n. */
const MEANS = [
  [0.5, 3, -1],
  [1.5, 3.05, 0.5],
  [-0.25, 2.95, 4],
  [2, 3, -2],
];
const SCALES = [0.3, 1, 0.7];

const model = (hideMean = false): LatentVariableModel => ({
  prior: standardNormal({ eventShape: [3] }),
  posterior: (x) => {
    const whole = diagNormal({ mean: x, scale: tf.mul(tf.onesLike(x), SCALES) });
    const { mean: _, family: __, klTo: ___, ...rest } = whole;
    return hideMean ? rest : whole;
  },
  likelihood: (z) => diagNormal({ mean: z, scale: 1 }),
});

const column = (d: number): number[] => MEANS.map((row) => row[d]!);
const average = (values: number[]): number => values.reduce((total, value) => total + value, 0) / values.length;
const variance = (values: number[]): number =>
  values.reduce((total, value) => total + (value - average(values)) ** 2, 0) / (values.length - 1);

const data = tf.tensor2d(MEANS);

describe('activeUnits', () => {
  it.each([{}, { tile: 1 }, { tile: 3 }])('is the variance of the posterior means, and their KL: %j', async (options) => {
    const report = await activeUnits({ model: model(), data, ...options });
    for (const d of [0, 1, 2]) {
      expect(report.variances[d]).toBeCloseTo(variance(column(d)), 6);
      const kl = column(d).map((mean) => (mean ** 2 + SCALES[d]! ** 2 - 1) / 2 - Math.log(SCALES[d]!));
      expect(report.kl![d]).toBeCloseTo(average(kl), 5);
    }
    expect([report.count, report.active]).toEqual([2, [true, false, true]]);
  });

  it('takes the threshold: strictly above it is active', async () => {
    expect((await activeUnits({ model: model(), data, threshold: 0.001 })).count).toBe(3);
    expect((await activeUnits({ model: model(), data, threshold: 5 })).active).toEqual([false, false, true]);
    const still = { model: model(), data: tf.zeros([3, 3]), threshold: 0 };
    expect((await activeUnits(still)).count).toBe(0);
  });

  it('estimates the means of a posterior that does not tell them, without the noise of the draws', async () => {
    const reports = await Promise.all(
      Array.from({ length: 60 }, (_, seed) => activeUnits({ model: model(true), data, samples: 4, rng: createRng(seed) })),
    );
    for (const d of [0, 1, 2]) {
      const found = reports.map((report) => report.variances[d]!);
      const error = Math.sqrt(variance(found) / found.length);
      // With the noise left in, latent 1 would have a variance of 1 / 4 more.
      expect(Math.abs(average(found) - variance(column(d)))).toBeLessThan(4 * error);
      expect(error).toBeLessThan(0.2);
    }
    expect(reports[0]!.kl).toBeUndefined();
  });

  it('draws 64 times unless told otherwise', async () => {
    const rng = createRng(3);
    const [ours, named] = [
      await activeUnits({ model: model(true), data, rng: createRng(3) }),
      await activeUnits({ model: model(true), data, rng, samples: 64 }),
    ];
    expect(ours).toEqual(named);
  });

  it('tells no KL under a prior that is not normal, and takes events of any rank', async () => {
    const other = { ...model(), prior: logistic({ location: 0, scale: 1, eventShape: [3] }) };
    expect((await activeUnits({ model: other, data })).kl).toBeUndefined();
    const square: LatentVariableModel = {
      prior: standardNormal({ eventShape: [3, 1] }),
      posterior: (x) => diagNormal({ mean: tf.expandDims(x, 2), scale: tf.ones([x.shape[0]!, 3, 1]), eventRank: 2 }),
      likelihood: (z) => diagNormal({ mean: tf.squeeze(z, [3]), scale: 1 }),
    };
    const { variances, kl } = await activeUnits({ model: square, data });
    expect(variances[2]).toBeCloseTo(variance(column(2)), 5);
    expect(kl![2]).toBeCloseTo(average(column(2).map((mean) => mean ** 2 / 2)), 5);
  });

  it('tells how far it is, can be aborted, and leaks nothing', async () => {
    const before = tf.memory().numTensors;
    const seen: number[] = [];
    await activeUnits({ model: model(true), data, tile: 3, onProgress: ({ done, total }) => seen.push(done, total) });
    expect(seen).toEqual([3, 4, 4, 4]);
    const controller = new AbortController();
    controller.abort(new Error('enough'));
    await expect(activeUnits({ model: model(), data, signal: controller.signal })).rejects.toThrow('enough');
    expect(tf.memory().numTensors).toBe(before);
  });

  it('rejects NaN', async () => {
    const broken = tf.tensor2d([
      [0, 1, 2],
      [3, Number.NaN, 5],
    ]);
    await expect(activeUnits({ model: model(), data: broken })).rejects.toThrow(
      'activeUnits: the posterior mean of latent 1 is NaN',
    );
  });

  it.each([
    [{ model: 1 }, 'options.model should be'],
    [{ data: tf.zeros([1, 3]) }, 'options.data should be a tensor of shape [N, ...event] with N of at least 2'],
    [{ data: tf.scalar(1) }, 'options.data should be'],
    [{ threshold: -1 }, 'options.threshold should be'],
    [{ samples: 1 }, 'options.samples should be'],
    [{ tile: 0 }, 'options.tile should be'],
    [{ seed: 1 }, "unknown option 'seed'"],
  ])('refuses %#', async (wrong, message) => {
    await expect(activeUnits({ model: model(), data, ...wrong } as never)).rejects.toThrow(`activeUnits: ${message}`);
  });
});
