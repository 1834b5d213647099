import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { goldenCase, goldenError, goldenTensor } from '../../test/setup/goldenCase.js';
import type { Rng } from '../core/rng.js';
import { createRng } from '../core/rng.js';
import { bernoulli } from '../distributions/bernoulli.js';
import { diagNormal } from '../distributions/diagNormal.js';
import { standardNormal } from '../distributions/standardNormal.js';
import { betaElbo } from './betaElbo.js';
import { elbo } from './elbo.js';
import { iwae } from './iwae.js';
import type { LatentVariableModel } from './latentVariableModel.js';

/** Hands out given standard normal noise. */
const replay = (eps: tf.Tensor): Rng => ({ ...createRng(0), normal: (shape) => tf.reshape(eps, [...shape]) });

const TOLERANCE = 2e-5;

describe('elbo, betaElbo and iwae against other libraries', () => {
  const { inputs, expected } = goldenCase('elbo', 'terms_given_logits');
  const mean = goldenTensor(inputs.mu);
  const scale = tf.exp(tf.mul(goldenTensor(inputs.logvar), 0.5));
  const eps = goldenTensor(inputs.eps);
  const x = goldenTensor(inputs.x);
  const logits = goldenTensor(inputs.logits);
  const given = (draws: tf.Tensor): LatentVariableModel => ({
    prior: standardNormal({ eventShape: [4] }),
    posterior: () => diagNormal({ mean, scale }),
    likelihood: (z) => bernoulli({ logits: tf.reshape(draws, [...z.shape.slice(0, -1), -1]) }),
  });

  it('terms of one draw', () => {
    for (let s = 0; s < 5; s++) {
      const row = (t: tf.Tensor): tf.Tensor => tf.slice(t, [s, 0, 0], [1, -1, -1]);
      const model = given(row(logits));
      const options = (): { rng: Rng } => ({ rng: replay(row(eps)) });
      const part = (name: string): { shape: number[]; data: number[] } => {
        const array = expected[name] as { shape: number[]; data: number[] };
        return { shape: [3], data: array.data.slice(3 * s, 3 * s + 3) };
      };
      const analytic = elbo({ model }).terms(x, options());
      expect(goldenError(analytic.value, part('elbo_analytic'))).toBeLessThan(TOLERANCE);
      expect(goldenError(analytic.reconstruction, part('log_px_given_z'))).toBeLessThan(TOLERANCE);
      expect(goldenError(analytic.kl, expected.kl_analytic)).toBeLessThan(TOLERANCE);
      const sampled = elbo({ model, kl: 'monteCarlo' }).terms(x, options());
      expect(goldenError(sampled.value, part('elbo_single_sample'))).toBeLessThan(TOLERANCE);
      expect(goldenError(sampled.kl, part('kl_single_sample'))).toBeLessThan(TOLERANCE);
      for (const beta of [0.5, 1, 4]) {
        const formula = betaElbo({ model, beta, kl: 'analytic' })(x, options());
        expect(goldenError(formula, part(`beta_elbo_analytic_${beta}`))).toBeLessThan(TOLERANCE);
        const drawn = betaElbo({ model, beta: () => beta, kl: 'monteCarlo' })(x, options());
        expect(goldenError(drawn, part(`beta_elbo_single_sample_${beta}`))).toBeLessThan(TOLERANCE);
      }
    }
  });

  it('averages over draws', () => {
    const model = given(logits);
    const analytic = elbo({ model, samples: 5 })(x, { rng: replay(eps) });
    expect(goldenError(analytic, expected.elbo_mean_over_samples)).toBeLessThan(TOLERANCE);
    const sampled = elbo({ model, samples: 5, kl: 'monteCarlo' })(x, { rng: replay(eps) });
    expect(goldenError(sampled, expected.elbo_from_weights)).toBeLessThan(TOLERANCE);
    const terms = iwae({ model, samples: 5 }).terms(x, { rng: replay(eps) });
    expect(goldenError(terms.value, expected.iwae)).toBeLessThan(TOLERANCE);
    expect(goldenError(terms.elbo, expected.elbo_from_weights)).toBeLessThan(TOLERANCE);
    expect(goldenError(terms.effectiveSampleSize, expected.effective_sample_size)).toBeLessThan(TOLERANCE);
  });
});

