import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { expectSlopes } from '../../test/setup/slopes.js';
import { createRng } from '../core/rng.js';
import { diagNormal } from '../distributions/diagNormal.js';
import { laplace } from '../distributions/laplace.js';
import { standardNormal } from '../distributions/standardNormal.js';
import type { DipVaeOptions } from './dipVae.js';
import { dipVae } from './dipVae.js';
import { elbo } from './elbo.js';
import type { LatentVariableModel } from './latentVariableModel.js';

const numbers = (t: tf.Tensor): number[] => Array.from(t.dataSync());

const MEAN = [
  [0.3, -1.2, 0.8],
  [1.1, 0.4, -0.6],
  [-0.7, 0.9, 1.7],
  [0.2, 2.1, -0.1],
];
const SCALE = [
  [0.5, 1.3, 0.2],
  [0.9, 0.4, 0.8],
  [1.6, 0.7, 0.3],
  [0.6, 1.1, 0.5],
];
const modelOf = (mean: tf.Tensor = tf.tensor2d(MEAN), scale: tf.Tensor = tf.tensor2d(SCALE)): LatentVariableModel => ({
  prior: standardNormal({ eventShape: [3] }),
  posterior: () => diagNormal({ mean, scale }),
  likelihood: (z) => diagNormal({ mean: tf.mul(z, 2), scale: 0.5 }),
});
const model = modelOf();
const x = tf.tensor2d(MEAN.map((row) => row.map((value) => value + 0.3)));

/** By the definition, in float64. */
function byTheBook(variant: 'I' | 'II', lambdaOd: number, lambdaD: number): number {
  const average = (of: (n: number) => number): number => [0, 1, 2, 3].reduce((sum, n) => sum + of(n), 0) / 4;
  const centre = [0, 1, 2].map((i) => average((n) => MEAN[n]![i]!));
  let penalty = 0;
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 3; j++) {
      const ofMeans = average((n) => (MEAN[n]![i]! - centre[i]!) * (MEAN[n]![j]! - centre[j]!));
      const covariance = ofMeans + (variant === 'II' && i === j ? average((n) => SCALE[n]![i]! ** 2) : 0);
      penalty += i === j ? lambdaD * (covariance - 1) ** 2 : lambdaOd * covariance ** 2;
    }
  }
  return penalty;
}

