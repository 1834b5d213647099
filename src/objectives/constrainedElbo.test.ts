import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import type { Module } from '../core/module.js';
import { defineModule, parameter } from '../core/module.js';
import { createRng } from '../core/rng.js';
import { diagNormal } from '../distributions/diagNormal.js';
import { standardNormal } from '../distributions/standardNormal.js';
import { adam } from '../training/adam.js';
import type { CheckpointStore } from '../training/checkpoint.js';
import { fit } from '../training/fit.js';
import { constrainedElbo } from './constrainedElbo.js';
import { elbo } from './elbo.js';
import type { LatentVariableModel } from './latentVariableModel.js';

const number = (t: tf.Tensor | undefined): number => (t as tf.Tensor).dataSync()[0] as number;

/** q = N(m, s^2) of own parameters, whatever x; p(x | z) = N(w z, 1). */
function model(w = 1.5): LatentVariableModel & Module {
  const mean = parameter(() => tf.tensor1d([1.4]));
  const logScale = parameter(() => tf.tensor1d([-0.3]));
  return {
    ...defineModule({ parameters: { mean, logScale } }),
    prior: standardNormal({ eventShape: [1] }),
    posterior: (x) => diagNormal({ mean: tf.add(tf.zerosLike(x), mean), logScale: tf.add(tf.zerosLike(x), logScale) }),
    likelihood: (z) => diagNormal({ mean: tf.mul(z, w), scale: tf.onesLike(z) }),
  };
}
const x = tf.tensor2d([[2], [1]]);
const kl = 0.5 * (1.4 ** 2 + Math.exp(-0.6) - 1) + 0.3;

