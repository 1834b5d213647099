import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { affine } from '../../test/setup/affineFlow.js';
import type { GoldenArray } from '../../test/setup/goldenCase.js';
import { goldenCase, goldenTensor } from '../../test/setup/goldenCase.js';
import { indexedModel, replay } from '../../test/setup/indexedModel.js';
import { createRng } from '../core/rng.js';
import { diagNormal } from '../distributions/diagNormal.js';
import { flow } from '../distributions/flow.js';
import type { LatentVariableModel } from '../objectives/latentVariableModel.js';
import { elboSurgery } from './elboSurgery.js';

describe('elboSurgery', () => {
  it.each(['samples_n8_D2', 'samples_n8_D10', 'samples_n50_D2', 'samples_n50_D10'])('agrees with %s', async (name) => {
    const { inputs, expected } = goldenCase('elbo_surgery', name);
    const mean = goldenTensor(inputs.mu);
    const scale = tf.exp(tf.mul(goldenTensor(inputs.logvar), 0.5));
    const z = tf.transpose(goldenTensor(inputs.z), [1, 0, 2]);
    const { data, ...model } = indexedModel(mean, scale);
    const noise = tf.div(tf.sub(z, mean), scale);
    const report = await elboSurgery({ model, data, samples: 3, tile: 64, rng: replay(noise) });
    const number = (key: string): number => (expected[key] as GoldenArray).data[0] as number;
    expect(report.n).toBe(mean.shape[0]);
    expect(report.logN).toBeCloseTo(number('log_n'), 8);
    expect(report.averageKl).toBeCloseTo(number('average_kl'), 5);
    expect(report.mutualInformation).toBeCloseTo(number('mutual_information'), 5);
    expect(report.marginalKl).toBeCloseTo(number('marginal_kl'), 5);
    expect(report.averageKl).toBeCloseTo(report.mutualInformation + report.marginalKl, 10);
    expect(report.elbo).toBeCloseTo(report.reconstruction - report.averageKl, 10);
    expect(report.saturated).toBe(name === 'samples_n8_D10');
  });

  it('comes to the exact numbers: N = 4, mean KL 1.50105909 = I 1.10776198 + marginal KL 0.39329711', async () => {
    const mean = [-2, -0.5, 0.5, 2];
    const scale = [0.3, 0.5, 0.4, 0.6];
    // By quadrature, on a grid fine enough for eight digits.
    const density = (z: number, j: number): number =>
      Math.exp(-0.5 * ((z - (mean[j] as number)) / (scale[j] as number)) ** 2) / (scale[j] as number) / Math.sqrt(2 * Math.PI);
    let [information, marginal] = [0, 0];
    const step = 1e-3;
    for (let z = -10; z < 10; z += step) {
      const densities = mean.map((_, j) => density(z, j));
      const q = densities.reduce((a, b) => a + b, 0) / 4;
      for (const one of densities) information += one > 0 ? ((one * Math.log(one / q)) / 4) * step : 0;
      marginal += q > 0 ? q * (Math.log(q) + 0.5 * z * z + 0.5 * Math.log(2 * Math.PI)) * step : 0;
    }
    expect(information).toBeCloseTo(1.10776198, 7);
    expect(marginal).toBeCloseTo(0.39329711, 7);

    const { data, ...model } = indexedModel(tf.tensor2d(mean, [4, 1]), tf.tensor2d(scale, [4, 1]));
    const report = await elboSurgery({ model, data, samples: 20000, rng: createRng(11) });
    expect(report.averageKl).toBeCloseTo(1.50105909, 1);
    expect(Math.abs(report.mutualInformation - information)).toBeLessThan(0.01);
    expect(Math.abs(report.marginalKl - marginal)).toBeLessThan(0.015);
    expect(Math.abs(report.averageKl - report.mutualInformation - report.marginalKl)).toBeLessThan(1e-9);
    expect(report.saturated).toBe(false);
  });

  it('gives the same for a flow that is a Gaussian in disguise, with the density from its inverse', async () => {
    const mean = createRng(0).normal([20, 2]);
    const scale = tf.exp(tf.mul(createRng(1).normal([20, 2]), 0.3));
    const { data, ...gaussian } = indexedModel(mean, scale);
    // The noise goes through an affine map whose shift and log-scale are the context.
    const model: LatentVariableModel = {
      ...gaussian,
      posterior: (x) => {
        const parameters = gaussian.posterior(x).family?.parameters() as { mean: tf.Tensor; logScale: tf.Tensor };
        const context = tf.concat([parameters.mean, parameters.logScale], -1);
        const base = diagNormal({ mean: tf.zerosLike(parameters.mean), scale: 1 });
        return flow({ base, bijector: affine(2) }).given(context);
      },
    };
    const [direct, disguised] = await Promise.all(
      [gaussian, model].map((one) => elboSurgery({ model: one, data, samples: 2, tile: 6, rng: createRng(2) })),
    );
    for (const key of ['reconstruction', 'averageKl', 'mutualInformation', 'marginalKl', 'elbo'] as const) {
      expect(disguised?.[key]).toBeCloseTo(direct?.[key] as number, 4);
      expect(disguised?.standardErrors[key]).toBeCloseTo(direct?.standardErrors[key] as number, 4);
    }
  });

  it('weights the KL terms of the ELBO by beta, and no others', async () => {
    const { data, ...model } = indexedModel(createRng(3).normal([12, 2]), tf.fill([12, 2], 0.4));
    const one = await elboSurgery({ model, data, rng: createRng(4) });
    const four = await elboSurgery({ model, data, rng: createRng(4), beta: 4 });
    expect(four.elbo).toBeCloseTo(one.reconstruction - 4 * (one.mutualInformation + one.marginalKl), 8);
    expect({ ...four, elbo: 0, standardErrors: 0 }).toEqual({ ...one, elbo: 0, standardErrors: 0 });
    expect(four.standardErrors.elbo).not.toBeCloseTo(one.standardErrors.elbo, 3);
  });

  it('does not depend on the tile but for the draws', async () => {
    const { data, ...model } = indexedModel(createRng(3).normal([10, 2]), tf.fill([10, 2], 1e-4));
    const reports = await Promise.all([3, 10, 64].map((tile) => elboSurgery({ model, data, tile, rng: createRng(5) })));
    for (const report of reports) {
      // Posteriors this sharp do not overlap.
      expect(report.mutualInformation).toBeCloseTo(Math.log(10), 5);
      expect(report.mutualInformation).toBeLessThanOrEqual(report.logN + 1e-12);
      expect(report.saturated).toBe(true);
      expect(report.marginalKl).toBeCloseTo((reports[0]?.marginalKl as number) ?? 0, 0);
    }
  });

  it('finds no information where the posterior is the prior', async () => {
    const { data, ...model } = indexedModel(tf.zeros([6, 3]), tf.ones([6, 3]));
    const report = await elboSurgery({ model, data, samples: 4, rng: createRng(6) });
    expect(report.mutualInformation).toBeCloseTo(0, 5);
    expect(report.marginalKl).toBeCloseTo(0, 5);
    expect(report.standardErrors.averageKl).toBeCloseTo(0, 5);
    expect(report.saturated).toBe(false);
  });

  it('has standard errors that tell the truth', async () => {
    const { data, ...model } = indexedModel(createRng(7).normal([40, 1]), tf.fill([40, 1], 0.5));
    const report = await elboSurgery({ model, data, rng: createRng(0) });
    const repeats: number[] = [];
    for (let seed = 1; seed <= 60; seed++) {
      // A new sample of data points and of draws each time.
      const again = indexedModel(createRng(1000 + seed).normal([40, 1]), tf.fill([40, 1], 0.5));
      repeats.push((await elboSurgery({ model: again, data, rng: createRng(seed) })).averageKl);
    }
    const mean = repeats.reduce((a, b) => a + b) / repeats.length;
    const spread = Math.sqrt(repeats.reduce((total, value) => total + (value - mean) ** 2, 0) / (repeats.length - 1));
    expect(report.standardErrors.averageKl / spread).toBeGreaterThan(0.6);
    expect(report.standardErrors.averageKl / spread).toBeLessThan(1.6);
  });

  it('takes a single data point', async () => {
    const { data, ...model } = indexedModel(tf.ones([1, 2]), tf.ones([1, 2]));
    const report = await elboSurgery({ model, data, samples: 3, rng: createRng(0) });
    expect(report.mutualInformation).toBeCloseTo(0, 10);
    expect(report.saturated).toBe(true);
    expect(report.standardErrors.elbo).toBeNaN();
  });

  it('leaks nothing, done or aborted, and lets other work through', async () => {
    const mean = createRng(0).normal([30, 1]);
    const scale = tf.ones([30, 1]);
    const { data, ...model } = indexedModel(mean, scale);
    const before = tf.memory().numTensors;
    const done: number[] = [];
    await elboSurgery({ model, data, tile: 8, samples: 2, onProgress: (progress) => done.push(progress.done) });
    expect(done.at(-1)).toBe(30 * 30 * 2);
    expect(tf.memory().numTensors).toBe(before);
    const controller = new AbortController();
    const stopped = elboSurgery({ model, data, tile: 8, signal: controller.signal, onProgress: () => controller.abort() });
    await expect(stopped).rejects.toThrow(/abort/i);
    await expect(elboSurgery({ model, data, signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('rejects bad options, by name', async () => {
    const { data, ...model } = indexedModel(tf.ones([1, 2]), tf.ones([1, 2]));
    const rejects = async (options: object, message: string): Promise<void> => {
      await expect(elboSurgery({ model, data, ...options })).rejects.toThrow(message);
    };
    await rejects({ model: {} }, 'elboSurgery: options.model should be a model with prior, posterior(x) and likelihood(z)');
    await rejects({ data: tf.scalar(1) }, 'elboSurgery: options.data should be a tensor of shape [N, ...event]');
    await rejects({ data: [1] }, 'options.data should be a tensor');
    await rejects({ data: tf.zeros([0, 1]) }, 'with N of at least 1, but got a float32 tensor of shape [0, 1]');
    await rejects({ samples: 0 }, 'options.samples should be a positive integer');
    await rejects({ tile: 1.5 }, 'options.tile should be a positive integer');
    await rejects({ beta: -1 }, 'options.beta should be a finite number at least 0');
    await rejects({ betas: 1 }, "unknown option 'betas'");
  });
});
