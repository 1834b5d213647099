import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import type { Bijector } from '../core/bijector.js';
import { createRng } from '../core/rng.js';
import { elboSurgery } from '../diagnostics/elboSurgery.js';
import { elbo } from '../objectives/elbo.js';
import { iwae } from '../objectives/iwae.js';
import { iafPosterior } from './iafPosterior.js';
import type { MlpVaeOptions } from './mlpVae.js';
import { mlpVae } from './mlpVae.js';
import { planarFlow } from './planarFlow.js';

const small: MlpVaeOptions = { dataDim: 12, latentDim: 3, hidden: [8, 6], steps: 2, madeHidden: 7 };
const gap = (a: tf.Tensor, b: tf.Tensor): number => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0] as number;

/** Moves every parameter away from where it starts. */
function shake(module: Pick<Bijector, 'parameters'>, size: number): void {
  const rng = createRng(77);
  for (const variable of Object.values(module.parameters)) {
    variable.assign(tf.add(variable, tf.mul(rng.normal(variable.shape), size)) as never);
  }
}

describe('planarFlow', () => {
  it('is a chain of planar maps from a standard normal', () => {
    const density = planarFlow({ dim: 2, steps: 3, rng: createRng(0) });
    shake(density, 0.5);
    expect(Object.keys(density.parameters).filter((name) => name.endsWith('.w'))).toHaveLength(3);
    const [x, logProb] = density.sampleAndLogProb({ shape: [50], rng: createRng(1) });
    expect(gap(density.logProb(x), logProb)).toBeLessThan(1e-3);
    const z = createRng(1).normal([50, 2]);
    const [y, logDet] = density.bijector.forwardAndLogDet(z);
    expect(gap(y, x)).toBe(0);
    expect(gap(tf.sub(tf.sub(tf.mul(tf.sum(tf.square(z), -1), -0.5), Math.log(2 * Math.PI)), logDet), logProb)).toBeLessThan(
      1e-5,
    );
  });

  it('takes a context, and refuses bad sizes', () => {
    const density = planarFlow({ dim: 2, contextDim: 3, rng: createRng(0) });
    shake(density, 0.5);
    const given = density.given(createRng(2).normal([4, 3]));
    expect(given.sample({ rng: createRng(3) }).shape).toEqual([4, 2]);
    expect(() => planarFlow({ dim: 0 })).toThrow('planarFlow: options.dim');
    expect(() => planarFlow({ dim: 2, steps: 0 })).toThrow('planarFlow: options.steps');
    expect(() => planarFlow({ dim: 2, layers: 3 } as never)).toThrow("unknown option 'layers'");
  });
});

describe('iafPosterior', () => {
  it('starts as z -> sigmoid(2)^steps z', () => {
    const bijector = iafPosterior({ dim: 3, steps: 4, hidden: [8, 8], contextDim: 2, rng: createRng(0) });
    const z = createRng(1).normal([5, 3]);
    const [y, logDet] = bijector.forwardAndLogDet(z, { context: createRng(2).normal([5, 2]) });
    const gate = 1 / (1 + Math.exp(-2));
    expect(gap(y, tf.mul(z, gate ** 4))).toBeLessThan(1e-6);
    expect(gap(logDet, tf.fill([5], 12 * Math.log(gate)))).toBeLessThan(1e-5);
  });

  it('lets every entry depend on every other, and on the context', () => {
    const bijector = iafPosterior({ dim: 3, steps: 2, hidden: [16, 16], contextDim: 2, rng: createRng(0) });
    shake(bijector, 0.5);
    const context = createRng(2).normal([1, 2]);
    const z = createRng(1).normal([1, 3]);
    for (let d = 0; d < 3; d++) {
      const [dz, dc] = tf.grads((x: tf.Tensor, c: tf.Tensor) =>
        tf.sum(tf.slice(bijector.forward(x, { context: c }), [0, d], [1, 1])),
      )([z, context]) as [tf.Tensor, tf.Tensor];
      expect(Array.from(dz.dataSync()).every((value) => Math.abs(value) > 1e-6)).toBe(true);
      expect(Array.from(dc.dataSync()).every((value) => Math.abs(value) > 1e-6)).toBe(true);
    }
    expect(gap(bijector.inverse(bijector.forward(z, { context }), { context }), z)).toBeLessThan(1e-3);
    expect(bijector.inverseCost).toBe('sequential');
  });

  it('refuses bad sizes', () => {
    expect(() => iafPosterior({ dim: 0 })).toThrow('iafPosterior: options.dim');
    expect(() => iafPosterior({ dim: 2, steps: 1.5 })).toThrow('iafPosterior: options.steps');
    expect(() => iafPosterior({ dim: 2, offset: 1 } as never)).toThrow("unknown option 'offset'");
  });
});

