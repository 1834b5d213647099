import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import type { Bijector } from '../core/bijector.js';
import { createRng } from '../core/rng.js';
import { checkBijector } from '../testing/checkBijector.js';
import { relativeError } from '../testing/laws.js';
import type { PlanarOptions } from './planar.js';
import { planar } from './planar.js';

type Numbers = { readonly w: number[]; readonly u: number[]; readonly b: number };

const tensors = ({ w, u, b }: Numbers) => ({ w: tf.tensor1d(w), u: tf.tensor1d(u), b: tf.scalar(b) });

/** The flow of equations 10 to 12, in float64 on the host. */
function reference(x: readonly number[], { w, u, b }: Numbers, options: Partial<PlanarOptions>): { y: number[]; logDet: number } {
  const dot = (p: readonly number[], q: readonly number[]): number => p.reduce((total, value, i) => total + value * q[i]!, 0);
  const wu = dot(w, u);
  const a = Math.log1p(Math.exp(wu + (options.constraint === 'original' ? 0 : Math.log(Math.E - 1)))) - 1;
  const uHat = u.map((value, i) => value + ((a - wu) * w[i]!) / dot(w, w));
  const s = dot(w, x) + b;
  const leak = s < 0 ? 0.2 : 1;
  const [h, slope] = options.activation === 'leakyRelu' ? [leak * s, leak] : [Math.tanh(s), 1 / Math.cosh(s) ** 2];
  return { y: x.map((value, i) => value + uHat[i]! * h), logDet: Math.log1p(a * slope) };
}

const numbers: Numbers = { w: [0.5, -1, 2], u: [1, 0.3, -0.4], b: 0.25 };
const inputs = [
  [0.2, -0.7, 1.1],
  [-2, 1.5, -0.75],
  [30, -30, 30],
  [0, 0, 0],
];

const configurations = (['centred', 'original'] as const).flatMap((constraint) =>
  (['tanh', 'leakyRelu'] as const).map((activation) => ({ constraint, activation })),
);

describe.each(configurations)('planar, $constraint, $activation', (configuration) => {
  const make = (values: Numbers): Bijector => planar({ dim: values.w.length, given: tensors(values), ...configuration });

  test('is the published formula, and its inverse finds x again', () => {
    const flow = make(numbers);
    const [y, logDet] = flow.forwardAndLogDet(tf.tensor2d(inputs));
    const [x, back] = flow.inverseAndLogDet(y);
    const expected = inputs.map((row) => reference(row, numbers, configuration));
    expectNear(
      y,
      expected.flatMap((row) => row.y),
    );
    expectNear(
      logDet,
      expected.map((row) => row.logDet),
    );
    expectNear(x, inputs.flat());
    expectNear(
      back,
      expected.map((row) => -row.logDet),
    );
  });

  test('takes parameters given for each example', () => {
    const rng = createRng(3);
    const given = { w: rng.normal([4, 3]), u: rng.normal([4, 3]), b: rng.normal([4]) };
    const flow = planar({ dim: 3, given, ...configuration });
    const x = rng.normal([2, 4, 3]);
    const [y, logDet] = flow.forwardAndLogDet(x);
    const b = given.b.dataSync();
    const expected = rowsOf(x).map((row, i) =>
      reference(row, { w: rowsOf(given.w)[i % 4]!, u: rowsOf(given.u)[i % 4]!, b: b[i % 4]! }, configuration),
    );
    expectNear(
      y,
      expected.flatMap((row) => row.y),
    );
    expectNear(
      logDet,
      expected.map((row) => row.logDet),
    );
    expectNear(flow.inverse(y), x.dataSync());
  });

  test('stays invertible where w . u is far below -1', () => {
    const near: Numbers = { w: [1, 2], u: [-8, -6], b: 0.5 };
    const flow = make(near);
    const rows = [
      [0.3, -0.4],
      [-2, 1.5],
      [5, 5],
      [-0.125, -0.1875],
    ];
    const [y, logDet] = flow.forwardAndLogDet(tf.tensor2d(rows));
    const expected = rows.map((row) => reference(row, near, configuration));
    expectNear(
      y,
      expected.flatMap((row) => row.y),
    );
    expectNear(
      logDet,
      expected.map((row) => row.logDet),
      1e-4,
    );
    const [x, back] = flow.inverseAndLogDet(y);
    // Nearly singular: x is lost to rounding, but whatever is found has the same y.
    expectNear(flow.forward(x), y.dataSync(), 1e-4);
    expect((back.arraySync() as number[]).every(Number.isFinite)).toBe(true);
  });

  test('has finite gradients in given tensors, none where frozen', () => {
    const x = tf.tensor2d(inputs);
    const frozenOr = (frozen: boolean) =>
      tf.grads((point: tf.Tensor, w: tf.Tensor, u: tf.Tensor, b: tf.Tensor) => {
        const flow = planar({ dim: 3, given: { w, u, b }, ...configuration });
        const [y, logDet] = flow.forwardAndLogDet(point, { frozen });
        return tf.add(tf.sum(tf.square(y)), tf.add(tf.sum(logDet), tf.mul(1e-30, tf.add(tf.sum(w), tf.add(tf.sum(u), b)))));
      })([x, ...Object.values(tensors(numbers))]);
    const sizes = (all: tf.Tensor[]): number[] => all.map((gradient) => tf.max(tf.abs(gradient)).arraySync() as number);
    expect(sizes(frozenOr(false)).every((size) => Number.isFinite(size) && size > 1e-3)).toBe(true);
    const frozen = sizes(frozenOr(true));
    expect(frozen[0]).toBeGreaterThan(1e-3);
    expect(frozen.slice(1).every((size) => size < 1e-20)).toBe(true);
  });
});

