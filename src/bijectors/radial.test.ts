import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import type { Bijector } from '../core/bijector.js';
import { createRng } from '../core/rng.js';
import { checkBijector } from '../testing/checkBijector.js';
import { expectNoLeak } from '../testing/expectNoLeak.js';
import { relativeError } from '../testing/laws.js';
import type { RadialOptions } from './radial.js';
import { radial } from './radial.js';

type Constraint = 'centred' | 'original';
type Numbers = { readonly center: number[]; readonly rawAlpha: number; readonly rawBeta: number };

const tensors = ({ center, rawAlpha, rawBeta }: Numbers) => ({
  center: tf.tensor1d(center),
  rawAlpha: tf.scalar(rawAlpha),
  rawBeta: tf.scalar(rawBeta),
});
const softplus = (t: number): number => Math.log1p(Math.exp(-Math.abs(t))) + Math.max(t, 0);

/** Equation 14, in float64 on the host. */
function reference(x: readonly number[], { center, rawAlpha, rawBeta }: Numbers, constraint: Constraint) {
  const one = Math.log(Math.E - 1);
  const alpha = constraint === 'original' ? Math.abs(rawAlpha) : softplus(rawAlpha + one);
  const beta = softplus(constraint === 'original' ? rawBeta : rawAlpha + one + rawBeta) - alpha;
  const r = Math.hypot(...x.map((value, i) => value - center[i]!));
  const h = beta / (alpha + r);
  return {
    y: x.map((value, i) => value + h * (value - center[i]!)),
    logDet: (x.length - 1) * Math.log1p(h) + Math.log(1 + h - (beta * r) / (alpha + r) ** 2),
  };
}

const inputs = [
  [0.2, -0.7, 1.1],
  [-2, 1.5, -0.75],
  [30, -30, 30],
  [0.1, 0.2, -0.3],
  [0.1, 0.2, -0.2999],
];
const cases: [string, Numbers][] = [
  ['that expand', { center: [0.1, 0.2, -0.3], rawAlpha: -0.7, rawBeta: 1.3 }],
  ['that contract', { center: [0.1, 0.2, -0.3], rawAlpha: 1.2, rawBeta: -1.9 }],
  ['near the bound', { center: [0.1, 0.2, -0.3], rawAlpha: 1.2, rawBeta: -8 }],
  ['with a small alpha', { center: [0.1, 0.2, -0.3], rawAlpha: -0.01, rawBeta: 0.4 }],
];

