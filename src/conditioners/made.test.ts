import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import type { CallOptions } from '../core/bijector.js';
import { createRng } from '../core/rng.js';
import { expectNoLeak } from '../testing/expectNoLeak.js';
import { randomizeParameters } from '../testing/randomizeParameters.js';
import type { Made, MadeOptions } from './made.js';
import { made } from './made.js';

/** Which outputs depend on which inputs: rows are inputs. */
function dependence(f: (x: tf.Tensor) => tf.Tensor, at: tf.Tensor): boolean[][] {
  const outputs = f(at).size;
  const columns = Array.from({ length: outputs }, (_, o) =>
    Array.from(
      tf
        .grad((x) => tf.sum(tf.slice(f(x), [o], [1])))(at)
        .dataSync(),
      (value) => value !== 0,
    ),
  );
  return Array.from({ length: at.size }, (_, i) => columns.map((column) => column[i]!));
}

/** What `apply` gives for x, from the steps of an evaluation input by input. */
function byStep(network: Made, x: tf.Tensor, call: CallOptions = {}): tf.Tensor {
  return tf.tidy(() => {
    const batch = x.shape.slice(0, -1);
    const order = Array.from(network.order.dataSync());
    const entries = tf.unstack(x, -1);
    const step = network.stepwise!(batch, call)!;
    const inputs = order.map((_, rank) => order.indexOf(rank));
    const found = inputs.map((_, rank) => step(rank === 0 ? undefined : entries[inputs[rank - 1]!]));
    return tf.concat(
      order.map((rank) => found[rank]!),
      -1,
    );
  });
}

function expectClose(found: tf.Tensor, expected: tf.Tensor, tolerance = 1e-6): void {
  expect(found.shape).toEqual(expected.shape);
  const values = expected.dataSync();
  const worst = Math.max(
    ...Array.from(found.dataSync(), (value, i) => Math.abs(value - values[i]!) / Math.max(1, Math.abs(values[i]!))),
  );
  expect(worst).toBeLessThan(tolerance);
}

const configurations = [1, 2, 5].flatMap((dim) =>
  (['natural', 'reversed', 'random', 'list'] as const).flatMap((order) =>
    [false, true].flatMap((residual) => [0, 2].map((contextDim) => ({ dim, order, residual, contextDim }))),
  ),
);

describe.each(configurations)('made, $dim inputs, $order, residual $residual, context $contextDim', (configuration) => {
  const { dim, residual, contextDim } = configuration;
  const order = configuration.order === 'list' ? [3, 0, 4, 1, 2].filter((rank) => rank < dim) : configuration.order;
  const network = made({
    dim,
    parameterSize: 2,
    contextDim,
    hidden: [16, 16],
    activation: 'tanh',
    order,
    residual,
    rng: createRng(5),
  });
  randomizeParameters(network, { rng: createRng(6), scale: 0.5 });
  const x = createRng(7).normal([dim]);
  const context = createRng(8).normal([Math.max(1, contextDim)]);
  const call = contextDim > 0 ? { context } : {};

  test('lets output d depend on exactly the inputs of lower rank, and on all of the context', () => {
    const order = Array.from(network.order.dataSync());
    expect([...order].sort()).toEqual(Array.from({ length: dim }, (_, d) => d));
    const seen = dependence((value) => network.apply(value, call), x);
    seen.forEach((row, input) => {
      row.forEach((depends, output) => {
        expect(depends, `input ${input}, output ${output}`).toBe(order[input]! < order[Math.floor(output / 2)]!);
      });
    });
    if (contextDim > 0) {
      const fromContext = dependence((value) => network.apply(x, { context: value }), context);
      expect(fromContext.flat().every(Boolean)).toBe(true);
    }
  });

  // A single input has nothing to wait for.
  if (dim > 1) {
    test('is the same input by input', () => {
      expectClose(byStep(network, x, call), network.apply(x, call));
      const [some, contexts] = [createRng(9).normal([3, 2, dim]), createRng(10).normal([2, 2])];
      const many = contextDim > 0 ? { context: contexts } : {};
      expectClose(byStep(network, some, many), network.apply(some, many));
    });
  }

  test('wastes no hidden unit: every bias reaches the output', () => {
    const biases = Object.entries(network.parameters).filter(([name]) => name.endsWith('bias'));
    for (const [, bias] of biases) {
      const { grads } = tf.variableGrads(() => tf.sum(network.apply(x, call)), [bias]);
      expect(Array.from(grads[bias.name]!.dataSync()).every((value) => value !== 0)).toBe(true);
    }
  });
});