test('the published numbers', () => {
  const flow = planar({ dim: 3, given: tensors(numbers), constraint: 'original' });
  const [y, logDet] = flow.forwardAndLogDet(tf.tensor1d([0.2, -0.7, 1.1]));
  expectNear(y, [1.2005571972, -0.4080198328, 0.7154391927]);
  expectNear(logDet, [-0.0033783621]);
});

test('the centred constraint makes u = 0 the identity, the original one does not', () => {
  const nothing: Numbers = { w: [0.5, -1, 2], u: [0, 0, 0], b: 0.25 };
  const x = tf.tensor2d(inputs);
  const [y, logDet] = planar({ dim: 3, given: tensors(nothing) }).forwardAndLogDet(x);
  expectNear(y, inputs.flat());
  expectNear(logDet, [0, 0, 0, 0]);
  const original = planar({ dim: 3, given: tensors(nothing), constraint: 'original' });
  expect(tf.max(tf.abs(tf.sub(original.forward(x), x))).arraySync()).toBeGreaterThan(0.05);
});

test('own parameters have the names of the literature, and start near the identity', () => {
  const flow = planar({ dim: 4, rng: createRng(1) });
  expect(Object.entries(flow.parameters).map(([name, value]) => [name, value.shape])).toEqual([
    ['w', [4]],
    ['u', [4]],
    ['b', []],
  ]);
  const x = createRng(2).normal([8, 4]);
  const [y, logDet] = flow.forwardAndLogDet(x);
  expect(tf.max(tf.abs(tf.sub(y, x))).arraySync()).toBeLessThan(0.1);
  expect(tf.max(tf.abs(logDet)).arraySync()).toBeLessThan(0.1);
  flow.dispose();
});

test('w starts with a length near 1, u near 0, b at 0; a context has little say at first', () => {
  const size = (t: tf.Tensor): number => Math.sqrt(tf.mean(tf.square(t)).dataSync()[0]!);
  const flow = planar({ dim: 10_000, rng: createRng(1) });
  expect(size(flow.parameters.w!) * 100).toBeCloseTo(1, 1);
  expect(size(flow.parameters.u!)).toBeCloseTo(0.01, 3);
  expect(flow.parameters.b!.dataSync()[0]).toBe(0);

  const given = planar({ dim: 10_000, contextDim: 4, rng: createRng(1) });
  expect(given.parameters.kernel!.shape).toEqual([4, 20_001]);
  expect(size(given.parameters.kernel!)).toBeCloseTo(0.005, 4);
  const bias = given.parameters.bias!.dataSync();
  expect(size(tf.tensor1d(bias.slice(0, 10_000))) * 100).toBeCloseTo(1, 1);
  expect(size(tf.tensor1d(bias.slice(10_000, 20_000)))).toBeCloseTo(0.01, 3);
  expect(bias[20_000]).toBe(0);
});

