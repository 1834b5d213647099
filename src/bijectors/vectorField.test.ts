import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { createRng } from '../core/rng.js';
import { randomizeParameters } from '../testing/randomizeParameters.js';
import type { SmoothActivationName } from './vectorField.js';
import { pull, push, vectorField } from './vectorField.js';

const sigmoid = (s: number): number => 1 / (1 + Math.exp(-s));
const scalars: Record<SmoothActivationName, (s: number, rawBeta: number) => number> = {
  tanh: (s) => Math.tanh(s),
  softplus: (s) => Math.log1p(Math.exp(s)),
  lipSwish: (s, rawBeta) => (s * sigmoid(s * Math.log1p(Math.exp(rawBeta)))) / 1.1,
};

describe.each(['tanh', 'softplus', 'lipSwish'] as const)('a field of %s', (activation) => {
  const rng = createRng(2);
  const field = vectorField({ dim: 2, hidden: [4, 3, 3], activation, contextDim: 1, time: true, rng });
  randomizeParameters(field, { rng, scale: 1 });
  const time = 0.7;

  /** The network in float64. */
  const reference = (x: readonly number[], context: readonly number[], at = time): number[] => {
    const value = (name: string): number[] => Array.from(field.parameters[name]?.dataSync() ?? []);
    const times = (h: readonly number[], name: string, size: number): number[] =>
      Array.from({ length: size }, (_, j) => h.reduce((total, hi, i) => total + hi * (value(name)[i * size + j] ?? 0), 0));
    return ['hidden0', 'hidden1', 'hidden2', 'output'].reduce<number[]>((h, name) => {
      const bias = value(`${name}.bias`);
      const s = times(h, `${name}.kernel`, bias.length).map(
        (product, j) => product + bias[j]! + at * value(`${name}.time`)[j]! + times(context, `${name}.context`, bias.length)[j]!,
      );
      return name === 'output' ? s : s.map((each) => scalars[activation](each, value(`${name}.rawBeta`)[0] ?? 0));
    }, x as number[]);
  };
  /** J[i][j] = df_i / dx_j by central differences. */
  const jacobian = (x: readonly number[], context: readonly number[]): number[][] => {
    const moved = (j: number, step: number): number[] =>
      reference(
        x.map((v, k) => (k === j ? v + step : v)),
        context,
      );
    return [0, 1].map((i) => [0, 1].map((j) => (moved(j, 1e-5)[i]! - moved(j, -1e-5)[i]!) / 2e-5));
  };
  const rows = [
    [0.3, -1.2],
    [-0.8, 0.5],
    [1.7, 2.1],
  ];
  const contexts = [[0.4], [-1.1], [0.9]];

  test('sees the context in the first layer alone', () => {
    expect(Object.keys(field.parameters).filter((name) => name.endsWith('context'))).toEqual(['hidden0.context']);
  });

  test('is the formula, and its push and pull are J t and J^T w', () => {
    const context = tf.tensor2d(contexts);
    const { value, ...j } = field.at({ context }).linearize(tf.tensor2d(rows), time);
    const expected = rows.map((x, n) => reference(x, contexts[n]!));
    near(value, expected.flat());
    near(field.at({ context }).evaluate(tf.tensor2d(rows), tf.scalar(time)), expected.flat());
    near(
      field.at({ context }).evaluate(tf.tensor2d(rows)),
      rows.flatMap((x, n) => reference(x, contexts[n]!, 0)),
    );
    near(
      field.at({ context }).linearize(tf.tensor2d(rows)).value,
      rows.flatMap((x, n) => reference(x, contexts[n]!, 0)),
    );
    const tangents = [
      [
        [0.6, -0.2],
        [1.1, 0.3],
        [-0.5, 0.8],
      ],
      [
        [0, 1],
        [-0.7, 0.9],
        [0.2, 0.4],
      ],
    ];
    const jacobians = rows.map((x, n) => jacobian(x, contexts[n]!));
    const products = (transposed: boolean): number[] =>
      tangents.flatMap((each) =>
        each.flatMap((t, n) =>
          [0, 1].map((i) => t.reduce((sum, tj, k) => sum + tj * (transposed ? jacobians[n]![k]![i]! : jacobians[n]![i]![k]!), 0)),
        ),
      );
    near(push(j, tf.tensor3d(tangents)), products(false), 4);
    near(pull(j, tf.tensor3d(tangents)), products(true), 4);
    near(push(j, tf.tensor2d(tangents[1]!)), products(false).slice(6), 4);
    near(pull(j, tf.tensor2d(tangents[1]!)), products(true).slice(6), 4);
  });

  test('everything has the gradient of finite differences, of value, push and pull', () => {
    const inputs: Record<string, tf.Variable> = {
      ...field.parameters,
      x: tf.variable(tf.tensor2d(rows)),
      context: tf.variable(tf.tensor2d(contexts)),
      time: tf.variable(tf.scalar(time)),
      tangents: tf.variable(createRng(5).normal([2, 3, 2])),
    };
    const weights = [6, 7, 8].map((seed, i) => createRng(seed).normal(i === 0 ? [3, 2] : [2, 3, 2]));
    const loss = (frozen = false): tf.Scalar => {
      const { value, ...j } = field.at({ context: inputs.context!, frozen }).linearize(inputs.x!, inputs.time!);
      const all = [value, push(j, inputs.tangents!), pull(j, inputs.tangents!)];
      return tf.addN(all.map((part, i) => tf.sum(tf.mul(part, weights[i]!)))) as tf.Scalar;
    };
    const list = Object.values(inputs);
    const { grads } = tf.variableGrads(() => loss(), list);
    for (const [name, leaf] of Object.entries(inputs)) {
      const direction = createRng(9).normal(leaf.shape);
      const kept = leaf.clone();
      const at = (step: number): number => {
        leaf.assign(tf.add(kept, tf.mul(direction, step)));
        return loss().dataSync()[0]!;
      };
      const numeric = (at(5e-3) - at(-5e-3)) / 1e-2;
      leaf.assign(kept);
      const exact = tf.sum(tf.mul(grads[leaf.name]!, direction)).dataSync()[0]!;
      expect(Math.abs(exact - numeric) / (1 + Math.abs(exact)), name).toBeLessThan(5e-3);
      expect(Math.abs(exact), name).toBeGreaterThan(1e-3);
    }
    const frozen = tf.variableGrads(() => loss(true), list).grads;
    for (const [name, leaf] of Object.entries(inputs)) {
      const size =
        frozen[leaf.name] === undefined || frozen[leaf.name] === null ? 0 : tf.sum(tf.abs(frozen[leaf.name]!)).dataSync()[0]!;
      expect(size > 0, name).toBe(!(name in field.parameters));
    }
  });
});

