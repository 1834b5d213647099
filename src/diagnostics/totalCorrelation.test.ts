import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import type { GoldenArray } from '../../test/setup/goldenCase.js';
import { goldenCase, goldenTensor } from '../../test/setup/goldenCase.js';
import { indexedModel, replay } from '../../test/setup/indexedModel.js';
import { createRng } from '../core/rng.js';
import { diagNormal } from '../distributions/diagNormal.js';
import { logistic } from '../distributions/logistic.js';
import { standardNormal } from '../distributions/standardNormal.js';
import type { LatentVariableModel } from '../objectives/latentVariableModel.js';
import { elboSurgery } from './elboSurgery.js';
import { totalCorrelation } from './totalCorrelation.js';

/** 200 data points, two latents that tell nearly the same and one that tells nothing. */
function redundant(): LatentVariableModel & { data: tf.Tensor } {
  const rng = createRng(7);
  const x = rng.normal([200, 1]);
  return indexedModel(
    tf.concat([tf.mul(x, 0.9), tf.mul(x, -0.7), tf.zeros([200, 1])], 1),
    tf.tile(tf.tensor2d([[0.4, 0.6, 1]]), [200, 1]),
  );
}

describe('totalCorrelation', () => {
  it.each(['samples_n8_D2', 'samples_n8_D10', 'samples_n50_D2', 'samples_n50_D10'])('agrees with %s', async (name) => {
    const { inputs, expected } = goldenCase('elbo_surgery', name);
    const scale = tf.exp(tf.mul(goldenTensor(inputs.logvar), 0.5));
    const mean = goldenTensor(inputs.mu);
    const { data, ...model } = indexedModel(mean, scale);
    const noise = tf.div(tf.sub(tf.transpose(goldenTensor(inputs.z), [1, 0, 2]), mean), scale);
    const report = await totalCorrelation({ model, data, samples: 3, rng: replay(noise) });
    const numbers = (key: string): number[] => (expected[key] as GoldenArray).data;
    expect(report.averageKl).toBeCloseTo(numbers('average_kl')[0]!, 5);
    expect(report.mutualInformation).toBeCloseTo(numbers('mutual_information')[0]!, 5);
    expect(report.marginalKl).toBeCloseTo(numbers('marginal_kl')[0]!, 5);
    expect(report.totalCorrelation).toBeCloseTo(numbers('total_correlation')[0]!, 5);
    expect(report.dimensionWiseKl).toBeCloseTo(numbers('dimension_wise_kl')[0]!, 5);
    numbers('dimension_wise_kl_per_dim').forEach((kl, d) => {
      expect(report.perDimension![d]).toBeCloseTo(kl, 5);
    });
    expect([report.n, report.logN]).toEqual([mean.shape[0], Math.log(mean.shape[0]!)]);
    expect([report.estimator, report.biased]).toEqual(['exact', false]);
  });

  it.each(['exact', 'stratified', 'weighted'] as const)('adds up, whatever the estimator: %s', async (estimator) => {
    const { data, ...model } = redundant();
    const report = await totalCorrelation({ model, data, samples: 2, estimator, batchSize: 40, rng: createRng(1) });
    expect(report.averageKl).toBeCloseTo(report.mutualInformation + report.marginalKl, 9);
    expect(report.marginalKl).toBeCloseTo(report.totalCorrelation + report.dimensionWiseKl, 9);
    expect(report.perDimension!.reduce((total, kl) => total + kl, 0)).toBeCloseTo(report.dimensionWiseKl, 5);
    expect([report.estimator, report.biased]).toEqual([estimator, estimator !== 'exact']);
  });

  it('is what surgery reports, with the same draws', async () => {
    const { data, ...model } = redundant();
    const ours = await totalCorrelation({ model, data, rng: createRng(1) });
    const { mutualInformation, marginalKl, averageKl, saturated, n, standardErrors } = await elboSurgery({
      model,
      data,
      rng: createRng(1),
    });
    expect(ours).toMatchObject({ saturated, n });
    expect(ours.mutualInformation).toBeCloseTo(mutualInformation, 10);
    expect(ours.marginalKl).toBeCloseTo(marginalKl, 10);
    expect(ours.averageKl).toBeCloseTo(averageKl, 10);
    expect(ours.standardErrors.mutualInformation).toBeCloseTo(standardErrors.mutualInformation, 10);
  });

  it('tells redundant latents, and that estimates from minibatches are biased', async () => {
    const { data, ...model } = redundant();
    const of = (estimator: 'exact' | 'stratified' | 'weighted') =>
      totalCorrelation({ model, data, samples: 20, estimator, batchSize: 20, rng: createRng(2) });
    const [exact, stratified, weighted] = [await of('exact'), await of('stratified'), await of('weighted')];
    // x ~ N(0, 1) nearly: z_0 and z_1 are nearly jointly normal, with correlation rho.
    const rho = (0.9 * 0.7) / Math.sqrt((0.81 + 0.16) * (0.49 + 0.36));
    expect(exact.totalCorrelation).toBeCloseTo(-0.5 * Math.log(1 - rho ** 2), 0);
    expect(Math.abs(exact.totalCorrelation + 0.5 * Math.log(1 - rho ** 2))).toBeLessThan(0.1);
    expect(exact.perDimension![2]).toBeCloseTo(0, 1);
    // Jensen: both are too low in log q(z), so the mutual information is too high; the weighted one by log N and more.
    const error = exact.standardErrors.mutualInformation;
    expect(weighted.mutualInformation - exact.mutualInformation).toBeGreaterThan(Math.log(200) / 2);
    expect(stratified.mutualInformation - exact.mutualInformation).toBeGreaterThan(0);
    expect(stratified.mutualInformation - exact.mutualInformation).toBeLessThan(0.3 + 3 * error);
    expect(weighted.totalCorrelation - exact.totalCorrelation).toBeGreaterThan(2);
  });

  it('takes minibatches of 64, or all data where there are fewer, each data point once', async () => {
    const seen: number[] = [];
    const { data, posterior, ...rest } = redundant();
    const model: LatentVariableModel = {
      ...rest,
      posterior: (x) => {
        seen.push(x.shape[0]!);
        return posterior(x);
      },
    };
    await totalCorrelation({ model, data, estimator: 'weighted', rng: createRng(1) });
    // First a single one, to see whether the data fit.
    expect(seen).toEqual([1, 64, 64, 64, 8]);
    seen.length = 0;
    await totalCorrelation({ model, data: tf.slice(data, 0, 5), estimator: 'stratified' });
    await totalCorrelation({ model, data: tf.slice(data, 0, 5), estimator: 'stratified', batchSize: 2 });
    expect(seen).toEqual([1, 5, 1, 2, 2]);
  });

  it('tells no KL of single latents under a prior that is not normal', async () => {
    const { data, ...model } = redundant();
    const prior = logistic({ location: 0, scale: 1, eventShape: [3] });
    const report = await totalCorrelation({ model: { ...model, prior }, data });
    expect(report.perDimension).toBeUndefined();
    expect(report.marginalKl).toBeCloseTo(report.totalCorrelation + report.dimensionWiseKl, 9);
  });

  it('tells how far it is, can be aborted, and leaks nothing', async () => {
    const { data, ...model } = redundant();
    const few = tf.slice(data, 0, 4);
    const before = tf.memory().numTensors;
    for (const [estimator, expected] of [
      ['exact', [16, 32, 48, 64]],
      ['stratified', [4, 8]],
    ] as const) {
      const seen: number[] = [];
      const onProgress = ({ done, total }: { done: number; total: number }): void => {
        expect(total).toBe(expected.at(-1));
        seen.push(done);
      };
      await totalCorrelation({ model, data: few, estimator, batchSize: 2, onProgress });
      expect(seen).toEqual(expected);
      const controller = new AbortController();
      controller.abort(new Error('enough'));
      await expect(totalCorrelation({ model, data: few, estimator, signal: controller.signal })).rejects.toThrow('enough');
    }
    expect(tf.memory().numTensors).toBe(before);
  });

  const anonymous: LatentVariableModel = {
    prior: standardNormal({ eventShape: [1] }),
    posterior: (x) => logistic({ location: x, scale: 1 }),
    likelihood: (z) => diagNormal({ mean: z, scale: 1 }),
  };

  it.each([
    [{ model: 1 }, 'options.model should be'],
    [{ data: 1 }, 'options.data should be'],
    [{ samples: 0 }, 'options.samples should be'],
    [{ tile: 0 }, 'options.tile should be'],
    [{ estimator: 'mss' }, "options.estimator should be 'exact' or 'stratified' or 'weighted'"],
    [{ estimator: 'stratified', batchSize: 1 }, 'options.batchSize should be'],
    [{ batchSize: 0 }, 'options.batchSize should be'],
    [{ batchSize: 201 }, 'options.batchSize should be at most the 200 data points'],
    [{ model: anonymous }, 'options.model.posterior should be one of independent normals'],
    [{ model: anonymous, estimator: 'weighted' }, 'options.model.posterior should be one of independent normals'],
    [{ seed: 1 }, "unknown option 'seed'"],
  ])('refuses %#', async (wrong, message) => {
    const { data, ...model } = redundant();
    await expect(totalCorrelation({ model, data, ...wrong } as never)).rejects.toThrow(`totalCorrelation: ${message}`);
  });
});
