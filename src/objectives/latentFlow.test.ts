// A flow in the prior and its inverse in the posterior are one model.
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { affine } from '../../test/setup/affineFlow.js';
import { chain } from '../bijectors/chain.js';
import { iaf } from '../bijectors/iaf.js';
import { invert } from '../bijectors/invert.js';
import { maf } from '../bijectors/maf.js';
import { planar } from '../bijectors/planar.js';
import { scaleShift } from '../bijectors/scaleShift.js';
import { mlp } from '../conditioners/mlp.js';
import type { Bijector } from '../core/bijector.js';
import type { Rng } from '../core/rng.js';
import { createRng } from '../core/rng.js';
import { diagNormal } from '../distributions/diagNormal.js';
import { flow } from '../distributions/flow.js';
import { klDivergence } from '../distributions/klDivergence.js';
import { mixture } from '../distributions/mixture.js';
import { standardNormal } from '../distributions/standardNormal.js';
import { randomizeParameters } from '../testing/randomizeParameters.js';
import { elbo } from './elbo.js';
import { iwae } from './iwae.js';
import type { Vae, VaeOptions } from './vae.js';
import { vae } from './vae.js';

const numbers = (t: tf.Tensor): number[] => Array.from(t.dataSync());

/** The same networks and the same flow, in the prior and in the posterior. */
function both(make: (rng: Rng) => Bijector, more: Partial<VaeOptions> = {}, extra = 0): [prior: Vae, posterior: Vae] {
  const rng = createRng(4);
  const parts = {
    encoder: mlp({ inputDim: 5, hidden: [4], outputDim: 6 + extra, rng }),
    decoder: mlp({ inputDim: 3, hidden: [4], outputDim: 5, rng }),
    latentFlow: make(rng),
    ...more,
  };
  const models = (['prior', 'posterior'] as const).map((flowIn) => vae({ ...parts, flowIn })) as [Vae, Vae];
  randomizeParameters(models[0], { rng, scale: 0.5 });
  return models;
}

const near = (found: number[], expected: number[], tolerance = 2e-4): void => {
  expect(found).toHaveLength(expected.length);
  const size = 1 + Math.max(...expected.map(Math.abs));
  expected.forEach((value, i) => {
    expect(Math.abs(found[i]! - value)).toBeLessThan(tolerance * size);
  });
};

const flows: [string, (rng: Rng) => Bijector][] = [
  ['autoregressive', (rng) => chain([maf({ dim: 3, hidden: [5], rng }), scaleShift({ scale: 0.8, shift: 0.3 })])],
  ['inverse autoregressive', (rng) => iaf({ dim: 3, hidden: [5], rng })],
  ['planar', (rng) => planar({ dim: 3, rng })],
];

describe.each(flows)('an %s flow in prior or posterior', (_, make) => {
  const x = createRng(9).uniform([4, 5]);
  const [prior, posterior] = both(make);

  it.each([
    ['elbo', (model: Vae) => elbo({ model, samples: 2 })],
    ['iwae', (model: Vae) => iwae({ model, samples: 3 })],
  ] as const)('gives one %s, and one gradient in every parameter', (_, objective) => {
    const value = (model: Vae): tf.Tensor => objective(model)(x, { rng: createRng(1) });
    near(numbers(value(posterior)), numbers(value(prior)));
    expect(Object.keys(posterior.parameters)).toEqual(Object.keys(prior.parameters));
    const variables = Object.values(prior.parameters);
    const gradients = (model: Vae): number[] => {
      const { grads } = tf.variableGrads(() => tf.sum(value(model)) as tf.Scalar, variables);
      return variables.flatMap(({ name }) => numbers(grads[name] as tf.Tensor));
    };
    near(gradients(posterior), gradients(prior), 1e-3);
  });

  it('has one KL, draw by draw, in value and gradients', () => {
    const kl = (model: Vae): tf.Tensor => elbo({ model, samples: 2 }).perDraw(x, { rng: createRng(2) }).kl;
    near(numbers(kl(posterior)), numbers(kl(prior)));
    const slope = (model: Vae): number[] =>
      numbers(tf.grad((at: tf.Tensor) => tf.sum(elbo({ model }).terms(at, { rng: createRng(2) }).kl))(x));
    near(slope(posterior), slope(prior), 1e-3);
  });

  it('draws the same x', () => {
    expect(numbers(posterior.sample({ shape: [6], rng: createRng(3) }))).toEqual(
      numbers(prior.sample({ shape: [6], rng: createRng(3) })),
    );
  });
});