describe('mlpVae', () => {
  it('has the sizes that it says', () => {
    const sizes = (options: Partial<MlpVaeOptions>): Record<string, number[]> => {
      const model = mlpVae({ dataDim: 784, latentDim: 40, ...options });
      const found = Object.fromEntries(
        Object.entries(model.parameters)
          .filter(([name]) => name.endsWith('kernel'))
          .map(([name, variable]) => [name, variable.shape]),
      );
      model.dispose();
      return found;
    };
    const plain = {
      'encoder.hidden0.kernel': [784, 300],
      'encoder.hidden1.kernel': [300, 300],
      'encoder.output.kernel': [300, 80],
      'decoder.hidden0.kernel': [40, 300],
      'decoder.hidden1.kernel': [300, 300],
      'decoder.output.kernel': [300, 784],
    };
    expect(sizes({})).toEqual(plain);
    const withIaf = sizes({ posterior: 'iaf' });
    expect(withIaf['encoder.output.kernel']).toEqual([300, 120]);
    expect(withIaf['posteriorFlow.layers.0.conditioner.hidden0.kernel']).toEqual([40, 320]);
    expect(withIaf['posteriorFlow.layers.3.conditioner.hidden1.kernel']).toEqual([320, 320]);
    expect(withIaf['posteriorFlow.layers.3.conditioner.output.kernel']).toEqual([320, 80]);
    const withPlanar = sizes({ posterior: 'planar', contextDim: 30, steps: 2, hidden: [300, 200] });
    expect(withPlanar['encoder.output.kernel']).toEqual([200, 110]);
    expect(withPlanar['decoder.hidden0.kernel']).toEqual([40, 200]);
    expect(withPlanar['decoder.hidden1.kernel']).toEqual([200, 300]);
    expect(withPlanar['posteriorFlow.layers.1.kernel']).toEqual([30, 81]);
    expect(sizes({ prior: 'flow' })['prior.bijector.layers.3.conditioner.hidden1.kernel']).toEqual([320, 320]);
  });

  it.each([
    ['gaussian', 'normal'],
    ['planar', 'normal'],
    ['iaf', 'normal'],
    ['gaussian', 'flow'],
    ['iaf', 'flow'],
  ] as const)('learns, %s posterior and %s prior, with a gradient in every parameter and no leak', (posterior, prior) => {
    const rng = createRng(0);
    const model = mlpVae({ ...small, posterior, prior, rng });
    shake(model, 0.05);
    const x = tf.tidy(() => tf.cast(tf.greater(createRng(1).uniform([16, 12]), 0.5), 'float32'));
    const objective = elbo({ model });
    const variables = Object.values(model.parameters);
    const loss = (): tf.Scalar => tf.neg(tf.mean(objective(x, { rng }))) as tf.Scalar;
    const { value, grads } = tf.variableGrads(loss, variables);
    for (const [name, variable] of Object.entries(model.parameters)) {
      expect(
        tf.tidy(() => tf.max(tf.abs(grads[variable.name] as tf.Tensor)).dataSync()[0]),
        name,
      ).toBeGreaterThan(0);
    }
    const first = value.dataSync()[0] as number;
    tf.dispose([value, grads]);
    const optimizer = tf.train.adam(0.01);
    optimizer.minimize(loss, false, variables);
    const before = tf.memory().numTensors;
    for (let step = 0; step < 60; step++) optimizer.minimize(loss, false, variables);
    expect(tf.memory().numTensors).toBe(before);
    const last = tf.tidy(() => loss().dataSync()[0] as number);
    expect(last).toBeLessThan(first - 1);
    expect(last).toBeGreaterThan(Math.log(16) - 1e-3); // 16 examples, nearly all different: log 16 nats at least
    const bound = tf.tidy(() => tf.mean(iwae({ model, samples: 10 })(x, { rng })).dataSync()[0] as number);
    expect(bound).toBeGreaterThan(-last - 0.3);
    optimizer.dispose();
    model.dispose();
  });

  it.each(['gaussian', 'planar', 'iaf'] as const)('is open to ELBO surgery, %s posterior', async (posterior) => {
    const model = mlpVae({ ...small, posterior, rng: createRng(0) });
    shake(model, 0.3);
    const data = createRng(1).uniform([10, 12]);
    const report = await elboSurgery({ model, data, samples: 2, tile: 4, rng: createRng(2) });
    // The ELBO of the same draws.
    let [total, count] = [0, 0];
    const rng = createRng(2);
    for (const [start, size] of [
      [0, 4],
      [4, 4],
      [8, 2],
    ] as const) {
      const part = elbo({ model, samples: 2, kl: 'monteCarlo' })(tf.slice(data, start, size), { rng });
      total += tf.sum(part).dataSync()[0] as number;
      count += size;
    }
    expect(report.elbo).toBeCloseTo(total / count, 3);
    expect(report.mutualInformation).toBeGreaterThan(0.05);
    expect(report.mutualInformation).toBeLessThanOrEqual(report.logN);
  });

  it('refuses what it does not know, by name', () => {
    expect(() => mlpVae({ ...small, dataDim: 0 })).toThrow('mlpVae: options.dataDim should be a positive integer, but got 0.');
    expect(() => mlpVae({ ...small, latentDim: 1.5 })).toThrow('options.latentDim');
    expect(() => mlpVae({ ...small, madeHidden: -1 })).toThrow('options.madeHidden');
    expect(() => mlpVae({ ...small, posterior: 'maf' as never })).toThrow("'gaussian', 'planar' or 'iaf', but got 'maf'");
    expect(() => mlpVae({ ...small, prior: 'vamp' as never })).toThrow("'normal' or 'flow', but got 'vamp'");
    expect(() => mlpVae({ ...small, contextDim: 3 })).toThrow(
      "options.contextDim should be left out where the posterior is 'gaussian'",
    );
    expect(() => mlpVae({ ...small, seed: 3 } as never)).toThrow("unknown option 'seed'");
  });
});
