import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { createRng } from '../core/rng.js';
import { diagNormal } from '../distributions/diagNormal.js';
import { standardNormal } from '../distributions/standardNormal.js';
import { cyclicalSchedule, linearSchedule, warmupSchedule } from '../training/schedules.js';
import { betaElbo } from './betaElbo.js';
import { elbo } from './elbo.js';
import { iwae } from './iwae.js';
import type { LatentVariableModel } from './latentVariableModel.js';

const numbers = (t: tf.Tensor): number[] => Array.from(t.dataSync());

/** q of the means that are given, with a scale of 1: KL = m^2 / 2. */
const model = (mean: tf.Tensor): LatentVariableModel => ({
  prior: standardNormal({ eventShape: [1] }),
  posterior: () => diagNormal({ mean, scale: 1 }),
  likelihood: (z) => diagNormal({ mean: tf.mul(z, 2), scale: 0.5 }),
});
const mean = tf.tensor2d([[1], [2], [-3]]);
const kls = [0.5, 2, 4.5];
const x = tf.tensor2d([[0.5], [-1], [2]]);
const rng = () => createRng(3);

describe('betaElbo', () => {
  it('asks a schedule for the weight of the step', () => {
    const warm = betaElbo({ model: model(mean), beta: warmupSchedule({ steps: 8, then: 2 }) });
    const cyclic = betaElbo({ model: model(mean), beta: cyclicalSchedule({ period: 4 }) });
    for (const [objective, step, beta] of [
      [warm, 2, 0.5],
      [warm, 20, 2],
      [cyclic, 2, 0.5],
      [cyclic, 5, 0],
    ] as const) {
      const { value, reconstruction, kl } = objective.terms(x, { rng: rng(), step });
      kls.forEach((exact, i) => {
        expect(numbers(kl)[i]).toBeCloseTo(exact, 5);
        expect(numbers(value)[i]).toBeCloseTo(numbers(reconstruction)[i]! - beta * exact, 4);
      });
      expect(numbers(objective(x, { rng: rng(), step }))).toEqual(numbers(value));
    }
    expect(() => warm(x)).toThrow(
      'betaElbo: options.step of a call should be given where beta is a function of it, but got nothing.',
    );
  });

  it('holds the mean KL at a capacity, from above and from below', () => {
    const average = 7 / 3;
    for (const [capacity, step, at] of [
      [1, 1, 1],
      [5, 1, 5],
      [linearSchedule({ to: 8, steps: 4 }), 2, 2],
    ] as const) {
      const objective = betaElbo({ model: model(mean), beta: 3, capacity });
      const { value, reconstruction, kl } = objective.terms(x, { rng: rng(), step });
      kls.forEach((exact, i) => {
        expect(numbers(kl)[i]).toBeCloseTo(exact, 5);
        expect(numbers(value)[i]).toBeCloseTo(numbers(reconstruction)[i]! - 3 * Math.abs(average - at), 4);
      });
      const slope = tf.grad((m: tf.Tensor) => {
        const terms = betaElbo({ model: model(m), beta: 3, capacity }).terms(x, { rng: rng(), step });
        return tf.mean(tf.sub(terms.value, terms.reconstruction));
      })(mean);
      // The slope of the mean KL is m / 3.
      [1, 2, -3].forEach((m, i) => {
        expect(numbers(slope)[i]).toBeCloseTo((-3 * Math.sign(average - at) * m) / 3, 4);
      });
    }
    const growing = betaElbo({ model: model(mean), beta: 3, capacity: () => -1 });
    expect(() => growing(x)).toThrow('betaElbo: what options.capacity returns should be');
    expect(() => betaElbo({ model: model(mean), beta: 3, capacity: -1 })).toThrow(
      'betaElbo: options.capacity should be a finite number at least 0, but got -1.',
    );
  });

  it('tells of every draw', () => {
    for (const kl of ['auto', 'monteCarlo'] as const) {
      const options = { model: model(mean), samples: 4, kl };
      const call = () => ({ rng: rng(), step: 1 });
      const [each, all] = [elbo(options).perDraw(x, call()), elbo(options).terms(x, call())];
      for (const name of ['value', 'reconstruction', 'kl'] as const) {
        expect(each[name].shape).toEqual([4, 3]);
        numbers(tf.mean(each[name], 0)).forEach((value, i) => {
          expect(value).toBeCloseTo(numbers(all[name])[i]!, 4);
        });
      }
      const weighted = betaElbo({ ...options, beta: 2.5 }).perDraw(x, call());
      numbers(weighted.value).forEach((value, i) => {
        expect(value).toBeCloseTo(numbers(weighted.reconstruction)[i]! - 2.5 * numbers(weighted.kl)[i]!, 4);
      });
    }
    const formula = elbo({ model: model(mean), samples: 2 }).perDraw(x);
    kls.forEach((exact, i) => {
      expect(numbers(formula.kl)[i]).toBeCloseTo(exact, 5);
      expect(numbers(formula.kl)[3 + i]).toBeCloseTo(exact, 5);
    });
    const images = tf.ones([2, 1, 2, 1, 3]);
    const slope = tf.grad((m) => tf.sum(elbo({ model: model(m), samples: 2 }).perDraw(images).kl))(tf.ones(images.shape));
    expect(numbers(slope)).toEqual(new Array(12).fill(2));
    const before = tf.memory().numTensors;
    const q = diagNormal({ mean, scale: 1 });
    const still = { ...model(mean), posterior: () => q, likelihood: () => q };
    const start = tf.memory().numTensors;
    tf.dispose(elbo({ model: still, samples: 2 }).perDraw(x));
    expect(tf.memory().numTensors).toBe(start);
    expect(start).toBeGreaterThanOrEqual(before);
  });
});

describe('the options of a call', () => {
  const bound = { model: model(mean) };
  it.each([
    ['elbo', () => elbo(bound)],
    ['betaElbo', () => betaElbo({ ...bound, beta: 1 })],
    ['iwae', () => iwae(bound)],
  ] as const)('are checked: %s', (name, make) => {
    const objective = make();
    const message = `${name}: unknown option 'contxt'; the options are context, frozen, training, rng, step.`;
    expect(() => objective(x, { contxt: x } as never)).toThrow(message);
    expect(() => objective.terms(x, { contxt: x } as never)).toThrow(message);
    expect(() => objective(x, { rng: rng(), step: 1, training: true })).not.toThrow();
  });

  it('are checked where draws are told', () => {
    expect(() => elbo(bound).perDraw(x, { seed: 1 } as never)).toThrow("elbo.perDraw: unknown option 'seed'");
    expect(() => betaElbo({ ...bound, beta: 1 }).perDraw(x, { seed: 1 } as never)).toThrow(
      "betaElbo.perDraw: unknown option 'seed'",
    );
  });
});