describe('gradients against other libraries', () => {
  const { inputs, expected } = goldenCase('elbo', 'gradient_estimators');
  const [w1, b1, w2, b2] = ['W1', 'b1', 'W2', 'b2'].map((name) => goldenTensor(inputs[name])) as [
    tf.Tensor2D,
    tf.Tensor,
    tf.Tensor2D,
    tf.Tensor,
  ];
  const x = goldenTensor(inputs.x);
  const decode = (z: tf.Tensor): tf.Tensor => {
    const rows = tf.reshape(z, [-1, 4]) as tf.Tensor2D;
    const hidden = tf.tanh(tf.add(tf.matMul(rows, w1, false, true), b1)) as tf.Tensor2D;
    return tf.reshape(tf.add(tf.matMul(hidden, w2, false, true), b2), [...z.shape.slice(0, -1), 8]);
  };

  it.each([
    ['analytic', (model: LatentVariableModel) => elbo({ model, samples: 5 })],
    ['reparam', (model: LatentVariableModel) => elbo({ model, samples: 5, kl: 'monteCarlo' })],
    ['iwae', (model: LatentVariableModel) => iwae({ model, samples: 5 })],
  ] as const)('%s', (name, objective) => {
    const value = (mu: tf.Tensor, logvar: tf.Tensor): tf.Tensor => {
      const model: LatentVariableModel = {
        prior: standardNormal({ eventShape: [4] }),
        posterior: () => diagNormal({ mean: mu, scale: tf.exp(tf.mul(logvar, 0.5)) }),
        likelihood: (z) => bernoulli({ logits: decode(z) }),
      };
      return objective(model)(x, { rng: replay(goldenTensor(inputs.eps)) });
    };
    const at = [goldenTensor(inputs.mu), goldenTensor(inputs.logvar)] as const;
    expect(goldenError(value(...at), expected[`value_${name}`])).toBeLessThan(TOLERANCE);
    const [mu, logvar] = tf.grads((...parameters: tf.Tensor[]) => tf.sum(value(...(parameters as [tf.Tensor, tf.Tensor]))))([
      ...at,
    ]) as [tf.Tensor, tf.Tensor];
    expect(goldenError(mu, expected[`grad_mu_${name}`])).toBeLessThan(5e-5);
    expect(goldenError(logvar, expected[`grad_logvar_${name}`])).toBeLessThan(5e-5);
  });
});

/** z ~ N(0, 1), x ~ N(z, 1), q(z | x) = N(shift + x / 2, spread): everything has a closed form. */
function linearGaussian(shift: tf.Tensor, spread: tf.Tensor): LatentVariableModel {
  return {
    prior: standardNormal({ eventShape: [1] }),
    posterior: (x) => diagNormal({ mean: tf.add(tf.mul(x, 0.5), shift), scale: tf.add(tf.zerosLike(x), spread) }),
    likelihood: (z) => diagNormal({ mean: z, scale: tf.onesLike(z) }),
  };
}

describe('closed forms', () => {
  const evidence = (x: number): number => -(x ** 2) / 4 - 0.5 * Math.log(4 * Math.PI);

  it('with the exact posterior every weight is the evidence', () => {
    const model = linearGaussian(tf.scalar(0), tf.scalar(Math.SQRT1_2));
    const x = tf.tensor2d([[0.7], [-2]]);
    for (const objective of [
      elbo({ model, kl: 'monteCarlo' }),
      elbo({ model, samples: 3, kl: 'monteCarlo' }),
      iwae({ model, samples: 4 }),
    ]) {
      const value = objective(x, { rng: createRng(1) }).dataSync();
      expect(value[0]).toBeCloseTo(evidence(0.7), 5);
      expect(value[1]).toBeCloseTo(evidence(-2), 5);
    }
    expect(iwae({ model, samples: 4 }).terms(x).effectiveSampleSize.dataSync()[1]).toBeCloseTo(4, 4);
  });

  it('with another posterior the ELBO is the evidence less the KL, and more draws come closer', () => {
    const model = linearGaussian(tf.scalar(0.5), tf.scalar(1));
    const x = tf.fill([4000, 1], 1);
    // KL(N(1, 1) || N(1/2, 1/2)) = 1/2 (2 + 1/2 - 1 - log 2).
    const exact = evidence(1) - 0.5 * (1.5 - Math.LN2);
    const average = (value: tf.Tensor): number => tf.mean(value).dataSync()[0] as number;
    expect(average(elbo({ model })(x, { rng: createRng(2) }))).toBeCloseTo(exact, 1);
    expect(average(elbo({ model, kl: 'monteCarlo' })(x, { rng: createRng(2) }))).toBeCloseTo(exact, 1);
    const bounds = [1, 4, 32].map((samples) => average(iwae({ model, samples })(x, { rng: createRng(3) })));
    expect(bounds[0]).toBeLessThan((bounds[1] as number) - 0.05);
    expect(bounds[1]).toBeLessThan((bounds[2] as number) - 0.02);
    expect(bounds[2]).toBeLessThan(evidence(1) + 0.005);
  });

  it('takes any batch axes, B = 1 among them, and leaks nothing', () => {
    const model = linearGaussian(tf.scalar(0.5), tf.scalar(1));
    for (const objective of [elbo({ model, samples: 3 }), betaElbo({ model, beta: 2 }), iwae({ model, samples: 3 })]) {
      for (const batch of [[], [1], [5], [2, 3]]) {
        const x = tf.zeros([...batch, 1]);
        const value = tf.tidy(() => objective(x));
        expect(value.shape).toEqual(batch);
        for (const term of Object.values(tf.tidy(() => objective.terms(x)))) {
          expect(term.shape).toEqual(batch);
          term.dispose();
        }
      }
    }
  });

  it('leaves what the model left, and the result', () => {
    const mean = tf.zeros([2, 1]);
    const scale = tf.ones([2, 1]);
    const model: LatentVariableModel = {
      prior: standardNormal({ eventShape: [1] }),
      posterior: () => diagNormal({ mean, scale }),
      likelihood: () => diagNormal({ mean, scale }),
    };
    const before = tf.memory().numTensors;
    elbo({ model, kl: 'monteCarlo' })(mean).dispose();
    tf.dispose(elbo({ model }).terms(mean));
    tf.dispose(iwae({ model, samples: 2 }).terms(mean));
    expect(tf.memory().numTensors).toBe(before);
  });

  it('survives weights of zero and weights beyond float32', () => {
    const model = (offset: number): LatentVariableModel => ({
      ...linearGaussian(tf.scalar(0), tf.scalar(1)),
      likelihood: (z) => ({
        ...diagNormal({ mean: z, scale: tf.onesLike(z) }),
        logProb: () => tf.fill(z.shape.slice(0, -1), offset),
      }),
    });
    const x = tf.zeros([1, 1]);
    const bound = (offset: number): number => iwae({ model: model(offset), samples: 3 })(x).dataSync()[0] as number;
    expect(bound(Number.NEGATIVE_INFINITY)).toBe(Number.NEGATIVE_INFINITY);
    expect(bound(-2000)).toBeCloseTo(-2000, 2);
    expect(bound(2000)).toBeCloseTo(2000, 2);
  });
});

