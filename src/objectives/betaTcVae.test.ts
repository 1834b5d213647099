import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { replay } from '../../test/setup/indexedModel.js';
import { expectSlopes } from '../../test/setup/slopes.js';
import { mlp } from '../conditioners/mlp.js';
import { createRng } from '../core/rng.js';
import { diagNormal } from '../distributions/diagNormal.js';
import { laplace } from '../distributions/laplace.js';
import { randomizeParameters } from '../testing/randomizeParameters.js';
import { linearSchedule } from '../training/schedules.js';
import type { BetaTcVaeOptions } from './betaTcVae.js';
import { betaTcVae } from './betaTcVae.js';
import { elbo } from './elbo.js';
import type { LatentVariableModel } from './latentVariableModel.js';
import { vae } from './vae.js';

const numbers = (t: tf.Tensor): number[] => Array.from(t.dataSync());

const MEAN = [
  [0.3, -1.2],
  [1.1, 0.4],
  [-0.7, 0.9],
];
const SCALE = [
  [0.5, 1.3],
  [0.9, 0.4],
  [1.6, 0.7],
];
const PRIOR = { mean: 0.2, scale: 1.4 };
const NOISE = [
  [
    [0.4, -0.8],
    [1.2, 0.3],
    [-0.5, 0.9],
  ],
  [
    [-1.1, 0.2],
    [0.6, -1.4],
    [0.7, 1.5],
  ],
];
const X = [
  [0.5, -1],
  [2, 0.3],
  [-0.4, 1.6],
];
const COUNT = 7;
const WEIGHTS = {
  // N = 7, B = 3, M = 2.
  stratified: [
    [1 / 7, 5 / 14, 1 / 2],
    [1 / 2, 1 / 7, 5 / 14],
    [5 / 14, 1 / 2, 1 / 7],
  ],
  weighted: Array.from({ length: 3 }, () => Array(3).fill(1 / 21) as number[]),
};

const log = (z: number, mean: number, scale: number): number =>
  -0.5 * ((z - mean) / scale) ** 2 - Math.log(scale) - 0.5 * Math.log(2 * Math.PI);
const total = (values: number[]): number => values.reduce((a, b) => a + b, 0);

/** The terms of example i, over all draws of `noise`, by their definition in float64. */
function byTheBook(i: number, weights: number[][], noise: number[][][]): Record<string, number> {
  const each = noise.map((draw) => {
    const z = MEAN[i]!.map((m, d) => m + SCALE[i]![d]! * draw[i]![d]!);
    const q = (j: number, d: number): number => log(z[d]!, MEAN[j]![d]!, SCALE[j]![d]!);
    const over = (term: (j: number) => number): number =>
      Math.log(total(weights[i]!.map((weight, j) => weight * Math.exp(term(j)))));
    const aggregate = over((j) => q(j, 0) + q(j, 1));
    const product = over((j) => q(j, 0)) + over((j) => q(j, 1));
    const posterior = q(i, 0) + q(i, 1);
    const prior = total(z.map((value) => log(value, PRIOR.mean, PRIOR.scale)));
    return {
      reconstruction: total(z.map((value, d) => log(X[i]![d]!, 2 * value, 0.5))),
      kl: posterior - prior,
      mutualInformation: posterior - aggregate,
      totalCorrelation: aggregate - product,
      dimensionWiseKl: product - prior,
    };
  });
  return Object.fromEntries(
    Object.keys(each[0]!).map((key) => [key, total(each.map((of) => of[key as keyof typeof of])) / each.length]),
  );
}

const modelOf = (mean: tf.Tensor = tf.tensor2d(MEAN), scale: tf.Tensor = tf.tensor2d(SCALE)): LatentVariableModel => ({
  prior: diagNormal({ ...PRIOR, eventShape: [2] }),
  posterior: () => diagNormal({ mean, scale }),
  likelihood: (z) => diagNormal({ mean: tf.mul(z, 2), scale: 0.5 }),
});
const model = modelOf();
const x = tf.tensor2d(X);