test('starts at zero, with the initial values of its activation', () => {
  const spread = (t: tf.Tensor): number => Math.sqrt(tf.mean(tf.square(t)).dataSync()[0]!);
  for (const [activation, variance] of [
    ['tanh', 2 / 2100],
    ['softplus', 2 / 100],
    ['lipSwish', 2 / 100],
  ] as const) {
    const field = vectorField({ dim: 100, hidden: [2000], activation, time: true, rng: createRng(1) });
    expect(Object.keys(field.parameters).sort()).toEqual(
      [
        'hidden0.bias',
        'hidden0.kernel',
        ...(activation === 'lipSwish' ? ['hidden0.rawBeta'] : []),
        'hidden0.time',
        'output.bias',
        'output.kernel',
        'output.time',
      ].sort(),
    );
    expect(spread(field.parameters['hidden0.kernel']!) / Math.sqrt(variance)).toBeCloseTo(1, 1);
    expect(spread(field.parameters['hidden0.time']!) * 10).toBeCloseTo(1, 1);
    expect(spread(field.at({}).evaluate(createRng(3).normal([5, 100]), 2))).toBe(0);
    field.dispose();
  }
  const field = vectorField({ dim: 1, hidden: [2], activation: 'lipSwish', rng: createRng(1) });
  expect(tf.softplus(field.parameters['hidden0.rawBeta']!).dataSync()[0]).toBeCloseTo(1, 5);
  expect(Object.keys(field.parameters)).not.toContain('hidden0.time');
});

test('a constraint is applied to every kernel, once', () => {
  const seen: number[][] = [];
  const constrain = (kernel: tf.Tensor): tf.Tensor => {
    seen.push(kernel.shape);
    return tf.mul(kernel, 2);
  };
  const rng = createRng(4);
  const field = vectorField({ dim: 2, hidden: [3], activation: 'tanh', constrain, rng });
  randomizeParameters(field, { rng, scale: 1 });
  const x = tf.tensor1d([0.4, -0.9]);
  expect(Object.keys(field.parameters)).toEqual(['hidden0.kernel', 'hidden0.bias', 'output.kernel', 'output.bias']);
  const at = field.at({ frozen: true });
  const [value, again] = [at.evaluate(x), at.linearize(x)];
  expect(seen).toEqual([
    [2, 3],
    [3, 2],
  ]);
  const [w, b, v, c] = ['hidden0.kernel', 'hidden0.bias', 'output.kernel', 'output.bias'].map((name) => field.parameters[name]!);
  const h = tf.tanh(tf.add(tf.mul(tf.matMul(tf.reshape(x, [1, 2]), w as tf.Tensor2D), 2), b!));
  const expected = tf.add(tf.mul(tf.matMul(h as tf.Tensor2D, v as tf.Tensor2D), 2), c!).dataSync();
  near(value, expected);
  near(again.value, expected);
  near(again.kernels[1]!, tf.mul(v!, 2).dataSync());
});

function near(actual: tf.Tensor, expected: ArrayLike<number>, digits = 5): void {
  const values = actual.dataSync();
  expect(values.length).toBe(expected.length);
  values.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, digits));
}