describe('latentFlow', () => {
  const x = createRng(9).uniform([4, 5]);

  it('has the KL of the formula, where there is one', () => {
    // g(e) = 2 e - 1: the prior of z is N(-1, 4), the posterior of e N((m + 1) / 2, s^2 / 4).
    const [prior, posterior] = both(() => scaleShift({ scale: 2, shift: -1 }));
    const q = vae({ encoder: prior.encoder, decoder: prior.decoder }).posterior(x);
    const exact = numbers(klDivergence(q, diagNormal({ mean: -1, scale: 2, eventShape: [3] })));
    for (const model of [prior, posterior]) {
      near(numbers(elbo({ model, samples: 4000 }).terms(x, { rng: createRng(0) }).kl), exact, 0.05);
    }
  });

  it('is in the prior unless it is said otherwise, over any prior', () => {
    const rng = createRng(0);
    const parts = {
      encoder: mlp({ inputDim: 5, hidden: [4], outputDim: 6, rng }),
      decoder: mlp({ inputDim: 3, hidden: [4], outputDim: 5, rng }),
    };
    const base = diagNormal({ eventShape: [3], trainable: true, mean: 0.5 });
    const latentFlow = planar({ dim: 3, rng });
    const model = vae({ ...parts, prior: base, latentFlow });
    const z = rng.normal([2, 3]);
    expect(numbers(model.prior.logProb(z))).toEqual(numbers(flow({ base, bijector: latentFlow }).logProb(z)));
    expect(Object.keys(model.parameters).filter((name) => !/coder/.test(name))).toEqual([
      'latentFlow.w',
      'latentFlow.u',
      'latentFlow.b',
      'prior.mean',
      'prior.logScale',
    ]);
  });

  it('goes with a flow of the posterior, or a posterior of your own', () => {
    const rng = createRng(5);
    for (const models of [
      both((r) => maf({ dim: 3, hidden: [5], rng: r }), { posteriorFlow: iaf({ dim: 3, contextDim: 2, hidden: [4], rng }) }, 2),
      both((r) => maf({ dim: 3, hidden: [5], rng: r }), {
        posterior: (raw: tf.Tensor) => diagNormal({ mean: tf.slice(raw, [0, 0], [-1, 3]), scale: 0.5 }),
      }),
    ]) {
      const [prior, posterior] = models.map((model) => numbers(elbo({ model, samples: 2 })(x, { rng: createRng(1) })));
      near(posterior!, prior!);
    }
  });

  it('sees the context of a call', () => {
    const rng = createRng(6);
    const networks = {
      encoder: mlp({ inputDim: 5, contextDim: 6, hidden: [4], outputDim: 6, rng }),
      decoder: mlp({ inputDim: 3, contextDim: 6, hidden: [4], outputDim: 5, rng }),
    };
    const models = both(() => affine(3), networks);
    const context = rng.normal([4, 6]);
    const [prior, posterior] = models.map((model) => numbers(elbo({ model, samples: 2 })(x, { rng: createRng(1), context })));
    near(posterior!, prior!);
    const others = numbers(elbo({ model: models[0], samples: 2 })(x, { rng: createRng(1), context: tf.neg(context) }));
    expect(Math.abs(others[0]! - prior![0]!)).toBeGreaterThan(0.01);
  });

  it('draws the same data in both places, for each example of a context', () => {
    const rng = createRng(7);
    const decoder = mlp({ inputDim: 3, contextDim: 2, hidden: [4], outputDim: 5, rng });
    const encoder = mlp({ inputDim: 5, hidden: [4], outputDim: 6, rng });
    const likelihood = (mean: tf.Tensor) => diagNormal({ mean, scale: 0.1 });
    const context = rng.normal([4, 2]);
    for (const latentFlow of [maf({ dim: 3, contextDim: 2, hidden: [5], rng }), planar({ dim: 3, rng })]) {
      randomizeParameters(latentFlow, { rng });
      const draws = (['prior', 'posterior'] as const).map((flowIn) =>
        vae({ encoder, decoder, latentFlow, flowIn, likelihood }).sample({ shape: [2, 3], context, rng: createRng(1) }),
      ) as [tf.Tensor, tf.Tensor];
      expect(draws[0].shape).toEqual([2, 3, 4, 5]);
      near(numbers(draws[1]), numbers(draws[0]));
      // No two codes are the same.
      expect(new Set(numbers(draws[0])).size).toBe(120);
    }
  });

  it('is constant in a frozen call, in both places', () => {
    for (const model of both((rng) => planar({ dim: 3, rng }))) {
      const variables = Object.values(model.parameters);
      const f = (): tf.Scalar =>
        variables.reduce(
          (sum: tf.Tensor, variable) => tf.add(sum, tf.mul(tf.sum(variable), 0)),
          tf.sum(elbo({ model })(x, { frozen: true })),
        ) as tf.Scalar;
      const { grads } = tf.variableGrads(f, variables);
      for (const { name } of variables) {
        expect(tf.max(tf.abs(grads[name] as tf.Tensor)).dataSync()[0]).toBe(0);
      }
    }
  });

  it('lets distributions be freed, and leaves nothing', () => {
    const [, model] = both((rng) => planar({ dim: 3, rng }));
    const z = tf.zeros([4, 3]);
    const before = tf.memory().numTensors;
    for (const distribution of [model.posterior(x), model.likelihood(z)]) {
      distribution.sample().dispose();
      distribution.dispose();
    }
    model.sample({ shape: [2] }).dispose();
    elbo({ model })(x).dispose();
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
    expect(Object.values(model.parameters).every(({ isDisposed }) => isDisposed)).toBe(true);
  });

  it('refuses what is wrong, by name', () => {
    const parts = {
      encoder: mlp({ inputDim: 5, hidden: [4], outputDim: 6 }),
      decoder: mlp({ inputDim: 3, hidden: [4], outputDim: 5 }),
    };
    expect(() => vae({ ...parts, latentFlow: {} as never })).toThrow('vae: options.latentFlow should be a bijector, but got {}.');
    expect(() => vae({ ...parts, flowIn: 'both' as never, latentFlow: planar({ dim: 3 }) })).toThrow(
      "vae: options.flowIn should be 'prior' or 'posterior', but got 'both'.",
    );
    expect(() => vae({ ...parts, flowIn: 'posterior' })).toThrow(
      "vae: options.latentFlow should be a bijector where flowIn is 'posterior', but got nothing.",
    );
    expect(() => vae({ ...parts, flowIn: 'prior' })).not.toThrow();
  });
});