describe('betaTcVae', () => {
  it.each(['stratified', 'weighted'] as const)('is the sum of its terms, each by the book: %s', (estimator) => {
    const objective = betaTcVae({ model, samples: 2, dataCount: COUNT, alpha: 0.5, beta: 6, gamma: 1.5, estimator });
    const rng = (): ReturnType<typeof replay> => replay(tf.tensor3d(NOISE));
    const terms = objective.terms(x, { rng: rng() });
    [0, 1, 2].forEach((i) => {
      const expected = byTheBook(i, WEIGHTS[estimator], NOISE);
      for (const [key, value] of Object.entries(expected)) {
        expect(numbers(terms[key as keyof typeof terms])[i]).toBeCloseTo(value, 4);
      }
      const value =
        expected.reconstruction! -
        0.5 * expected.mutualInformation! -
        6 * expected.totalCorrelation! -
        1.5 * expected.dimensionWiseKl!;
      expect(numbers(terms.value)[i]).toBeCloseTo(value, 4);
    });
    expect(numbers(objective(x, { rng: rng() }))).toEqual(numbers(terms.value));
    for (const term of Object.values(terms)) expect(term.shape).toEqual([3]);
  });

  it('is stratified, takes one draw and weighs with 1 unless told otherwise', () => {
    const terms = betaTcVae({ model, dataCount: COUNT, beta: 3 }).terms(x, { rng: replay(tf.tensor3d([NOISE[0]!])) });
    [0, 1, 2].forEach((i) => {
      const { reconstruction, mutualInformation, totalCorrelation, dimensionWiseKl } = byTheBook(i, WEIGHTS.stratified, [
        NOISE[0]!,
      ]);
      const value = reconstruction! - mutualInformation! - 3 * totalCorrelation! - dimensionWiseKl!;
      expect(numbers(terms.value)[i]).toBeCloseTo(value, 4);
    });
  });

  it('is the Monte Carlo ELBO with weights of 1, gradients and all, to the last bit', () => {
    const rng = createRng(1);
    const trained = vae({
      encoder: mlp({ inputDim: 4, hidden: [5], outputDim: 4, rng }),
      decoder: mlp({ inputDim: 2, hidden: [5], outputDim: 4, rng }),
    });
    randomizeParameters(trained, { rng });
    const data = rng.uniform([6, 4]);
    const variables = Object.values(trained.parameters);
    const options = { model: trained, samples: 3 };
    const [ours, plain] = [betaTcVae({ ...options, dataCount: 50, beta: 1 }), elbo({ ...options, kl: 'monteCarlo' })].map(
      (objective) => {
        const at = { rng: createRng(2) };
        const { value, grads } = tf.variableGrads(() => tf.sum(objective(data, at)) as tf.Scalar, variables);
        return [numbers(value), ...variables.map(({ name }) => numbers(grads[name]!).map((slope) => slope + 0))];
      },
    );
    expect(ours).toEqual(plain);
    trained.dispose();
  });

  it('takes any batch axes as one minibatch, and events of any rank', () => {
    const shaped: LatentVariableModel = {
      prior: diagNormal({ ...PRIOR, eventShape: [2, 1] }),
      posterior: () =>
        diagNormal({
          mean: tf.reshape(tf.tensor2d(MEAN), [1, 3, 2, 1]),
          scale: tf.reshape(tf.tensor2d(SCALE), [1, 3, 2, 1]),
          eventRank: 2,
        }),
      likelihood: (z) => diagNormal({ mean: tf.mul(z, 2), scale: 0.5, eventRank: 2 }),
    };
    const options = { samples: 2, dataCount: COUNT, beta: 6, alpha: 2 };
    const deep = betaTcVae({ model: shaped, ...options })(tf.reshape(x, [1, 3, 2, 1]), { rng: replay(tf.tensor3d(NOISE)) });
    const flat = betaTcVae({ model, ...options })(x, { rng: replay(tf.tensor3d(NOISE)) });
    expect(deep.shape).toEqual([1, 3]);
    numbers(deep).forEach((value, i) => {
      expect(value).toBeCloseTo(numbers(flat)[i]!, 4);
    });
    // A posterior that is one for all examples.
    const shared = {
      ...model,
      posterior: (of: tf.Tensor) => diagNormal({ mean: tf.mul(of, 0.5), scale: tf.tensor1d([0.5, 0.9]) }),
    };
    const given = {
      ...model,
      posterior: (of: tf.Tensor) => diagNormal({ mean: tf.mul(of, 0.5), scale: tf.tile(tf.tensor2d([[0.5, 0.9]]), [3, 1]) }),
    };
    const [a, b] = [shared, given].map((one) => numbers(betaTcVae({ model: one, ...options })(x, { rng: createRng(1) })));
    expect(a).toEqual(b);
  });

  it.each([1, 2])('differentiates in the posterior as finite differences do: %i draws', (samples) => {
    const loss = (mean: tf.Tensor, scale: tf.Tensor): tf.Scalar =>
      tf.sum(
        betaTcVae({ model: modelOf(mean, scale), samples, dataCount: COUNT, alpha: 0.5, beta: 6, gamma: 1.5 })(x, {
          rng: replay(tf.tensor3d(NOISE.slice(0, samples))),
        }),
      );
    expectSlopes(loss, [tf.tensor2d(MEAN), tf.tensor2d(SCALE)]);
  });

  it('asks schedules for the weights of the step', () => {
    const at = { rng: () => createRng(3) };
    const schedule = linearSchedule({ from: 0, to: 8, steps: 4 });
    for (const name of ['alpha', 'beta', 'gamma'] as const) {
      const [scheduled, fixed] = [schedule, schedule(2)].map((weight) =>
        numbers(betaTcVae({ model, dataCount: COUNT, beta: 1, [name]: weight })(x, { rng: at.rng(), step: 2 })),
      );
      expect(scheduled).toEqual(fixed);
      const objective = betaTcVae({ model, dataCount: COUNT, beta: 1, [name]: schedule });
      expect(() => objective(x)).toThrow(`betaTcVae: options.step of a call should be given where ${name} is a function of it`);
    }
  });

  it('leaves its result and nothing else, and is a constant in a frozen call', () => {
    const objective = betaTcVae({ model, dataCount: COUNT, beta: 6 });
    const before = tf.memory().numTensors;
    const value = objective(x);
    expect(tf.memory().numTensors).toBe(before + 1);
    value.dispose();
    tf.dispose(objective.terms(x));
    expect(tf.memory().numTensors).toBe(before);

    const rng = createRng(1);
    const trained = vae({
      encoder: mlp({ inputDim: 4, hidden: [], outputDim: 4, rng }),
      decoder: mlp({ inputDim: 2, hidden: [], outputDim: 4, rng }),
    });
    const frozen = () =>
      tf.sum(betaTcVae({ model: trained, dataCount: 50, beta: 6 })(rng.uniform([3, 4]), { frozen: true, rng }));
    expect(() => tf.variableGrads(frozen as () => tf.Scalar, Object.values(trained.parameters))).toThrow(/connection/);
    trained.dispose();
  });

  it('takes a single example where it is weighted', () => {
    const single = modelOf(tf.tensor2d([MEAN[0]!]), tf.tensor2d([SCALE[0]!]));
    const terms = betaTcVae({ model: single, dataCount: COUNT, beta: 6, estimator: 'weighted' }).terms(tf.tensor2d([X[0]!]));
    expect(numbers(terms.mutualInformation)[0]).toBeCloseTo(Math.log(COUNT), 5);
    expect(() => betaTcVae({ model: single, dataCount: COUNT, beta: 6 })(tf.tensor2d([X[0]!]))).toThrow(
      'betaTcVae: x should be a minibatch of at least 2 examples, [...batch, ...event], but got a float32 tensor of shape [1, 2].',
    );
  });

  it.each([
    [{ dataCount: 2 }, 'options.dataCount should be an integer of at least 3, but got 2.'],
    [
      { model: { ...model, posterior: () => laplace({ location: tf.tensor2d(MEAN), scale: 1 }) } },
      "options.model.posterior should be one of independent normals, but got 'laplace'.",
    ],
  ])('refuses at a call %#', (wrong, message) => {
    const objective = betaTcVae({ model, dataCount: COUNT, beta: 6, ...wrong });
    const before = tf.memory().numTensors;
    expect(() => objective(x)).toThrow(`betaTcVae: ${message}`);
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each([
    [{ dataCount: 0 }, 'options.dataCount should be a positive integer'],
    [{ dataCount: undefined }, 'options.dataCount should be'],
    [{ beta: undefined }, 'options.beta should be a finite number at least 0'],
    [{ beta: -1 }, 'options.beta should be'],
    [{ alpha: -1 }, 'options.alpha should be'],
    [{ gamma: Number.NaN }, 'options.gamma should be'],
    [{ estimator: 'exact' }, "options.estimator should be 'stratified' or 'weighted', but got 'exact'."],
    [{ samples: 0 }, 'options.samples should be'],
    [{ model: 1 }, 'options.model should be'],
    [{ lambda: 3 }, "unknown option 'lambda'"],
  ])('refuses %#', (wrong, message) => {
    const options = { model, dataCount: COUNT, beta: 6, ...wrong } as unknown as BetaTcVaeOptions;
    expect(() => betaTcVae(options)).toThrow(`betaTcVae: ${message}`);
    expect(() => betaTcVae({ model, dataCount: COUNT, beta: 6 })(x, { step: 1, seed: 2 } as object)).toThrow(
      "unknown option 'seed'",
    );
  });
});