describe('constrainedElbo', () => {
  it('is the Lagrangian, with the terms of the ELBO', () => {
    const objective = constrainedElbo({ model: model(), epsilon: 0.7, multiplier: 2.5 });
    const { value, reconstruction, kl: found } = objective.terms(x, { rng: createRng(1) });
    const plain = elbo({ model: model() }).terms(x, { rng: createRng(1) });
    for (const i of [0, 1]) {
      expect(found.dataSync()[i]).toBeCloseTo(kl, 5);
      expect(reconstruction.dataSync()[i]).toBe(plain.reconstruction.dataSync()[i]);
      expect(value.dataSync()[i]).toBeCloseTo(reconstruction.dataSync()[i]! - 2.5 * (kl - 0.7), 5);
    }
    const first = constrainedElbo({ model: model(), epsilon: 0 });
    expect(number(first(x, { rng: createRng(1) }))).toBeCloseTo(number(plain.value), 5);
  });

  it('has the gradient of a beta-ELBO with that multiplier, which has none itself', () => {
    const own = model();
    const objective = constrainedElbo({ model: own, epsilon: 0.7, multiplier: 2.5 });
    const { mean } = own.parameters as { mean: tf.Variable };
    const { grads } = tf.variableGrads(() => {
      const { value, reconstruction } = objective.terms(x, { rng: createRng(1), training: true });
      return tf.mean(tf.sub(value, reconstruction)) as tf.Scalar;
    }, [mean]);
    expect(number(grads[mean.name])).toBeCloseTo(-2.5 * 1.4, 5);
  });

  it('moves the multiplier after a call in training, by the running average of the excess', () => {
    const objective = constrainedElbo({ model: model(), epsilon: kl - 0.2, rate: 0.5, momentum: 0.6 });
    const state = (): number[] => ['logMultiplier', 'excess', 'steps'].map((name) => number(objective.buffers[name]));
    objective(x);
    objective(x, { training: true, frozen: true });
    expect(state()).toEqual([0, 0, 0]);
    const { value, reconstruction } = objective.terms(x, { training: true });
    expect(number(value)).toBeCloseTo(number(reconstruction) - 0.2, 5);
    // The average so far, then one with the given momentum: always 0.2, as the model stays.
    [0.1, 0.2, 0.3, 0.4].forEach((log, i) => {
      expect(state()[0]).toBeCloseTo(log, 5);
      expect(state()[1]).toBeCloseTo(0.2, 5);
      expect(state()[2]).toBe(i + 1);
      objective(x, { training: true });
    });
    const next = objective.terms(x);
    expect(number(next.value)).toBeCloseTo(number(next.reconstruction) - 0.2 * Math.exp(0.5), 5);
  });

  it('averages first all steps, then with momentum', () => {
    const own = model();
    const { mean } = own.parameters as { mean: tf.Variable };
    const objective = constrainedElbo({ model: own, epsilon: 0.1, momentum: 0.6 });
    let average = 0;
    [0.4, 1, 2, 0.5].forEach((m, i) => {
      mean.assign(tf.tensor1d([m]));
      objective(x, { training: true });
      const excess = 0.5 * (m ** 2 + Math.exp(-0.6) - 1) + 0.3 - 0.1;
      average += Math.max(1 / (i + 1), 0.4) * (excess - average);
      expect(number(objective.buffers.excess)).toBeCloseTo(average, 5);
    });
  });

  it('has a rate of 0.01 and a momentum of 0.9, and keeps the multiplier in bounds', () => {
    const own = model();
    const { mean } = own.parameters as { mean: tf.Variable };
    const objective = constrainedElbo({ model: own, epsilon: kl - 1 });
    for (let step = 0; step < 20; step++) objective(x, { training: true });
    expect(number(objective.buffers.logMultiplier)).toBeCloseTo(0.2, 5);
    mean.assign(tf.tensor1d([0]));
    objective(x, { training: true });
    expect(number(objective.buffers.excess)).toBeCloseTo(1 - 0.1 * 0.98, 5);
    for (const [epsilon, bound] of [
      [0, 14],
      [1e4, -14],
    ] as const) {
      const wild = constrainedElbo({ model: own, epsilon, rate: 1e5 });
      wild(x, { training: true });
      expect(number(wild.buffers.logMultiplier)).toBe(bound);
    }
  });

  it('finds the constrained optimum, and the multiplier that belongs to it', async () => {
    const own = model();
    const objective = constrainedElbo({ model: own, epsilon: 0.5, rate: 0.02, samples: 16, momentum: 0.5 });
    await fit({
      model: defineModule({ parts: { model: own, objective } }),
      data: tf.tensor2d([[2]]),
      steps: 900,
      rng: createRng(0),
      optimizer: adam({ learningRate: 0.02 }),
      schedule: (step) => 0.02 * Math.min(1, 100 / step),
      loss: (batch, call) => tf.neg(objective(batch, call)),
    });
    // Stationary: m = w x / (w^2 + lambda), s^2 = lambda / (w^2 + lambda); the lambda with KL = epsilon by bisection.
    const at = (lambda: number): { m: number; s: number; kl: number } => {
      const [m, s] = [3 / (2.25 + lambda), Math.sqrt(lambda / (2.25 + lambda))];
      return { m, s, kl: 0.5 * (m ** 2 + s ** 2 - 1) - Math.log(s) };
    };
    let [low, high] = [1e-3, 1e3];
    for (let i = 0; i < 60; i++) {
      const middle = Math.sqrt(low * high);
      [low, high] = at(middle).kl > 0.5 ? [middle, high] : [low, middle];
    }
    const expected = at(low);
    expect(number(objective.terms(tf.tensor2d([[2]])).kl)).toBeCloseTo(0.5, 1);
    expect(number(own.parameters.mean)).toBeCloseTo(expected.m, 1);
    expect(Math.exp(number(own.parameters.logScale))).toBeCloseTo(expected.s, 1);
    expect(Math.exp(number(objective.buffers.logMultiplier)) / low).toBeCloseTo(1, 0.6);
  });

  it('is saved and resumed by fit, to the same numbers', async () => {
    const run = async (parts: number[]): Promise<number[]> => {
      let bytes: Uint8Array | undefined;
      const store: CheckpointStore = {
        read: async () => bytes,
        write: async (written) => {
          bytes = written;
        },
      };
      let last: number[] = [];
      for (const steps of parts) {
        const own = model();
        const objective = constrainedElbo({ model: own, epsilon: 0.1, rate: 0.1 });
        await fit({
          model: defineModule({ parts: { model: own, objective } }),
          data: x,
          steps,
          rng: createRng(5),
          checkpoint: { store },
          resume: true,
          loss: (batch, call) => tf.neg(objective(batch, call)),
        });
        last = [...Object.values(own.parameters), ...Object.values(objective.buffers)].map(number);
      }
      return last;
    };
    const whole = await run([7]);
    expect(await run([3, 7])).toEqual(whole);
    expect(whole.at(-1)).toBe(7);
  });

  it('takes a KL from draws and another gradient', () => {
    const objective = constrainedElbo({ model: model(), epsilon: 0.5, kl: 'monteCarlo', samples: 2 });
    const plain = elbo({ model: model(), kl: 'monteCarlo', samples: 2 });
    expect(number(objective.terms(x, { rng: createRng(3) }).kl)).toBe(number(plain.terms(x, { rng: createRng(3) }).kl));
    const path = constrainedElbo({ model: model(), epsilon: 0.5, gradient: 'path', samples: 2 });
    expect(number(path.terms(x, { rng: createRng(3) }).kl)).toBeCloseTo(number(plain.terms(x, { rng: createRng(3) }).kl), 5);
  });

  it('refuses what is wrong, by name, and leaves no tensor', () => {
    const at =
      (options: object): (() => unknown) =>
      () =>
        constrainedElbo({ model: model(), epsilon: 1, ...options } as never);
    expect(at({ epsilon: -1 })).toThrow('constrainedElbo: options.epsilon should be a finite number at least 0, but got -1.');
    expect(at({ epsilon: undefined })).toThrow('options.epsilon');
    expect(at({ multiplier: 0 })).toThrow('constrainedElbo: options.multiplier should be a finite number above 0, but got 0.');
    expect(at({ rate: 0 })).toThrow('constrainedElbo: options.rate should be a finite number above 0');
    expect(at({ momentum: 1 })).toThrow('constrainedElbo: options.momentum should be a finite number at least 0 and below 1');
    expect(at({ momentum: -0.1 })).toThrow('options.momentum');
    expect(at({ momentum: 0 })).not.toThrow();
    expect(at({ kl: 'mc' })).toThrow('constrainedElbo: options.kl');
    expect(at({ beta: 1 })).toThrow("constrainedElbo: unknown option 'beta'");
    expect(() => constrainedElbo({ model: model(), epsilon: 1 })(x, { seed: 0 } as never)).toThrow("unknown option 'seed'");
    const fixed = model();
    const posterior = fixed.posterior(x);
    const before = tf.memory().numTensors;
    const objective = constrainedElbo({
      model: { ...fixed, posterior: () => posterior, likelihood: () => posterior },
      epsilon: 1,
    });
    objective(x, { training: true }).dispose();
    tf.dispose(objective.terms(x, { training: true }));
    expect(tf.memory().numTensors).toBe(before + 3);
    objective.dispose();
    objective.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});