describe('dipVae', () => {
  it.each(['I', 'II'] as const)('is the ELBO less the penalty: variant %s', (variant) => {
    const options = { model, samples: 3, kl: 'monteCarlo' } as const;
    const { value, reconstruction, kl, penalty } = dipVae({ ...options, variant, lambdaOd: 3, lambdaD: 0.7 }).terms(x, {
      rng: createRng(1),
    });
    const plain = elbo(options).terms(x, { rng: createRng(1) });
    expect(numbers(reconstruction)).toEqual(numbers(plain.reconstruction));
    expect(numbers(kl)).toEqual(numbers(plain.kl));
    const expected = byTheBook(variant, 3, 0.7);
    [0, 1, 2, 3].forEach((i) => {
      expect(numbers(penalty)[i]).toBeCloseTo(expected, 4);
      expect(numbers(value)[i]).toBeCloseTo(numbers(plain.value)[i]! - expected, 3);
    });
    const repeated = dipVae({ ...options, variant, lambdaOd: 3, lambdaD: 0.7 })(x, { rng: createRng(1) });
    expect(numbers(repeated)).toEqual(numbers(value));
    expect([value.shape, penalty.shape]).toEqual([[4], [4]]);
  });

  it('is variant I with an analytic KL unless told otherwise', () => {
    const { penalty, kl } = dipVae({ model, lambdaOd: 2, lambdaD: 5 }).terms(x);
    expect(numbers(penalty)[0]).toBeCloseTo(byTheBook('I', 2, 5), 4);
    expect(numbers(kl)).toEqual(numbers(elbo({ model }).terms(x).kl));
  });

  it('has no penalty for whitened means, or codes', () => {
    // Columns of a Hadamard matrix: mean 0, orthogonal, and so still after a shift.
    const white = tf.tensor2d([
      [1.5, 0, 3],
      [1.5, -2, 1],
      [-0.5, 0, 1],
      [-0.5, -2, 3],
    ]);
    const one = dipVae({ model: modelOf(white), lambdaOd: 100, lambdaD: 100 }).terms(x);
    expect(numbers(one.penalty)).toEqual([0, 0, 0, 0]);
    const half = tf.mul(white, Math.SQRT1_2);
    const two = dipVae({ model: modelOf(half, tf.fill([4, 3], Math.SQRT1_2)), variant: 'II', lambdaOd: 100, lambdaD: 100 });
    numbers(two.terms(x).penalty).forEach((value) => {
      expect(Math.abs(value)).toBeLessThan(1e-8);
    });
  });

  it('takes any batch axes as one minibatch, and events of any rank', () => {
    const shaped: LatentVariableModel = {
      prior: standardNormal({ eventShape: [3, 1] }),
      posterior: () =>
        diagNormal({
          mean: tf.reshape(tf.tensor2d(MEAN), [2, 2, 3, 1]),
          scale: tf.reshape(tf.tensor2d(SCALE), [2, 2, 3, 1]),
          eventRank: 2,
        }),
      likelihood: (z) => diagNormal({ mean: z, scale: 0.5, eventRank: 2 }),
    };
    const { value, penalty } = dipVae({ model: shaped, variant: 'II', lambdaOd: 3, lambdaD: 0.7 }).terms(
      tf.reshape(x, [2, 2, 3, 1]),
    );
    expect([value.shape, penalty.shape]).toEqual([
      [2, 2],
      [2, 2],
    ]);
    expect(numbers(penalty)[3]).toBeCloseTo(byTheBook('II', 3, 0.7), 4);
  });

  it.each(['I', 'II'] as const)('differentiates as finite differences do: variant %s', (variant) => {
    const loss = (mean: tf.Tensor, scale: tf.Tensor): tf.Scalar =>
      tf.sum(dipVae({ model: modelOf(mean, scale), variant, lambdaOd: 3, lambdaD: 0.7 })(x, { rng: createRng(4) }));
    expectSlopes(loss, [tf.tensor2d(MEAN), tf.tensor2d(SCALE)]);
  });

  it('leaves its result and nothing else', () => {
    const objective = dipVae({ model, variant: 'II', lambdaOd: 2, lambdaD: 5 });
    const before = tf.memory().numTensors;
    const value = objective(x);
    expect(tf.memory().numTensors).toBe(before + 1);
    value.dispose();
    tf.dispose(objective.terms(x));
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses a single example and other posteriors', () => {
    const options = { lambdaOd: 2, lambdaD: 5 };
    const single = modelOf(tf.tensor2d([MEAN[0]!]), tf.tensor2d([SCALE[0]!]));
    const one = tf.zeros([1, 3]);
    const before = tf.memory().numTensors;
    expect(() => dipVae({ model: single, ...options })(one)).toThrow(
      'dipVae: x should be a minibatch of at least 2 examples, [...batch, ...event], but got a float32 tensor of shape [1, 3].',
    );
    const other = { ...model, posterior: () => laplace({ location: tf.tensor2d(MEAN), scale: 1 }) };
    expect(() => dipVae({ model: other, ...options, kl: 'monteCarlo' })(x)).toThrow(
      "dipVae: options.model.posterior should be one of independent normals, but got 'laplace'.",
    );
    const { family: _, klTo: __, ...plain } = model.posterior(x);
    expect(() => dipVae({ model: { ...model, posterior: () => plain }, ...options })(x)).toThrow(
      "dipVae: options.model.posterior should be one of independent normals, but got 'diagNormal'.",
    );
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each([
    [{ variant: 'III' }, "options.variant should be 'I' or 'II', but got 'III'."],
    [{ lambdaOd: undefined }, 'options.lambdaOd should be a finite number at least 0'],
    [{ lambdaOd: -1 }, 'options.lambdaOd should be'],
    [{ lambdaD: -1 }, 'options.lambdaD should be'],
    [{ lambdaD: undefined }, 'options.lambdaD should be'],
    [{ samples: 0 }, 'options.samples should be'],
    [{ kl: 'none' }, 'options.kl should be'],
    [{ model: 1 }, 'options.model should be'],
    [{ lambda: 3 }, "unknown option 'lambda'"],
  ])('refuses %#', (wrong, message) => {
    const options = { model, lambdaOd: 1, lambdaD: 1, ...wrong } as unknown as DipVaeOptions;
    expect(() => dipVae(options)).toThrow(`dipVae: ${message}`);
  });

  it('takes weights of 0', () => {
    const { penalty } = dipVae({ model, lambdaOd: 0, lambdaD: 0 }).terms(x);
    expect(numbers(penalty)).toEqual([0, 0, 0, 0]);
  });
});