describe.each(['centred', 'original'] as const)('radial, %s', (constraint) => {
  const make = (values: Numbers): Bijector => radial({ dim: values.center.length, given: tensors(values), constraint });

  test.each(cases)('is the published formula for parameters %s, and its inverse finds x again', (name, numbers) => {
    const flow = make(numbers);
    const [y, logDet] = flow.forwardAndLogDet(tf.tensor2d(inputs));
    const [x, back] = flow.inverseAndLogDet(y);
    const expected = inputs.map((row) => reference(row, numbers, constraint));
    const logDets = expected.map((row) => row.logDet);
    expectNear(
      y,
      expected.flatMap((row) => row.y),
    );
    expectNear(logDet, logDets);
    // Near the bound the surroundings of the center are shrunk by a thousand.
    const flat = name === 'near the bound';
    expectNear(x, inputs.flat(), flat ? 1e-3 : 1e-5);
    expectNear(
      back,
      logDets.map((value) => -value),
      flat ? 1e-2 : 1e-4,
    );
    expectNear(flow.forward(x), y.dataSync());
  });

  test.each([1, 2])('takes parameters given for each example, D = %d', (dim) => {
    const rng = createRng(3);
    const given = { center: rng.normal([4, dim]), rawAlpha: rng.normal([4]), rawBeta: rng.normal([4]) };
    const flow = radial({ dim, given, constraint });
    const x = rng.normal([2, 4, dim]);
    const [y, logDet] = flow.forwardAndLogDet(x);
    const rows = tf.reshape(x, [-1, dim]).arraySync() as number[][];
    const expected = rows.map((row, i) =>
      reference(
        row,
        {
          center: (given.center.arraySync() as number[][])[i % 4]!,
          rawAlpha: given.rawAlpha.dataSync()[i % 4]!,
          rawBeta: given.rawBeta.dataSync()[i % 4]!,
        },
        constraint,
      ),
    );
    expect(logDet.shape).toEqual([2, 4]);
    expectNear(
      y,
      expected.flatMap((row) => row.y),
    );
    expectNear(
      logDet,
      expected.map((row) => row.logDet),
    );
    expectNear(flow.inverse(y), x.dataSync(), 1e-4);
  });

  test('obeys the laws at the center too, where the radius has no gradient', async () => {
    const numbers = cases[0]![1];
    await checkBijector({ bijector: make(numbers), x: tf.tensor2d(inputs.slice(0, 4)) });
    const flow = make(numbers);
    for (const direction of ['forwardAndLogDet', 'inverseAndLogDet'] as const) {
      const gradient = tf.grad((x: tf.Tensor) => {
        const [y, logDet] = flow[direction](x);
        return tf.add(tf.sum(y), tf.sum(logDet));
      })(tf.tensor1d(numbers.center));
      const slope = Math.exp(reference(numbers.center, numbers, constraint).logDet / 3);
      expectNear(gradient, Array(3).fill(direction === 'forwardAndLogDet' ? slope : 1 / slope));
    }
  });

  test('starts with alpha at 1 and beta near 0', () => {
    const rng = createRng(8);
    rng.normal([3]);
    const draw = rng.normal([]).dataSync()[0]!;
    const { rawAlpha, rawBeta } = radial({ dim: 3, rng: createRng(8) }).parameters;
    expect([rawAlpha!.dataSync()[0], rawBeta!.dataSync()[0]]).toEqual([0, Math.fround(0.01 * draw)]);
  });

  test('inverts without cancellation just outside the ring that the center is blown up to', () => {
    const given = { center: tf.zeros([1]), rawAlpha: tf.scalar(1e-6), rawBeta: tf.scalar(Math.log(Math.expm1(0.5))) };
    const bijector = radial({ dim: 1, given, constraint: 'original' });
    const x = tf.tensor2d([[0.5], [0.01], [3]]);
    const found = bijector.inverse(bijector.forward(x));
    expect(tf.max(tf.abs(tf.sub(tf.div(found, x), 1))).dataSync()[0]).toBeLessThan(1e-4);
  });

  test('has finite gradients in given tensors, none where frozen', () => {
    const x = tf.tensor2d(inputs);
    const sizes = (frozen: boolean): number[] =>
      tf
        .grads((point: tf.Tensor, center: tf.Tensor, rawAlpha: tf.Tensor, rawBeta: tf.Tensor) => {
          const flow = radial({ dim: 3, given: { center, rawAlpha, rawBeta }, constraint });
          const [y, logDet] = flow.forwardAndLogDet(point, { frozen });
          const anchor = tf.mul(1e-30, tf.add(tf.sum(center), tf.add(rawAlpha, rawBeta)));
          return tf.add(tf.sum(tf.square(y)), tf.add(tf.sum(logDet), anchor));
        })([x, ...Object.values(tensors(cases[0]![1]))])
        .map((gradient) => tf.max(tf.abs(gradient)).arraySync() as number);
    expect(sizes(false).every((size) => Number.isFinite(size) && size > 1e-3)).toBe(true);
    const [inX, ...frozen] = sizes(true);
    expect(inX).toBeGreaterThan(1e-3);
    expect(frozen.every((size) => size < 1e-20)).toBe(true);
  });
});

test('the published numbers', () => {
  // softplus(rawBeta) = alpha + beta = 2
  const numbers = { center: [0.1, 0.2, -0.3], rawAlpha: 0.7, rawBeta: Math.log(Math.expm1(2)) };
  const flow = radial({ dim: 3, given: tensors(numbers), constraint: 'original' });
  const [y, logDet] = flow.forwardAndLogDet(tf.tensor1d([0.2, -0.7, 1.1]));
  expectNear(y, [0.2549141118, -1.1942270061, 1.8687975651]);
  expectNear(logDet, [1.0258677555]);
});

