import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { scaleShift } from '../bijectors/scaleShift.js';
import type { CallOptions } from '../core/bijector.js';
import { createRng } from '../core/rng.js';
import { diagNormal } from '../distributions/diagNormal.js';
import { flow } from '../distributions/flow.js';
import { logistic } from '../distributions/logistic.js';
import { elbo } from './elbo.js';
import { freeBits } from './freeBits.js';
import type { LatentVariableModel } from './latentVariableModel.js';

const numbers = (t: tf.Tensor): number[] => Array.from(t.dataSync());

const means = [
  [0.1, 1.2, -2],
  [0.3, -0.4, 1],
];
const scales = [
  [0.9, 0.5, 0.7],
  [1.1, 0.6, 1.3],
];
/** KL(N(m, s^2) || N(0, 1)) of each dimension. */
const exact = means.map((row, b) => row.map((m, d) => 0.5 * (m ** 2 + scales[b]![d]! ** 2 - 1) - Math.log(scales[b]![d]!)));
const average = [0, 1, 2].map((d) => (exact[0]![d]! + exact[1]![d]!) / 2);
const total = exact.map((row) => row.reduce((sum, kl) => sum + kl, 0));

const model = (mean: tf.Tensor = tf.tensor2d(means)): LatentVariableModel => ({
  prior: diagNormal({ mean: 0, scale: 1, eventShape: [3] }),
  posterior: () => diagNormal({ mean, scale: tf.tensor2d(scales) }),
  likelihood: (z) => diagNormal({ mean: z, scale: tf.onesLike(z) }),
});
const x = tf.tensor2d([
  [0.5, -1, 2],
  [1, 0, -0.5],
]);
const penaltyOf = (options: Partial<Parameters<typeof freeBits>[0]>): number[] =>
  numbers(freeBits({ model: model(), nats: 0.4, ...options }).terms(x).penalty);

