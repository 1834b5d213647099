// reconstruction - beta (mutual information + marginal KL) is the objective on the same draws, whatever q and p are.
import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { scaleShift } from '../bijectors/scaleShift.js';
import { mlp } from '../conditioners/mlp.js';
import type { Distribution } from '../core/distribution.js';
import type { Rng } from '../core/rng.js';
import { createRng } from '../core/rng.js';
import { diagNormal } from '../distributions/diagNormal.js';
import { flow } from '../distributions/flow.js';
import { fullNormal } from '../distributions/fullNormal.js';
import { mixture } from '../distributions/mixture.js';
import { standardNormal } from '../distributions/standardNormal.js';
import { vampPrior } from '../distributions/vampPrior.js';
import { iafPosterior } from '../models/iafPosterior.js';
import { mafFlow } from '../models/mafFlow.js';
import { planarFlow } from '../models/planarFlow.js';
import { betaElbo } from '../objectives/betaElbo.js';
import type { LatentVariableModel } from '../objectives/latentVariableModel.js';
import type { VaeOptions } from '../objectives/vae.js';
import { vae } from '../objectives/vae.js';
import { randomizeParameters } from '../testing/randomizeParameters.js';
import { elboSurgery } from './elboSurgery.js';

const N = 12;
const DIM = 4;

/** A perceptron VAE over probabilities, with parameters that are nowhere near their initial values. */
function trained(rng: Rng, posterior: 'gaussian' | 'planar' | 'iaf', prior?: VaeOptions['prior']): LatentVariableModel {
  const flows = {
    gaussian: () => undefined,
    planar: () => planarFlow({ dim: 2, steps: 2, contextDim: 2, rng }),
    iaf: () => iafPosterior({ dim: 2, steps: 2, contextDim: 2, hidden: [4], rng }),
  };
  const posteriorFlow = flows[posterior]();
  const model = vae({
    encoder: mlp({ inputDim: DIM, hidden: [5], outputDim: posteriorFlow === undefined ? 4 : 6, rng }),
    decoder: mlp({ inputDim: 2, hidden: [5], outputDim: DIM, rng }),
    ...(prior === undefined ? {} : { prior }),
    ...(posteriorFlow === undefined ? {} : { posteriorFlow }),
  });
  randomizeParameters(model, { rng, scale: 0.7 });
  return model;
}

const flowPrior = (rng: Rng): Distribution =>
  flow({ base: standardNormal({ eventShape: [2] }), bijector: mafFlow({ dim: 2, layers: 2, hidden: [4], rng }) });
const mixturePrior = (): Distribution =>
  mixture({
    components: diagNormal({
      mean: tf.tensor2d([
        [-1, 0.5],
        [1.2, -0.3],
      ]),
      scale: tf.tensor2d([
        [0.6, 1.1],
        [0.9, 0.4],
      ]),
    }),
    logits: tf.tensor1d([0.3, -0.4]),
  });
const pseudoInputs = (rng: Rng): Distribution => {
  const encoder = trained(rng, 'gaussian');
  return vampPrior({ posterior: (u) => encoder.posterior(u), pseudoInputs: rng.uniform([3, DIM]), eventShape: [2] });
};
/** Codes [2, 1]: what is said of vectors holds of any event. */
const matrices = (rng: Rng): LatentVariableModel => {
  const lift = (z: tf.Tensor): tf.Tensor => tf.reshape(z, [...z.shape.slice(0, -2), 2]);
  const [encoder, decoder] = [
    mlp({ inputDim: DIM, hidden: [5], outputDim: 2, rng }),
    mlp({ inputDim: 2, hidden: [5], outputDim: DIM, rng }),
  ];
  return {
    prior: diagNormal({ mean: 0.2, scale: 1.3, eventShape: [2, 1] }),
    posterior: (x) =>
      diagNormal({ mean: tf.reshape(encoder.apply(x), [...x.shape.slice(0, -1), 2, 1]), scale: 0.6, eventRank: 2 }),
    likelihood: (z) => diagNormal({ mean: decoder.apply(lift(z)), scale: 0.7 }),
  };
};
/** A rank-2 flow: the density of every pair comes from the inverse. */
const matrixFlow = (rng: Rng): LatentVariableModel => {
  const plain = matrices(rng);
  const bijector = scaleShift({ scale: tf.tensor2d([[1.4], [0.6]]), shift: tf.tensor2d([[0.3], [-0.8]]) });
  return { ...plain, posterior: (x) => flow({ base: plain.posterior(x), bijector }) };
};

it.each<[string, (rng: Rng) => LatentVariableModel, number, number]>([
  ['Gaussian posterior, normal prior', (rng) => trained(rng, 'gaussian'), 1, 1],
  ['Gaussian posterior, flow prior', (rng) => trained(rng, 'gaussian', flowPrior(rng)), 3, 4],
  ['Gaussian posterior, mixture prior', (rng) => trained(rng, 'gaussian', mixturePrior()), 2, 0.5],
  ['Gaussian posterior, vampPrior', (rng) => trained(rng, 'gaussian', pseudoInputs(rng)), 2, 1],
  [
    'Gaussian posterior, full normal prior',
    (rng) =>
      trained(
        rng,
        'gaussian',
        fullNormal({
          mean: tf.tensor1d([0.3, -0.2]),
          scaleTril: tf.tensor2d([
            [0.8, 0],
            [0.5, 1.2],
          ]),
        }),
      ),
    2,
    2,
  ],
  ['planar posterior, normal prior', (rng) => trained(rng, 'planar'), 2, 3],
  ['planar posterior, mixture prior', (rng) => trained(rng, 'planar', mixturePrior()), 1, 0],
  ['inverse autoregressive posterior, normal prior', (rng) => trained(rng, 'iaf'), 3, 0.25],
  ['inverse autoregressive posterior, flow prior', (rng) => trained(rng, 'iaf', flowPrior(rng)), 2, 4],
  ['inverse autoregressive posterior, vampPrior', (rng) => trained(rng, 'iaf', pseudoInputs(rng)), 1, 1],
  ['Gaussian posterior over matrices', matrices, 3, 2],
  ['flow posterior over matrices', matrixFlow, 2, 4],
])('the parts add up to the objective: %s', async (_, make, samples, beta) => {
  const model = make(createRng(7));
  const data = createRng(8).uniform([N, DIM]);
  // One tile, so that the report takes its draws as the objective does.
  const report = await elboSurgery({ model, data, samples, beta, tile: N, rng: createRng(9) });
  const objective = betaElbo({ model, samples, beta, kl: 'monteCarlo' });
  const { value, reconstruction, kl } = objective.terms(data, { rng: createRng(9) });
  const mean = (t: tf.Tensor): number => tf.mean(t).dataSync()[0]!;
  expect(Math.abs(report.reconstruction - beta * (report.mutualInformation + report.marginalKl) - mean(value))).toBeLessThan(
    1e-4,
  );
  expect(Math.abs(report.elbo - mean(value))).toBeLessThan(1e-4);
  expect(Math.abs(report.reconstruction - mean(reconstruction))).toBeLessThan(1e-4);
  expect(Math.abs(report.mutualInformation + report.marginalKl - mean(kl))).toBeLessThan(1e-4);
  // There is something to add up.
  expect(Math.abs(report.mutualInformation)).toBeGreaterThan(0.02);
  expect(Math.abs(report.marginalKl)).toBeGreaterThan(0.02);
  expect(report.mutualInformation).toBeLessThan(Math.log(N) + 3 * report.standardErrors.mutualInformation);
});
