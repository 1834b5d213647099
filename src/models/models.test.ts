import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import type { Bijector } from '../core/bijector.js';
import { createRng } from '../core/rng.js';
import { elbo } from '../objectives/elbo.js';
import { checkBijector } from '../testing/checkBijector.js';
import { randomizeParameters } from '../testing/randomizeParameters.js';
import { iafPosterior, mafFlow, mlpVae, planarFlow, realNvp, splineFlow } from './index.js';

const flows: [string, (rng: ReturnType<typeof createRng>) => Bijector][] = [
  ['planarFlow', (rng) => planarFlow({ dim: 3, steps: 2, contextDim: 2, rng })],
  ['iafPosterior', (rng) => iafPosterior({ dim: 3, contextDim: 2, hidden: [5], activation: 'tanh', steps: 2, rng })],
  ['mafFlow', (rng) => mafFlow({ dim: 3, contextDim: 2, hidden: [5], activation: 'tanh', layers: 2, rng })],
  ['realNvp', (rng) => realNvp({ dim: 3, contextDim: 2, hidden: [5], activation: 'tanh', layers: 3, rng })],
  [
    'splineFlow',
    (rng) => splineFlow({ dim: 3, contextDim: 2, hidden: [5], activation: 'tanh', bins: 3, bound: 4, layers: 3, rng }),
  ],
];

describe('flows of the literature', () => {
  test.each(flows)('%s obeys the laws of a bijector', async (_, make) => {
    const rng = createRng(3);
    const bijector = make(rng);
    randomizeParameters(bijector, { rng, scale: 0.5 });
    await checkBijector({ bijector, x: rng.normal([3, 3]), context: rng.normal([3, 2]), gradients: 'joint' });
  });

  test('realNvp changes every entry, and starts as the identity', () => {
    const bijector = realNvp({ dim: 4, layers: 2, hidden: [4], rng: createRng(0) });
    const x = tf.tensor1d([1, 2, 3, 4]);
    expect([...bijector.forward(x).dataSync()]).toEqual([1, 2, 3, 4]);
    randomizeParameters(bijector, { rng: createRng(1) });
    const y = bijector.forward(x).dataSync();
    [1, 2, 3, 4].forEach((value, i) => {
      expect(y[i]).not.toBeCloseTo(value, 3);
    });
  });

  test('splineFlow changes every entry within its bound, and starts as the identity', () => {
    const bijector = splineFlow({ dim: 4, layers: 2, bins: 4, bound: 6, hidden: [4], rng: createRng(0) });
    const x = [1, 2, 3, 7];
    bijector
      .forward(tf.tensor1d(x))
      .dataSync()
      .forEach((value, i) => {
        expect(value).toBeCloseTo(x[i]!, 5);
      });
    randomizeParameters(bijector, { rng: createRng(1) });
    const y = bijector.forward(tf.tensor1d(x)).dataSync();
    [1, 2, 3].forEach((value, i) => {
      expect(y[i]).not.toBeCloseTo(value, 3);
    });
    expect(y[3]).toBe(7);
    expect(Object.keys(splineFlow({ dim: 2 }).parameters).filter((name) => name.endsWith('output.bias')).length).toBe(4);
  });

  test('iafPosterior reverses between its steps only: the last entry sees the first, and the first the last', () => {
    const bijector = iafPosterior({ dim: 3, contextDim: 1, hidden: [8], steps: 2, rng: createRng(0) });
    randomizeParameters(bijector, { rng: createRng(1) });
    const context = tf.ones([1]);
    const dependence = (i: number) =>
      tf
        .grad((z) => tf.sum(tf.slice(bijector.forward(z, { context }), [i], [1])))(tf.ones([3]))
        .dataSync();
    for (const i of [0, 1, 2]) {
      expect([...dependence(i)].filter((value) => value !== 0).length).toBeGreaterThanOrEqual(i === 0 ? 3 : 2);
    }
    // One reversal in all: at the start the map is a scaled reversal.
    const fresh = iafPosterior({ dim: 3, contextDim: 1, steps: 2, rng: createRng(0) });
    const z = fresh.forward(tf.tensor1d([1, 2, 3]), { context }).dataSync();
    const gate = 1 / (1 + Math.exp(-2));
    [3, 2, 1].forEach((value, i) => {
      expect(z[i]).toBeCloseTo(value * gate ** 2, 5);
    });
  });

  test.each([
    [() => planarFlow({ dim: 2, steps: 0 }), 'planarFlow: options.steps should be a positive integer, but got 0.'],
    [() => iafPosterior({ dim: 2, contextDim: 1, steps: 1.5 }), 'iafPosterior: options.steps should be a positive integer'],
    [() => mafFlow({ dim: 2, layers: -1 }), 'mafFlow: options.layers should be a positive integer, but got -1.'],
    [() => realNvp({ dim: 2, layers: 0 }), 'realNvp: options.layers should be a positive integer, but got 0.'],
    [() => splineFlow({ dim: 2, layers: 0 }), 'splineFlow: options.layers should be a positive integer, but got 0.'],
    [() => splineFlow({ dim: 2, depth: 3 } as never), "splineFlow: unknown option 'depth'"],
    [() => realNvp({ dim: 2, depth: 3 } as never), "realNvp: unknown option 'depth'"],
  ])('refuses wrong options %#', (make, message) => {
    expect(make).toThrow(message);
  });
});

