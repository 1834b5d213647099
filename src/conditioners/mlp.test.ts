import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { createRng } from '../core/rng.js';
import { expectNoLeak } from '../testing/expectNoLeak.js';
import { randomizeParameters } from '../testing/randomizeParameters.js';
import type { ActivationName } from './activation.js';
import type { MlpOptions } from './mlp.js';
import { mlp } from './mlp.js';

type Matrix = number[][];
const matrix = (t: tf.Tensor): Matrix => t.arraySync() as Matrix;
const row = (t: tf.Tensor): number[] => t.arraySync() as number[];
const affine = (x: number[], kernel: Matrix, bias: number[]): number[] =>
  bias.map((b, j) => x.reduce((total, value, i) => total + value * kernel[i]![j]!, b));

const functions: Record<ActivationName, (x: number) => number> = {
  relu: (x) => Math.max(x, 0),
  leakyRelu: (x) => Math.max(x, 0.2 * x),
  elu: (x) => (x > 0 ? x : Math.expm1(x)),
  softplus: (x) => Math.log1p(Math.exp(x)),
  swish: (x) => x / (1 + Math.exp(-x)),
  tanh: Math.tanh,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
};

describe('mlp', () => {
  test.each(Object.keys(functions) as ActivationName[])('with %s computes the layers of its formula', (activation) => {
    const network = mlp({ inputDim: 2, outputDim: 3, contextDim: 2, hidden: [4, 5], activation, rng: createRng(1) });
    randomizeParameters(network, { rng: createRng(2) });
    const p = network.parameters;
    const [x, context] = [
      [0.5, -1.5],
      [2, 0.25],
    ] as const;
    const act = functions[activation];
    const first = affine([...x], matrix(p['hidden0.kernel']!), row(p['hidden0.bias']!));
    const added = affine([...context], matrix(p['hidden0.context']!), Array(4).fill(0));
    const second = affine(
      first.map((value, i) => act(value + added[i]!)),
      matrix(p['hidden1.kernel']!),
      row(p['hidden1.bias']!),
    );
    const expected = affine(second.map(act), matrix(p['output.kernel']!), row(p['output.bias']!));
    const got = row(network.apply(tf.tensor1d([...x]), { context: tf.tensor1d([...context]) }));
    got.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i]!, 4);
    });
  });

  test('takes any function as activation, and none with no hidden layer, where the context enters the output', () => {
    const squares = mlp({ inputDim: 1, outputDim: 1, hidden: [1], activation: (x) => tf.square(x), rng: createRng(0) });
    for (const name of ['hidden0.kernel', 'output.kernel']) squares.parameters[name]!.assign(tf.ones([1, 1]));
    expect(row(squares.apply(tf.tensor1d([3])))).toEqual([9]);

    const plain = mlp({ inputDim: 2, outputDim: 1, contextDim: 1, hidden: [] });
    expect(Object.keys(plain.parameters)).toEqual(['output.kernel', 'output.bias', 'output.context']);
    plain.parameters['output.kernel']!.assign(tf.tensor2d([[1], [2]]));
    plain.parameters['output.context']!.assign(tf.tensor2d([[10]]));
    expect(row(plain.apply(tf.tensor1d([1, 1]), { context: tf.tensor1d([5]) }))).toEqual([53]);
  });

  test('broadcasts the context to any batch axes, and leaves one tensor', async () => {
    const network = mlp({ inputDim: 2, outputDim: 3, contextDim: 2, hidden: [4], rng: createRng(1) });
    const context = createRng(2).normal([5, 2]);
    const x = createRng(3).normal([7, 5, 2]);
    const all = network.apply(x, { context });
    expect(all.shape).toEqual([7, 5, 3]);
    const one = network.apply(tf.reshape(tf.slice(x, [6, 4, 0], [1, 1, 2]), [2]), {
      context: tf.reshape(tf.slice(context, [4, 0], [1, 2]), [2]),
    });
    expect(row(one)).toEqual((all.arraySync() as number[][][])[6]![4]);
    await expectNoLeak(() => network.apply(x, { context }));
  });

  test('starts with the stated variances, and at zero where asked', () => {
    const deviation = (t: tf.Tensor): number => Math.sqrt(tf.mean(tf.square(t)).dataSync()[0]!);
    const he = mlp({ inputDim: 100, outputDim: 50, contextDim: 60, hidden: [80], rng: createRng(1) }).parameters;
    expect(deviation(he['hidden0.kernel']!) / Math.sqrt(2 / 160)).toBeCloseTo(1, 1);
    expect(deviation(he['hidden0.context']!) / Math.sqrt(2 / 160)).toBeCloseTo(1, 1);
    expect(deviation(he['output.kernel']!) / Math.sqrt(2 / 130)).toBeCloseTo(1, 1);
    expect(deviation(he['hidden0.bias']!)).toBe(0);
    const glorot = mlp({ inputDim: 100, outputDim: 50, hidden: [80], activation: 'tanh', zeroOutput: true, rng: createRng(1) });
    expect(deviation(glorot.parameters['hidden0.kernel']!) / Math.sqrt(2 / 180)).toBeCloseTo(1, 1);
    expect(deviation(glorot.parameters['output.kernel']!)).toBe(0);
    const seeded = (): number[] =>
      row(mlp({ inputDim: 1, outputDim: 1, hidden: [], rng: createRng(9) }).parameters['output.kernel']!);
    expect(seeded()).toEqual(seeded());
  });

  test('has a gradient in every parameter, none of them when frozen, and the same in x and the context', () => {
    const network = mlp({ inputDim: 2, outputDim: 3, contextDim: 2, hidden: [4], activation: 'tanh', rng: createRng(1) });
    const [x, context] = [createRng(3).normal([5, 2]), createRng(2).normal([5, 2])];
    const variables = Object.values(network.parameters);
    const { grads } = tf.variableGrads(() => tf.sum(tf.square(network.apply(x, { context }))), variables as tf.Variable[]);
    expect(Object.values(grads).every((g) => tf.max(tf.abs(g)).dataSync()[0]! > 0)).toBe(true);
    const inputs = (frozen: boolean): tf.Tensor[] =>
      tf.grads((a: tf.Tensor, b: tf.Tensor) => tf.sum(tf.square(network.apply(a, { context: b, frozen }))))([x, context]);
    expect(inputs(true).map((g) => g.arraySync())).toEqual(inputs(false).map((g) => g.arraySync()));
    // Through x alone: what is frozen would otherwise lie on no path at all.
    const scale = tf.variable(tf.scalar(1));
    const frozen = tf.variableGrads(
      () => tf.sum(network.apply(tf.mul(x, scale), { context, frozen: true })),
      [scale, ...(variables as tf.Variable[])],
    ).grads;
    expect(Object.entries(frozen).filter(([, g]) => g !== null).length).toBe(1);
  });

  test('frees its variables, twice without complaint', () => {
    const before = tf.memory().numTensors;
    const network = mlp({ inputDim: 2, outputDim: 3, contextDim: 2, hidden: [4] });
    expect(tf.memory().numTensors - before).toBe(5);
    network.dispose();
    network.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test.each([
    [{ inputDim: 0, outputDim: 1, hidden: [] }, 'mlp: options.inputDim should be a positive integer, but got 0'],
    [{ inputDim: 1, outputDim: 1.5, hidden: [] }, 'mlp: options.outputDim'],
    [{ inputDim: 1, outputDim: 1, hidden: 8 }, 'mlp: options.hidden should be a list of sizes, but got 8'],
    [{ inputDim: 1, outputDim: 1, hidden: [8, 0] }, 'mlp: options.hidden[1] should be a positive integer'],
    [{ inputDim: 1, outputDim: 1, hidden: [8], contextDim: -1 }, 'mlp: options.contextDim'],
    [
      { inputDim: 1, outputDim: 1, hidden: [8], activation: 'cube' },
      'mlp: options.activation should be a function, or one of relu',
    ],
    [{ inputDim: 1, outputDim: 1, hidden: [8], layers: 2 }, "mlp: unknown option 'layers'"],
  ])('refuses %j', (options, message) => {
    expect(() => mlp(options as MlpOptions)).toThrow(message);
  });

  test('refuses inputs of a wrong shape and a missing context', () => {
    const network = mlp({ inputDim: 2, outputDim: 3, contextDim: 2, hidden: [4] });
    expect(() => network.apply(tf.zeros([5, 3]))).toThrow('mlp.apply: x should be');
    expect(() => network.apply(tf.zeros([5, 2]))).toThrow('mlp.apply: options.context should be');
    expect(() => network.apply(tf.zeros([5, 2]), { context: tf.zeros([4, 2]) })).toThrow('mlp.apply: options.context should be');
  });
});