test('the centred constraint makes rawBeta = 0 the identity', () => {
  const given = tensors({ center: [0.1, 0.2, -0.3], rawAlpha: 0.8, rawBeta: 0 });
  const [y, logDet] = radial({ dim: 3, given }).forwardAndLogDet(tf.tensor2d(inputs));
  expectNear(y, inputs.flat(), 1e-7);
  expectNear(logDet, Array(5).fill(0), 1e-6);
});

test.each(['centred', 'original'] as const)('own parameters start near the identity, %s', (constraint) => {
  const flow = radial({ dim: 4, constraint, rng: createRng(1) });
  expect(Object.entries(flow.parameters).map(([name, value]) => [name, value.shape])).toEqual([
    ['center', [4]],
    ['rawAlpha', []],
    ['rawBeta', []],
  ]);
  const x = createRng(2).normal([8, 4]);
  const [y, logDet] = flow.forwardAndLogDet(x);
  const moved = tf.max(tf.abs(tf.sub(y, x))).arraySync() as number;
  expect(moved).toBeLessThan(0.05);
  expect(moved).toBeGreaterThan(1e-5);
  expect(tf.max(tf.abs(logDet)).arraySync()).toBeLessThan(0.1);
  const alpha = constraint === 'centred' ? 0 : 1;
  expect(flow.parameters.rawAlpha!.dataSync()[0]).toBe(alpha);
  expect(tf.max(tf.abs(flow.parameters.center!)).arraySync()).toBeGreaterThan(0.3);
  expect([flow.forwardCost, flow.inverseCost]).toEqual(['parallel', 'parallel']);
  flow.dispose();
});

test('a context gives each example its own map', async () => {
  const flow = radial({ dim: 2, contextDim: 3, rng: createRng(1) });
  const kernel = createRng(4).normal([3, 4]) as tf.Tensor2D;
  flow.parameters.kernel!.assign(kernel);
  const context = createRng(5).normal([6, 3]) as tf.Tensor2D;
  const x = createRng(6).normal([6, 2]);
  const [y, logDet] = flow.forwardAndLogDet(x, { context });
  const all = tf.add(tf.matMul(context, kernel), flow.parameters.bias!).arraySync() as number[][];
  const expected = (x.arraySync() as number[][]).map((row, i) =>
    reference(row, { center: all[i]!.slice(0, 2), rawAlpha: all[i]![2]!, rawBeta: all[i]![3]! }, 'centred'),
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
  flow.dispose();
});

test('makes and frees its own, and leaves what is given', async () => {
  const given = tensors(cases[0]![1]);
  await expectNoLeak(() => {
    const flow = radial({ dim: 3, given });
    const own = radial({ dim: 3, contextDim: 2 });
    const result = flow.forward(given.center);
    flow.dispose();
    own.dispose();
    return result;
  });
  expect(given.center.isDisposed).toBe(false);
});

test.each<[string, unknown, RegExp]>([
  ['no options', undefined, /radial: options should be an object/],
  ['no dim', {}, /radial: options\.dim should be a positive integer, but got nothing/],
  ['a misspelt option', { dim: 2, centre: 1 }, /radial: unknown option 'centre'/],
  ['a constraint', { dim: 2, constraint: 'none' }, /options\.constraint should be 'centred' or 'original', but got 'none'/],
  ['a context of size 0', { dim: 2, contextDim: 0 }, /radial: options\.contextDim should be a positive integer, but got 0/],
  [
    'a context beside given parameters',
    { dim: 3, contextDim: 1, given: tensors(cases[0]![1]) },
    /radial: options\.contextDim should be left out/,
  ],
  ['a center of another size', { dim: 2, given: tensors(cases[0]![1]) }, /options\.given\.center should be .*2\].*\[3\]/],
  ['a given number', { dim: 3, given: { ...tensors(cases[0]![1]), rawBeta: 1 } }, /options\.given\.rawBeta should be .*got 1/],
])('%s is an error', (_, options, message) => {
  expect(() => radial(options as RadialOptions)).toThrow(message);
});

function expectNear(actual: tf.Tensor, expected: ArrayLike<number>, tolerance = 1e-5): void {
  expect(relativeError(actual.dataSync(), expected)).toBeLessThanOrEqual(tolerance);
}