describe('freeBits', () => {
  it('takes the mean over the batch, then the maximum, of each dimension', () => {
    const expected = average.reduce((sum, kl) => sum + Math.max(0.4, kl), 0);
    expect(average[0]).toBeLessThan(0.4);
    const { value, reconstruction, kl, penalty } = freeBits({ model: model(), nats: 0.4 }).terms(x, { rng: createRng(2) });
    numbers(penalty).forEach((found) => {
      expect(found).toBeCloseTo(expected, 5);
    });
    numbers(kl).forEach((found, b) => {
      expect(found).toBeCloseTo(total[b]!, 5);
    });
    numbers(value).forEach((found, b) => {
      expect(found).toBeCloseTo(numbers(reconstruction)[b]! - expected, 5);
    });
    const plain = elbo({ model: model() }).terms(x, { rng: createRng(2) });
    expect(numbers(reconstruction)).toEqual(numbers(plain.reconstruction));
    expect(penalty.shape).toEqual([2]);
  });

  it('averages over several draws, and over every axis of the batch', () => {
    const several = freeBits({ model: model(), nats: 0.4, samples: 3 }).terms(x, { rng: createRng(2) });
    const plain = elbo({ model: model(), samples: 3 }).terms(x, { rng: createRng(2) });
    expect(numbers(several.reconstruction)).toEqual(numbers(plain.reconstruction));
    const deep = freeBits({ model: model(tf.reshape(tf.tensor2d(means), [2, 1, 3])), nats: 0.4 });
    const terms = deep.terms(tf.zeros([2, 2, 3]));
    expect([terms.value.shape, terms.kl.shape, terms.penalty.shape]).toEqual([
      [2, 2],
      [2, 2],
      [2, 2],
    ]);
  });

  it('can be differentiated twice, by one group, too', () => {
    const value = (mean: tf.Tensor): tf.Tensor => {
      const objective = freeBits({ model: model(mean), nats: 0, groups: [[0, 1, 2]] });
      return tf.sum(objective.terms(tf.zeros([2, 3]), { rng: createRng(0) }).penalty);
    };
    // Of two examples, each with the mean of m^2 / 2 over both.
    const second = tf.grad((m) => tf.sum(tf.grad(value)(m)))(tf.tensor2d(means));
    numbers(second).forEach((each) => expect(each).toBeCloseTo(1, 4));
  });

  it('takes groups, one or several', () => {
    expect(penaltyOf({ groups: [[2], [0, 1]] })[1]).toBeCloseTo(
      Math.max(0.4, average[2]!) + Math.max(0.4, average[0]! + average[1]!),
      5,
    );
    expect(penaltyOf({ groups: [[2], [0, 1]], nats: 2 })[0]).toBeCloseTo(
      Math.max(2, average[2]!) + Math.max(2, average[0]! + average[1]!),
      5,
    );
    const all = average.reduce((sum, kl) => sum + kl, 0);
    expect(penaltyOf({ groups: 'all' })[0]).toBeCloseTo(all, 5);
    expect(penaltyOf({ groups: 'all', nats: 9 })).toEqual([9, 9]);
    expect(penaltyOf({ groups: [[0, 1, 2]] })[0]).toBeCloseTo(all, 5);
    expect(penaltyOf({ nats: 0 })[0]).toBeCloseTo(all, 5);
  });

  it('gives groups below lambda no gradient but that of the reconstruction', () => {
    const slope = (nats: number): number[] => {
      const of = (mean: tf.Tensor): tf.Tensor => {
        const terms = freeBits({ model: model(mean), nats }).terms(x, { rng: createRng(2) });
        return tf.mean(tf.sub(terms.value, terms.reconstruction));
      };
      return numbers(tf.grad(of)(tf.tensor2d(means)));
    };
    means.flat().forEach((m, i) => {
      expect(slope(0)[i]).toBeCloseTo(-m / 2, 5);
      expect(slope(0.4)[i]).toBeCloseTo(i % 3 === 0 ? 0 : -m / 2, 5);
    });
    expect(slope(9).map(Math.abs)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('has one group for any q and p, with the KL from the draws', () => {
    const other: LatentVariableModel = {
      ...model(),
      posterior: () => flow({ base: diagNormal({ mean: tf.tensor2d(means), scale: 1 }), bijector: scaleShift({ scale: 2 }) }),
    };
    const { kl, penalty, value, reconstruction } = freeBits({ model: other, nats: 0.4, groups: 'all', samples: 2 }).terms(x, {
      rng: createRng(1),
    });
    const drawn = elbo({ model: other, samples: 2 }).terms(x, { rng: createRng(1) });
    expect(numbers(kl)).toEqual(numbers(drawn.kl));
    expect(numbers(penalty)[1]).toBeCloseTo((numbers(kl)[0]! + numbers(kl)[1]!) / 2, 4);
    expect(numbers(value)[1]).toBeCloseTo(numbers(reconstruction)[1]! - numbers(penalty)[1]!, 4);
    expect(() => freeBits({ model: other, nats: 0.4 })(x)).toThrow(
      "freeBits: the KL of single latent dimensions needs independent normals, but q is 'flow' and p 'diagNormal'.",
    );
    const odd: LatentVariableModel = { ...model(), prior: logistic({ location: tf.zeros([3]), scale: 1 }) };
    expect(() => freeBits({ model: odd, nats: 0.4 })(x)).toThrow("q is 'diagNormal' and p 'logistic'");
  });

  it('holds the prior constant where a call is frozen', () => {
    const prior = diagNormal({ eventShape: [3], trainable: true });
    const slope = (call: CallOptions): number => {
      const f = (): tf.Scalar =>
        tf.add(tf.sum(freeBits({ model: { ...model(), prior }, nats: 0 })(x, call)), tf.mul(tf.sum(prior.parameters.mean!), 0));
      const { grads } = tf.variableGrads(f, [prior.parameters.mean!]);
      return numbers(grads[prior.parameters.mean!.name] as tf.Tensor)[1]!;
    };
    expect(Math.abs(slope({}))).toBeGreaterThan(0.1);
    expect(slope({ frozen: true })).toBe(0);
  });

  it('spreads parameters that broadcast', () => {
    const flat: LatentVariableModel = {
      ...model(),
      posterior: () => diagNormal({ mean: 2, scale: tf.tensor2d([[1], [1]]), eventShape: [3] }),
    };
    const terms = freeBits({ model: flat, nats: 0.4 }).terms(x);
    expect(numbers(terms.kl)).toEqual([6, 6]);
    expect(numbers(terms.penalty)).toEqual([6, 6]);
  });

  it('takes one example without batch axes, of a posterior that has none', () => {
    const { batchShape: _, ...q } = diagNormal({ mean: tf.tensor1d(means[0]!), scale: tf.tensor1d(scales[0]!) });
    const { kl, penalty } = freeBits({ model: { ...model(), posterior: () => q }, nats: 0.4 }).terms(tf.zeros([3]));
    expect([kl.shape, penalty.shape]).toEqual([[], []]);
    expect(numbers(kl)[0]).toBeCloseTo(total[0]!, 5);
  });

  it('refuses what is wrong, by name, and leaves no tensor', () => {
    const at =
      (options: object): (() => unknown) =>
      () =>
        freeBits({ model: model(), nats: 1, ...options } as never);
    const partition = "should be 'each', 'all' or lists that hold each of the 3 latent dimensions once";
    expect(at({ nats: -1 })).toThrow('freeBits: options.nats should be a finite number at least 0, but got -1.');
    expect(at({ samples: 0 })).toThrow('freeBits: options.samples');
    expect(at({ model: {} })).toThrow('freeBits: options.model');
    expect(at({ lambda: 1 })).toThrow("freeBits: unknown option 'lambda'");
    for (const groups of [
      'every',
      [0, 1, 2],
      [[0, 1]],
      [
        [0, 1],
        [1, 2],
      ],
      [[0, 1, 1]],
      [[0, 1, 2], []],
      3,
    ]) {
      expect(at({ groups })).toThrow(`freeBits: options.groups ${partition}`);
    }
    expect(at({ groups: [[0, 1], [3]] })).toThrow('freeBits: entry 2 of options.groups should be below 3, but got 3.');
    expect(at({ groups: [[0, 1], [1.5]] })).toThrow('freeBits: entry 2 of options.groups should be an integer of at least 0');
    const fixed = model();
    const posterior = fixed.posterior(x);
    const objective = freeBits({
      model: { ...fixed, posterior: () => posterior, likelihood: () => posterior },
      nats: 1,
      groups: [[0], [1, 2]],
    });
    expect(() => objective(x, { seed: 1 } as never)).toThrow("freeBits: unknown option 'seed'");
    const before = tf.memory().numTensors;
    objective(x).dispose();
    tf.dispose(objective.terms(x));
    expect(tf.memory().numTensors).toBe(before);
  });
});