test('a context gives each example its own w, u and b', async () => {
  const flow = planar({ dim: 2, contextDim: 3, rng: createRng(1) });
  const kernel = createRng(4).normal([3, 5]);
  flow.parameters.kernel!.assign(kernel as tf.Tensor2D);
  const context = createRng(5).normal([6, 3]);
  const x = createRng(6).normal([6, 2]);
  const [y, logDet] = flow.forwardAndLogDet(x, { context });
  const all = rowsOf(tf.add(tf.matMul(context as tf.Tensor2D, kernel as tf.Tensor2D), flow.parameters.bias!));
  const expected = rowsOf(x).map((row, i) =>
    reference(row, { w: all[i]!.slice(0, 2), u: all[i]!.slice(2, 4), b: all[i]![4]! }, {}),
  );
  expectNear(
    y,
    expected.flatMap((row) => row.y),
  );
  expectNear(
    logDet,
    expected.map((row) => row.logDet),
  );
  await checkBijector({ bijector: flow, x, context });
  const column = flow.forwardAndLogDet(tf.reshape(x, [6, 1, 2]), { context: tf.reshape(context, [6, 1, 3]) });
  expect(column.map(({ shape }) => shape)).toEqual([
    [6, 1, 2],
    [6, 1],
  ]);
  expectNear(column[1], logDet.dataSync());
  flow.dispose();
});

test('the inverse is parallel with a leaky ReLU and iterative with tanh', () => {
  const costs = (['tanh', 'leakyRelu'] as const).map((activation) => {
    const flow = planar({ dim: 2, activation });
    flow.dispose();
    return [flow.forwardCost, flow.inverseCost];
  });
  expect(costs).toEqual([
    ['parallel', 'iterative'],
    ['parallel', 'parallel'],
  ]);
});

test("given tensors stay the caller's", () => {
  const given = tensors(numbers);
  const before = tf.memory().numTensors;
  const flow = planar({ dim: 3, given });
  const x = tf.zeros([3]);
  tf.dispose([x, ...flow.forwardAndLogDet(x)]);
  flow.dispose();
  expect(tf.memory().numTensors).toBe(before);
  expect(given.w.isDisposed).toBe(false);
});

test.each<[string, unknown, RegExp]>([
  ['no options', undefined, /planar: options should be an object/],
  ['no dim', {}, /planar: options\.dim should be a positive integer, but got nothing/],
  ['a dim of 0', { dim: 0 }, /planar: options\.dim should be a positive integer, but got 0/],
  ['a misspelt option', { dim: 2, activations: 'tanh' }, /planar: unknown option 'activations'/],
  [
    'an unknown constraint',
    { dim: 2, constraint: 'none' },
    /options\.constraint should be 'centred' or 'original', but got 'none'/,
  ],
  [
    'an unknown activation',
    { dim: 2, activation: 'relu' },
    /options\.activation should be 'tanh' or 'leakyRelu', but got 'relu'/,
  ],
  ['a context of size 0', { dim: 2, contextDim: 0 }, /options\.contextDim should be a positive integer, but got 0/],
  [
    'a context beside given parameters',
    { dim: 3, contextDim: 1, given: tensors(numbers) },
    /options\.contextDim should be left out/,
  ],
  [
    'given parameters of another size',
    { dim: 2, given: tensors(numbers) },
    /options\.given\.w should be .*\[\.\.\.batch, 2\].*\[3\]/,
  ],
  [
    'a given u of another size',
    { dim: 2, given: { ...tensors(numbers), w: tf.ones([2]) } },
    /options\.given\.u should be .*\[\.\.\.batch, 2\].*\[3\]/,
  ],
  [
    'a given number',
    { dim: 3, given: { ...tensors(numbers), b: 0.25 } },
    /options\.given\.b should be a float32 tensor.*got 0\.25/,
  ],
])('%s is an error', (_, options, message) => {
  expect(() => planar(options as PlanarOptions)).toThrow(message);
});

test('calls with wrong inputs are errors', () => {
  const flow = planar({ dim: 2, contextDim: 3 });
  expect(() => flow.forward(tf.zeros([4, 3]), { context: tf.zeros([4, 3]) })).toThrow(/planar\.forward: x should be .*\[4, 3\]/);
  expect(() => flow.inverse(tf.zeros([2], 'int32'), { context: tf.zeros([3]) })).toThrow(/planar\.inverse: y should be .*int32/);
  expect(() => flow.forward(tf.zeros([4, 2]))).toThrow(/planar\.forward: options\.context should be .*\[4, 3\].*nothing/);
  flow.dispose();
});

function expectNear(actual: tf.Tensor, expected: ArrayLike<number>, tolerance = 1e-5): void {
  expect(relativeError(actual.dataSync(), expected)).toBeLessThanOrEqual(tolerance);
}

/** The vectors along the last axis. */
function rowsOf(x: tf.Tensor): number[][] {
  return tf.reshape(x, [-1, x.shape[x.rank - 1]!]).arraySync() as number[][];
}
