// Bounds, their gradient estimators and the priors that learn give on every backend what they give on the CPU.
import * as tf from '@tensorflow/tfjs';
import type { Objective, Rng, Vae } from 'tfjs-flows';
import {
  betaElbo,
  betaTcVae,
  constrainedElbo,
  createRng,
  diagNormal,
  dipVae,
  elbo,
  estimateLogLikelihood,
  factorVae,
  freeBits,
  iaf,
  iwae,
  maf,
  mlp,
  reverseKl,
  vae,
  vampPrior,
} from 'tfjs-flows';
import { randomizeParameters } from 'tfjs-flows/testing';
import { expect, it } from 'vitest';
import { backendName, ready } from '../setup/backend.js';

/** The same on the CPU and on the project's backend. */
async function onBoth(run: () => Promise<number[]>): Promise<void> {
  await ready();
  const before = tf.memory().numTensors;
  const here = await run();
  expect(tf.memory().numTensors).toBe(before);
  await tf.setBackend('cpu');
  try {
    const expected = await run();
    expect(here).toHaveLength(expected.length);
    here.forEach((value, i) => {
      expect(Math.abs(value - (expected[i] as number))).toBeLessThan(5e-4 * (1 + Math.abs(expected[i] as number)));
    });
  } finally {
    await tf.setBackend(backendName);
  }
}

const read = async (t: tf.Tensor): Promise<number[]> => {
  const values = [...(await t.data())];
  t.dispose();
  return values;
};

/** A value and the gradient's norm in every variable. */
async function slopes(value: () => tf.Tensor, variables: tf.Variable[]): Promise<number[]> {
  const { value: total, grads } = tf.variableGrads(() => tf.sum(value()) as tf.Scalar, variables);
  const norms = variables.map(({ name }) => tf.tidy(() => tf.norm(grads[name] as tf.Tensor)));
  tf.dispose(grads);
  return (await Promise.all([total, ...norms].map(read))).flat();
}

const model = (rng: Rng, posterior: 'gaussian' | 'flow'): Vae => {
  const made = vae({
    encoder: mlp({ inputDim: 4, hidden: [4], outputDim: posterior === 'flow' ? 6 : 4, rng }),
    decoder: mlp({ inputDim: 2, hidden: [4], outputDim: 4, rng }),
    ...(posterior === 'flow' ? { posteriorFlow: iaf({ dim: 2, contextDim: 2, hidden: [4], rng }) } : {}),
  });
  randomizeParameters(made, { rng, scale: 0.5 });
  return made;
};

it.each([
  ['elbo, sticking the landing', 'flow', (m: Vae) => elbo({ model: m, gradient: 'stickingTheLanding' })],
  ['elbo, path', 'flow', (m: Vae) => elbo({ model: m, samples: 2, gradient: 'path' })],
  ['iwae, doubly reparameterised', 'flow', (m: Vae) => iwae({ model: m, samples: 3, gradient: 'doublyReparameterised' })],
  ['betaElbo with a capacity', 'gaussian', (m: Vae) => betaElbo({ model: m, beta: 3, capacity: 0.5 })],
  ['betaTcVae', 'gaussian', (m: Vae) => betaTcVae({ model: m, samples: 2, dataCount: 9, alpha: 0.5, beta: 4 })],
  ['dipVae', 'gaussian', (m: Vae) => dipVae({ model: m, variant: 'II', lambdaOd: 3, lambdaD: 2 })],
  ['freeBits', 'gaussian', (m: Vae) => freeBits({ model: m, nats: 0.2, groups: [[1], [0]] })],
] as const)('%s', async (_, posterior, make) => {
  await onBoth(async () => {
    const made = model(createRng(3), posterior);
    const objective: Objective = make(made);
    const x = createRng(4).uniform([3, 4]);
    const found = await slopes(() => objective(x, { rng: createRng(5) }), Object.values(made.parameters));
    x.dispose();
    made.dispose();
    return found;
  });
});

it('factorVae and its discriminator', async () => {
  await onBoth(async () => {
    const made = model(createRng(3), 'gaussian');
    const discriminator = mlp({ inputDim: 2, hidden: [4], outputDim: 1, activation: 'leakyRelu', rng: createRng(6) });
    const objective = factorVae({ model: made, discriminator, gamma: 3 });
    const x = createRng(4).uniform([5, 4]);
    const found = [
      ...(await slopes(() => objective(x, { rng: createRng(5) }), Object.values(made.parameters))),
      ...(await slopes(() => objective.discriminatorLoss(x, { rng: createRng(5) }), Object.values(discriminator.parameters))),
    ];
    x.dispose();
    discriminator.dispose();
    made.dispose();
    return found;
  });
});

it('constrainedElbo moves its multiplier', async () => {
  await onBoth(async () => {
    const made = model(createRng(3), 'gaussian');
    const objective = constrainedElbo({ model: made, epsilon: 0.1, rate: 0.5 });
    const x = createRng(4).uniform([3, 4]);
    const found: number[] = [];
    for (let step = 0; step < 3; step++) {
      found.push(...(await read(objective(x, { rng: createRng(5), training: true }))));
    }
    found.push(...(await objective.buffers.logMultiplier!.data()));
    tf.dispose(x);
    objective.dispose();
    made.dispose();
    return found;
  });
});

it('reverseKl', async () => {
  await onBoth(async () => {
    const distribution = diagNormal({ eventShape: [3], trainable: true, mean: 0.4, logScale: -0.2 });
    const energy = (x: tf.Tensor): tf.Tensor => tf.sum(tf.square(tf.sub(x, 1)), -1);
    const objective = reverseKl({ distribution, energy, samples: 4, gradient: 'path' });
    const found = await slopes(() => objective({ rng: createRng(1) }), Object.values(distribution.parameters));
    distribution.dispose();
    return found;
  });
});

it('a flow in prior or posterior, a VampPrior, and the log-likelihood under them', async () => {
  await onBoth(async () => {
    const found: number[] = [];
    for (const kind of ['prior', 'posterior', 'vamp'] as const) {
      const rng = createRng(7);
      const start = rng.uniform([3, 4]);
      const parts = {
        encoder: mlp({ inputDim: 4, hidden: [4], outputDim: 4, rng }),
        decoder: mlp({ inputDim: 2, hidden: [4], outputDim: 4, rng }),
      };
      const made: Vae =
        kind === 'vamp'
          ? vae({
              ...parts,
              prior: vampPrior({ posterior: (u, call) => made.posterior(u, call), pseudoInputs: start, eventShape: [2] }),
            })
          : vae({ ...parts, latentFlow: maf({ dim: 2, hidden: [4], rng }), flowIn: kind });
      randomizeParameters(made, { rng, scale: 0.5 });
      const x = createRng(4).uniform([3, 4]);
      const objective = elbo({ model: made, samples: 2 });
      found.push(...(await slopes(() => objective(x, { rng: createRng(5) }), Object.values(made.parameters))));
      const report = await estimateLogLikelihood({ model: made, data: x, samples: 5, chunk: 2, tile: 2, rng: createRng(6) });
      found.push(report.logLikelihood, report.standardError);
      found.push(...(await read(made.sample({ shape: [2], rng: createRng(8) }))));
      tf.dispose([x, start]);
      made.dispose();
    }
    return found;
  });
});