describe('made', () => {
  test('uses every degree in narrow layers too, whatever their order of sizes', () => {
    for (const hidden of [[3], [1], [10, 2], [2, 10], [7, 3, 5], []]) {
      const network = made({ dim: 6, parameterSize: 1, hidden, activation: 'tanh', rng: createRng(1) });
      randomizeParameters(network, { rng: createRng(2) });
      const x = createRng(3).normal([6]);
      const seen = dependence((value) => network.apply(value), x);
      // Never from a higher rank, and the last output depends on the first input.
      expect(seen.every((row, i) => row.every((depends, o) => !depends || i < o))).toBe(true);
      expect(seen[0]![5]).toBe(true);
      for (const [, bias] of Object.entries(network.parameters).filter(([name]) => name.endsWith('bias'))) {
        const { grads } = tf.variableGrads(() => tf.sum(network.apply(x)), [bias]);
        expect(Array.from(grads[bias.name]!.dataSync()).every((value) => value !== 0)).toBe(true);
      }
    }
  });

  test('is the same input by input in every shape, with the same gradients', async () => {
    const x = createRng(3).normal([4, 6]);
    const context = createRng(4).normal([1, 3]);
    const weights = createRng(5).normal([4, 12]);
    for (const [hidden, options] of [
      [[3], {}],
      [[1], { order: 'reversed', contextDim: 0 }],
      [[10, 2], { contextLayers: 'all' }],
      [[2, 10], { contextDim: 0 }],
      [[7, 3, 5], { order: 'random', activation: 'swish' }],
      [[64, 64], { order: 'random' }],
      [[4, 4, 4], { residual: true, contextLayers: 'all', order: [3, 0, 5, 4, 1, 2] }],
      [[9, 9], { residual: true, contextDim: 0 }],
      [[], { order: 'random' }],
      [[], { contextDim: 0 }],
    ] as const) {
      const network = made({
        dim: 6,
        parameterSize: 2,
        contextDim: 3,
        activation: 'tanh',
        hidden,
        rng: createRng(1),
        ...options,
      });
      randomizeParameters(network, { rng: createRng(2), scale: 0.4 });
      const call = network.contextDim > 0 ? { context } : {};
      expectClose(byStep(network, x, call), network.apply(x, call));
      const gradients = (f: (x: tf.Tensor, call: CallOptions) => tf.Tensor, frozen: boolean): tf.Tensor[] =>
        tf.grads((x, context) => {
          const all = f(x, network.contextDim > 0 ? { context: context!, frozen } : { frozen });
          return tf.sum(tf.mul(weights, tf.sin(tf.add(all, tf.mul(tf.sum(context!), 0)))));
        })([x, context]);
      for (const frozen of [false, true]) {
        const expected = gradients((value, given) => network.apply(value, given), frozen);
        gradients((value, given) => byStep(network, value, given), frozen).forEach((gradient, i) => {
          expectClose(gradient, expected[i]!, 1e-5);
        });
      }
      const trained = (f: () => tf.Tensor): tf.NamedTensorMap =>
        tf.variableGrads(() => tf.sum(tf.mul(weights, tf.sin(f()))), Object.values(network.parameters)).grads;
      const expected = trained(() => network.apply(x, call));
      const found = trained(() => byStep(network, x, call));
      for (const [name, value] of Object.entries(network.parameters)) {
        expectClose(found[value.name]!, expected[value.name]!, 1e-5);
        expect(Math.max(...tf.abs(found[value.name]!).dataSync()), name).toBeGreaterThan(0);
      }
      expect(() => trained(() => byStep(network, x, { ...call, frozen: true }))).toThrow('Cannot find a connection');
      await expectNoLeak(() => byStep(network, x, call));
    }
  });

  test('has no steps where no unit sees an input', () => {
    const hasSteps = (options: MadeOptions): boolean => made(options).stepwise?.([], { context: tf.ones([1]) }) !== undefined;
    expect(hasSteps({ dim: 1, parameterSize: 2, hidden: [4] })).toBe(false);
    expect(hasSteps({ dim: 3, parameterSize: 2, hidden: [1], contextDim: 1 })).toBe(false);
    expect(hasSteps({ dim: 2, parameterSize: 2, hidden: [1] })).toBe(true);
  });

  test('has steps with masks of its own degrees, in whatever order, and none with others', () => {
    const options = { dim: 4, parameterSize: 2, hidden: [6, 6], activation: 'tanh', order: 'random' } as const;
    const [network, other] = [made({ ...options, rng: createRng(1) }), made({ ...options, rng: createRng(2) })];
    const x = createRng(3).normal([4]);
    for (const [name, value] of Object.entries(network.buffers)) {
      expect(name === 'hidden1.mask' || `${value.dataSync()}` !== `${other.buffers[name]!.dataSync()}`, name).toBe(true);
      value.assign(other.buffers[name]!);
    }
    expectClose(byStep(network, x), network.apply(x));
    for (const name of ['hidden0.mask', 'hidden1.mask', 'output.mask', 'order']) {
      const buffer = network.buffers[name]!;
      const before = tf.clone(buffer);
      buffer.assign(tf.cast(tf.reverse(before, -1), buffer.dtype));
      expect(network.stepwise!([], {}), name).toBeUndefined();
      buffer.assign(before);
      expect(network.stepwise!([], {}), name).toBeTypeOf('function');
    }
  });

  test('names parameters and buffers by path, the masks among what is saved', () => {
    const plain = made({ dim: 3, parameterSize: 2, contextDim: 1, hidden: [4, 5] });
    expect(Object.keys(plain.parameters)).toEqual([
      'hidden0.kernel',
      'hidden0.bias',
      'hidden0.context',
      'hidden1.kernel',
      'hidden1.bias',
      'output.kernel',
      'output.bias',
    ]);
    expect(Object.keys(plain.buffers)).toEqual(['hidden0.mask', 'hidden1.mask', 'output.mask', 'order']);
    const residual = made({ dim: 3, parameterSize: 2, contextDim: 1, contextLayers: 'all', hidden: [4, 4], residual: true });
    expect(Object.keys(residual.parameters).filter((name) => name.startsWith('hidden1'))).toEqual([
      'hidden1.inner.kernel',
      'hidden1.inner.bias',
      'hidden1.inner.context',
      'hidden1.outer.kernel',
      'hidden1.outer.bias',
    ]);
    expect(Object.keys(residual.buffers)).toEqual([
      'hidden0.mask',
      'hidden1.inner.mask',
      'hidden1.outer.mask',
      'output.mask',
      'order',
    ]);
    const before = tf.memory().numTensors;
    residual.dispose();
    expect(before - tf.memory().numTensors).toBe(Object.keys(residual.parameters).length + 5);
  });

  test('feed-forward and residual are their formulas', () => {
    const x = createRng(1).normal([3]);
    const context = createRng(2).normal([2]);
    for (const residual of [false, true]) {
      const network = made({
        dim: 3,
        parameterSize: 2,
        contextDim: 2,
        contextLayers: 'all',
        hidden: [8, 8],
        activation: 'tanh',
        residual,
        rng: createRng(3),
      });
      randomizeParameters(network, { rng: createRng(4) });
      const layer = (name: string, h: tf.Tensor): tf.Tensor => {
        const p = network.parameters;
        const kernel = tf.mul(p[`${name}.kernel`]!, network.buffers[`${name}.mask`]!);
        const y = tf.add(tf.dot(h as tf.Tensor1D, kernel as tf.Tensor2D), p[`${name}.bias`]!);
        return `${name}.context` in p ? tf.add(y, tf.dot(context as tf.Tensor1D, p[`${name}.context`] as tf.Tensor2D)) : y;
      };
      const first = layer('hidden0', x);
      const hidden = residual
        ? tf.add(first, layer('hidden1.outer', tf.tanh(layer('hidden1.inner', tf.tanh(first)))))
        : tf.tanh(layer('hidden1', tf.tanh(first)));
      const expected = layer('output', hidden).dataSync();
      network
        .apply(x, { context })
        .dataSync()
        .forEach((value, i) => {
          expect(value).toBeCloseTo(expected[i]!, 5);
        });
    }
  });

  test('starts with outputs at zero where asked, and draws the same from the same seed', () => {
    const options = { dim: 4, parameterSize: 2, hidden: [8], order: 'random' } as const;
    const zero = made({ ...options, zeroOutput: true });
    expect(tf.max(tf.abs(zero.apply(tf.ones([4])))).dataSync()[0]).toBe(0);
    const [a, b] = [made({ ...options, rng: createRng(3) }), made({ ...options, rng: createRng(3) })];
    expect(a.order.dataSync()).toEqual(b.order.dataSync());
    expect(a.apply(tf.ones([4])).arraySync()).toEqual(b.apply(tf.ones([4])).arraySync());
  });

  test('takes batch axes and a broadcast context, and leaves one tensor', async () => {
    const network = made({ dim: 3, parameterSize: 2, contextDim: 2, hidden: [8], rng: createRng(3) });
    const [x, context] = [createRng(4).normal([4, 5, 3]), createRng(5).normal([5, 2])];
    expect(network.apply(x, { context }).shape).toEqual([4, 5, 6]);
    await expectNoLeak(() => network.apply(x, { context }));
  });

  test.each([
    [{ dim: 0 }, 'made: options.dim should be a positive integer'],
    [{ parameterSize: 0 }, 'made: options.parameterSize'],
    [{ contextDim: 0.5 }, 'made: options.contextDim'],
    [{ contextLayers: 'last' }, "made: options.contextLayers should be 'first' or 'all'"],
    [{ hidden: 'wide' }, 'made: options.hidden'],
    [{ hidden: [4], residual: true }, 'made: options.hidden should be a list of at least 2 sizes'],
    [{ hidden: [4, 5], residual: true }, 'made: options.hidden should be of equal sizes'],
    [{ order: [0, 1] }, "made: options.order should be 'natural', 'reversed', 'random' or a permutation of 0 ... 2"],
    [{ order: [0, 1, 1] }, 'made: options.order'],
    [{ order: 'sorted' }, 'made: options.order'],
    [{ activation: 'cube' }, 'made: options.activation'],
    [{ depth: 3 }, "made: unknown option 'depth'"],
  ])('refuses %j', (options, message) => {
    expect(() => made({ dim: 3, parameterSize: 1, hidden: [4], ...options } as MadeOptions)).toThrow(message);
  });

  test('refuses inputs of a wrong shape', () => {
    expect(() => made({ dim: 3, parameterSize: 1, hidden: [4] }).apply(tf.zeros([2]))).toThrow('made.apply: x should be');
  });
});