describe('flow KL duality', () => {
  it('KL(q || f of p) is KL(f inverse of q || p), draw by draw', () => {
    const rng = createRng(2);
    const f = maf({ dim: 3, hidden: [6], rng });
    randomizeParameters(f, { rng, scale: 0.7 });
    const q = diagNormal({ mean: tf.tensor2d([[0.3, -1, 0.5]]), scale: tf.tensor2d([[0.5, 0.8, 1.2]]) });
    const p = standardNormal({ eventShape: [3] });
    const kl = (from: typeof q, to: typeof p): tf.Tensor => {
      const [z, logQ] = from.sampleAndLogProb({ shape: [50], rng: createRng(1) });
      return tf.sub(logQ, to.logProb(z));
    };
    const prior = kl(q, flow({ base: p, bijector: f }));
    const posterior = kl(flow({ base: q, bijector: invert(f) }), p);
    near(numbers(posterior), numbers(prior), 1e-5);
  });
});

describe('a mixture as prior', () => {
  it('gives an ELBO with the gradients of its parameters', () => {
    const rng = createRng(3);
    const model = vae({
      encoder: mlp({ inputDim: 5, hidden: [4], outputDim: 4, rng }),
      decoder: mlp({ inputDim: 2, hidden: [4], outputDim: 5, rng }),
      prior: mixture({
        logits: tf.tensor1d([0.5, -0.5]),
        components: [0, 1].map((k) => diagNormal({ eventShape: [2], mean: k - 0.3, trainable: true })),
        trainable: true,
      }),
    });
    const value = (): tf.Scalar =>
      tf.sum(elbo({ model, samples: 2 })(createRng(9).uniform([4, 5]), { rng: createRng(1) })) as tf.Scalar;
    const names = ['prior.logits', 'prior.components.0.mean', 'prior.components.1.logScale'];
    const { grads } = tf.variableGrads(
      value,
      names.map((name) => model.parameters[name] as tf.Variable),
    );
    for (const name of names) {
      const variable = model.parameters[name] as tf.Variable;
      const gradient = grads[variable.name] as tf.Tensor;
      const [before, norm] = [tf.clone(variable), tf.norm(gradient).dataSync()[0] as number];
      const moved = (by: number): number => {
        variable.assign(tf.add(before, tf.mul(gradient, by / norm)));
        return value().dataSync()[0] as number;
      };
      expect((moved(1e-2) - moved(-1e-2)) / 2e-2 / norm).toBeCloseTo(1, 1);
      variable.assign(before);
    }
  });
});