describe('options', () => {
  const model = linearGaussian(tf.scalar(0), tf.scalar(1));

  it('asks a function for beta at every call', () => {
    let beta = 0;
    const objective = betaElbo({ model, beta: () => beta });
    const x = tf.tensor2d([[1]]);
    for (beta of [0, 0.25, 3]) {
      const { value, reconstruction, kl } = objective.terms(x, { rng: createRng(0) });
      const number = (t: tf.Tensor): number => t.dataSync()[0] as number;
      expect(number(value)).toBeCloseTo(number(reconstruction) - beta * number(kl), 5);
    }
    beta = -1;
    expect(() => objective(x)).toThrow('betaElbo: what options.beta returns should be a finite number at least 0, but got -1.');
  });

  it('takes one draw by default', () => {
    const x = tf.tensor2d([[0.5], [-1]]);
    const { value, elbo: average, effectiveSampleSize } = iwae({ model }).terms(x, { rng: createRng(0) });
    expect(Array.from(value.dataSync())).toEqual(Array.from(average.dataSync()));
    expect(Array.from(effectiveSampleSize.dataSync())).toEqual([1, 1]);
    const [mine, theirs] = [elbo({ model }), elbo({ model, samples: 1 })].map((bound) => bound(x, { rng: createRng(0) }));
    expect(Array.from(mine!.dataSync())).toEqual(Array.from(theirs!.dataSync()));
  });

  it('refuses what is wrong, by name', () => {
    expect(() => elbo({} as never)).toThrow('elbo: options.model should be a model with prior, posterior(x) and likelihood(z)');
    expect(() => elbo({ model: { ...model, prior: {} as never } })).toThrow('elbo: options.model.prior should be a distribution');
    expect(() => elbo({ model, samples: 1.5 })).toThrow('elbo: options.samples should be a positive integer, but got 1.5.');
    expect(() => elbo({ model, kl: 'mc' as never })).toThrow(
      "options.kl should be 'auto', 'analytic' or 'monteCarlo', but got 'mc'.",
    );
    expect(() => elbo({ model, beta: 1 } as never)).toThrow("elbo: unknown option 'beta'");
    expect(() => betaElbo({ model } as never)).toThrow('betaElbo: options.beta should be a finite number at least 0');
    expect(() => betaElbo({ model, beta: -1 })).toThrow('options.beta');
    expect(() => betaElbo({ model, beta: Number.NaN })).toThrow('options.beta');
    expect(() => iwae({ model, samples: 0 })).toThrow('iwae: options.samples');
    expect(() => iwae({ model, kl: 'auto' } as never)).toThrow("iwae: unknown option 'kl'");
  });

  it('refuses an analytic KL where there is none', () => {
    const { family: _, ...prior } = model.prior;
    const other: LatentVariableModel = { ...model, prior: { ...prior, name: 'unheardOf' } };
    const x = tf.zeros([1, 1]);
    expect(() => elbo({ model: other, kl: 'analytic' })(x)).toThrow(/diagNormal.*unheardOf/);
    const drawn = elbo({ model, kl: 'monteCarlo' })(x, { rng: createRng(4) });
    expect(elbo({ model: other })(x, { rng: createRng(4) }).dataSync()).toEqual(drawn.dataSync());
  });
});