describe('mlpVae', () => {
  const sizes = { dataDim: 6, latentDim: 2, hidden: [5], flowHidden: [4], steps: 2, contextDim: 3 };

  test.each(
    (['gaussian', 'planar', 'iaf'] as const).flatMap((posterior) =>
      (['normal', 'flow'] as const).map((prior) => [posterior, prior] as const),
    ),
  )('every parameter gets a gradient: posterior %s, prior %s', (posterior, prior) => {
    const rng = createRng(0);
    const model = mlpVae({ ...sizes, posterior, prior, rng });
    randomizeParameters(model, { rng, scale: 0.5 });
    const x = tf.cast(tf.greater(rng.uniform([4, 6]), 0.5), 'float32');
    const before = tf.memory().numTensors;
    const variables = Object.values(model.parameters);
    const { value, grads } = tf.variableGrads(() => tf.mean(elbo({ model })(x, { rng })) as tf.Scalar, variables);
    for (const [name, variable] of Object.entries(model.parameters)) {
      expect(grads[variable.name], name).toBeDefined();
    }
    expect(Number.isFinite(value.dataSync()[0])).toBe(true);
    tf.dispose([value, grads]);
    expect(tf.memory().numTensors).toBe(before);
    const names = Object.keys(model.parameters);
    expect(names.some((name) => name.startsWith('posteriorFlow.'))).toBe(posterior !== 'gaussian');
    expect(names.some((name) => name.startsWith('prior.'))).toBe(prior === 'flow');
    const all = tf.memory().numTensors;
    model.dispose();
    expect(all - tf.memory().numTensors).toBe(variables.length + Object.keys(model.buffers).length);
  });

  test('has the sizes of its options', () => {
    const model = mlpVae({ ...sizes, rng: createRng(0) });
    expect(model.parameters['encoder.hidden0.kernel']?.shape).toEqual([6, 5]);
    expect(model.parameters['encoder.output.kernel']?.shape).toEqual([5, 7]);
    expect(model.parameters['decoder.output.kernel']?.shape).toEqual([5, 6]);
    expect(model.parameters['posteriorFlow.layers.2.conditioner.hidden0.context']?.shape).toEqual([3, 4]);
    expect(mlpVae({ dataDim: 6, latentDim: 2 }).parameters['encoder.hidden1.kernel']?.shape).toEqual([300, 300]);
  });

  test.each([
    [{ ...sizes, posterior: 'flow' }, "mlpVae: options.posterior should be 'gaussian', 'planar' or 'iaf', but got 'flow'."],
    [{ ...sizes, prior: 'vamp' }, "mlpVae: options.prior should be 'normal' or 'flow', but got 'vamp'."],
    [{ ...sizes, dataDim: 0 }, 'mlpVae: options.dataDim should be a positive integer, but got 0.'],
    [{ ...sizes, latentDim: 2.5 }, 'mlpVae: options.latentDim'],
    [{ ...sizes, contextDim: 0 }, 'mlpVae: options.contextDim'],
    [{ ...sizes, layers: 2 }, "mlpVae: unknown option 'layers'"],
  ])('refuses wrong options %#', (options, message) => {
    expect(() => mlpVae(options as never)).toThrow(message);
  });
});
