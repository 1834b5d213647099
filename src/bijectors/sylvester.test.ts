import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { createRng } from '../core/rng.js';
import { checkBijector } from '../testing/checkBijector.js';
import { expectNoLeak } from '../testing/expectNoLeak.js';
import { relativeError } from '../testing/laws.js';
import { logAbsDet } from '../testing/linearAlgebra.js';
import { randomizeParameters } from '../testing/randomizeParameters.js';
import type { SylvesterOptions } from './sylvester.js';
import { sylvester } from './sylvester.js';

type Matrix = number[][];
interface Numbers {
  readonly triangles: Matrix;
  readonly diagonal: number[];
  readonly diagonalTilde: number[];
  readonly b: number[];
  readonly Q: Matrix;
}

const dot = (p: readonly number[], q: readonly number[]): number => p.reduce((total, value, i) => total + value * q[i]!, 0);
const columnOf = (a: Matrix, j: number): number[] => a.map((row) => row[j]!);
const times = (a: Matrix, x: readonly number[]): number[] => a.map((row) => dot(row, x));
const transposed = (a: Matrix): Matrix => a[0]!.map((_, j) => columnOf(a, j));
const product = (a: Matrix, b: Matrix): Matrix => a.map((row) => b[0]!.map((_, j) => dot(row, columnOf(b, j))));
const scaled = (x: readonly number[], c: number): number[] => x.map((value) => value * c);

/** y = x + Q R tanh(R~ Q^T x + b) and log|det| of its Jacobian I + Q R diag(tanh') R~ Q^T, in float64 on the host. */
function reference(x: readonly number[], { triangles, diagonal, diagonalTilde, b, Q }: Numbers): { y: number[]; logDet: number } {
  const upper = (strict: (i: number, j: number) => number, raw: readonly number[]): Matrix =>
    raw.map((value, i) => raw.map((_, j) => (i === j ? Math.tanh(value) : i < j ? strict(i, j) : 0)));
  const R = upper((i, j) => triangles[i]![j]!, diagonal);
  const RTilde = upper((i, j) => triangles[j]![i]!, diagonalTilde);
  const s = times(RTilde, times(transposed(Q), x)).map((value, i) => value + b[i]!);
  const moved = times(Q, times(R, s.map(Math.tanh)));
  const slopes = RTilde.map((row, i) => scaled(row, 1 / Math.cosh(s[i]!) ** 2));
  const jacobian = product(product(Q, product(R, slopes)), transposed(Q));
  return {
    y: x.map((value, i) => value + moved[i]!),
    logDet: logAbsDet(jacobian.map((row, i) => row.map((value, j) => value + (i === j ? 1 : 0)))),
  };
}

/** Columns made orthonormal by Newton's iteration for the polar factor: A <- (A + A^-T) / 2, for square A, in float64. */
function polar(a: Matrix): Matrix {
  let q = a;
  for (let i = 0; i < 60; i++) {
    const inverse = transposed(inverted(q));
    q = q.map((row, r) => row.map((value, c) => (value + inverse[r]![c]!) / 2));
  }
  return q;
}

function inverted(a: Matrix): Matrix {
  const n = a.length;
  const rows = a.map((row, i) => [...row, ...row.map((_, j) => (i === j ? 1 : 0))]);
  for (let i = 0; i < n; i++) {
    const pivot = rows.slice(i).reduce((best, row, k) => (Math.abs(row[i]!) > Math.abs(rows[best]![i]!) ? k + i : best), i);
    [rows[i], rows[pivot]] = [rows[pivot]!, rows[i]!];
    rows[i] = scaled(rows[i]!, 1 / rows[i]![i]!);
    for (let k = 0; k < n; k++) {
      if (k !== i) {
        const factor = rows[k]![i]!;
        rows[k] = rows[k]!.map((value, c) => value - factor * rows[i]![c]!);
      }
    }
  }
  return rows.map((row) => row.slice(n));
}

/** The last reflection leftmost. */
function reflections(v: Matrix): Matrix {
  const identity: Matrix = v[0]!.map((_, i) => v[0]!.map((__, j) => (i === j ? 1 : 0)));
  return v.reduce<Matrix>(
    (q, axis) =>
      product(
        identity.map((row, i) => row.map((value, j) => value - (2 * axis[i]! * axis[j]!) / dot(axis, axis))),
        q,
      ),
    identity,
  );
}

const identity3: Matrix = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
];
const q = [
  [1, 0.4, -0.3],
  [-0.7, 1.2, 0.1],
  [0.2, 0.5, -0.8],
];
const v = [
  [0.5, -1, 2],
  [1, 0.3, -0.4],
  [-0.2, 1.5, 0.7],
];
const shared = {
  triangles: [
    [9, 1.1, -0.8],
    [-1.3, 9, 0.9],
    [0.7, 1.4, 9],
  ],
  diagonal: [0.8, -1.5, 1],
  diagonalTilde: [1.2, 0.9, -0.7],
  b: [0.25, -0.5, 0.1],
};
const inputs = [
  [0.2, -0.7, 1.1],
  [-2, 1.5, -0.75],
  [30, -30, 30],
  [0, 0, 0],
];
const variants: [string, SylvesterOptions, Matrix][] = [
  ['orthogonal', { dim: 3, given: { ...tensors(), q: tf.tensor2d(q) } }, polar(q)],
  ['householder', { dim: 3, variant: 'householder', reflections: 3, given: { ...tensors(), v: tf.tensor2d(v) } }, reflections(v)],
  ['triangular', { dim: 3, variant: 'triangular', given: tensors() }, identity3],
  ['reversed triangular', { dim: 3, variant: 'triangular', reverse: true, given: tensors() }, [...identity3].reverse()],
];

function tensors() {
  const { triangles, diagonal, diagonalTilde, b } = shared;
  return {
    triangles: tf.tensor2d(triangles),
    diagonal: tf.tensor1d(diagonal),
    diagonalTilde: tf.tensor1d(diagonalTilde),
    b: tf.tensor1d(b),
  };
}

function expectNear(actual: tf.Tensor, expected: ArrayLike<number>, tolerance = 1e-5): void {
  expect(relativeError(actual.dataSync(), expected)).toBeLessThanOrEqual(tolerance);
}

describe.each(variants)('sylvester, %s', (_, options, Q) => {
  const expected = inputs.map((row) => reference(row, { ...shared, Q }));

  test('is the published formula at scale 1, and its inverse finds x again', () => {
    const flow = sylvester(options);
    const [y, logDet] = flow.forwardAndLogDet(tf.tensor2d(inputs));
    expectNear(
      y,
      expected.flatMap((row) => row.y),
    );
    expectNear(
      logDet,
      expected.map((row) => row.logDet),
    );
    const [x, back] = flow.inverseAndLogDet(y);
    expectNear(x, inputs.flat(), 1e-4);
    expectNear(
      back,
      expected.map((row) => -row.logDet),
      1e-4,
    );
    expect([flow.forwardCost, flow.inverseCost]).toEqual(['parallel', 'iterative']);
  });

  test('obeys the laws', async () => {
    await checkBijector({ bijector: sylvester(options), x: tf.tensor2d(inputs.slice(0, 2)) });
  });

  test('takes parameters given for each example', () => {
    const given = Object.fromEntries(
      Object.entries(options.given!).map(([name, value]) => [name, tf.stack([value, tf.mul(value, 0.5)])]),
    ) as unknown as SylvesterOptions['given'];
    const flow = sylvester({ ...options, given: given! });
    const x = tf.tensor3d([inputs.slice(0, 2), inputs.slice(0, 2), inputs.slice(2, 4)]);
    const [y, logDet] = flow.forwardAndLogDet(x);
    expect(logDet.shape).toEqual([3, 2]);
    // Q does not change where what it is made of is scaled.
    const half = {
      triangles: shared.triangles.map((row) => scaled(row, 0.5)),
      diagonal: scaled(shared.diagonal, 0.5),
      diagonalTilde: scaled(shared.diagonalTilde, 0.5),
      b: scaled(shared.b, 0.5),
      Q,
    };
    const rows = tf.reshape(x, [-1, 3]).arraySync() as Matrix;
    const all = rows.map((row, i) => reference(row, i % 2 === 0 ? { ...shared, Q } : half));
    expectNear(
      y,
      all.flatMap((row) => row.y),
    );
    expectNear(
      logDet,
      all.map((row) => row.logDet),
    );
    expectNear(flow.inverse(y), x.dataSync(), 1e-4);
    const [first, , last] = tf.unstack(x) as [tf.Tensor, tf.Tensor, tf.Tensor];
    expectNear(
      tf.stack([flow.forward(first), flow.forward(last)]),
      [...all.slice(0, 2), ...all.slice(4)].flatMap((row) => row.y),
    );
    expectNear(flow.inverse(flow.forward(first)), first.dataSync(), 1e-4);
  });

  test('stops the gradients of what is given where frozen', () => {
    const names = Object.keys(options.given!);
    const sizes = (frozen: boolean): number[] =>
      tf
        .grads((...values: tf.Tensor[]) => {
          const given = Object.fromEntries(names.map((name, i) => [name, values[i + 1]!]));
          const [y, logDet] = sylvester({ ...options, given } as unknown as SylvesterOptions).forwardAndLogDet(values[0]!, {
            frozen,
          });
          const anchor = values.reduce((total: tf.Tensor, value) => tf.add(total, tf.mul(1e-30, tf.sum(value))), tf.scalar(0));
          return tf.add(tf.sum(tf.square(y)), tf.add(tf.sum(logDet), anchor));
        })([tf.tensor2d(inputs.slice(0, 2)), ...(Object.values(options.given!) as tf.Tensor[])])
        .map((gradient) => tf.max(tf.abs(gradient)).dataSync()[0]!);
    expect(sizes(false).every((size) => Number.isFinite(size) && size > 1e-3)).toBe(true);
    const [inX, ...frozen] = sizes(true);
    expect(inX).toBeGreaterThan(1e-3);
    expect(frozen.every((size) => size < 1e-20)).toBe(true);
  });
});

test('stays invertible where 1 + r r~ is as small as its rounding', () => {
  const given = {
    ...tensors(),
    triangles: tf.zeros([3, 3]),
    diagonal: tf.fill([3], 6),
    diagonalTilde: tf.fill([3], -6),
    b: tf.zeros([3]),
  };
  const flow = sylvester({ dim: 3, variant: 'triangular', given });
  const [, logDet] = flow.forwardAndLogDet(tf.zeros([3]));
  // 1 - tanh^2(6) = sech^2(6)
  expectNear(logDet, [-6 * Math.log(Math.cosh(6))]);
  const y = tf.tensor1d([0.5, -2, 1e-3]);
  expectNear(flow.forward(flow.inverse(y)), y.dataSync(), 1e-6);
});

test('makes q orthonormal, whatever its size, with singular values a factor of 1e5 apart', () => {
  const given = tensors();
  const x = tf.tensor2d(inputs);
  const identity = sylvester({ dim: 3, variant: 'triangular', given });
  for (const size of [0.01, 1, 100]) {
    const flow = sylvester({ dim: 3, given: { ...given, q: tf.mul(tf.diag(tf.tensor1d([1e-2, 1, 1e-5])), size) } });
    expectNear(flow.forward(x), identity.forward(x).dataSync(), 1e-6);
  }
});

test('finds a root at an end of its bracket to rounding', () => {
  const triangles = tf.tensor2d([
    [0, 0.5],
    [100, 0],
  ]);
  const [diagonal, diagonalTilde, b] = [tf.tensor1d([0.8, 1.5]), tf.tensor1d([1.2, 0.9]), tf.tensor1d([-6.3, 20])];
  const flow = sylvester({ dim: 2, variant: 'triangular', given: { triangles, diagonal, diagonalTilde, b } });
  // The tanh of the second element is 1; the first one's hangs on a hundred times the root.
  const x = tf.tensor2d([
    [0.4, 0.0625],
    [-0.3, 0.0575],
  ]);
  expectNear(flow.inverse(flow.forward(x)), x.dataSync(), 2e-5);
});

test('a bottleneck bends so many directions and leaves the others', async () => {
  const rng = createRng(2);
  const flow = sylvester({ dim: 5, bottleneck: 2, rng });
  randomizeParameters(flow, { rng });
  const x = rng.normal([6, 5]);
  const moved = tf.sub(flow.forward(x), x).arraySync() as Matrix;
  // Every 3 x 3 minor of displacements in two directions vanishes.
  const gram = product(moved.slice(0, 3), transposed(moved.slice(0, 3)));
  expect(logAbsDet(gram)).toBeLessThan(-10);
  expect(logAbsDet(product(moved.slice(0, 2), transposed(moved.slice(0, 2))))).toBeGreaterThan(-8);
  await checkBijector({ bijector: flow, x });
  flow.dispose();
});

test.each([
  ['orthogonal', {}, ['triangles', 'diagonal', 'diagonalTilde', 'b', 'q'], [4, 4]],
  ['orthogonal', { bottleneck: 2 }, ['triangles', 'diagonal', 'diagonalTilde', 'b', 'q'], [4, 2]],
  ['householder', {}, ['triangles', 'diagonal', 'diagonalTilde', 'b', 'v'], [4, 4]],
  ['householder', { reflections: 1 }, ['triangles', 'diagonal', 'diagonalTilde', 'b', 'v'], [1, 4]],
  ['triangular', {}, ['triangles', 'diagonal', 'diagonalTilde', 'b'], [4]],
] as const)('own parameters of the %s variant, %j, start near the identity', (variant, sizes, names, last) => {
  const flow = sylvester({ dim: 4, variant, ...sizes, rng: createRng(1) });
  expect(Object.keys(flow.parameters)).toEqual(names);
  expect(flow.parameters[names.at(-1)!]!.shape).toEqual(last);
  const x = createRng(2).normal([8, 4]);
  const [y, logDet] = flow.forwardAndLogDet(x);
  const moved = tf.max(tf.abs(tf.sub(y, x))).dataSync()[0]!;
  expect(moved).toBeLessThan(0.1);
  expect(moved).toBeGreaterThan(1e-4);
  expect(tf.max(tf.abs(logDet)).dataSync()[0]!).toBeLessThan(0.1);
  expect(tf.max(tf.abs(flow.parameters.diagonalTilde!)).dataSync()[0]!).toBeGreaterThan(0.3);
  expect(tf.max(tf.abs(flow.parameters.b!)).dataSync()[0]).toBe(0);
  flow.dispose();
});

test('R starts at a hundredth of R~', () => {
  const flow = sylvester({ dim: 20, rng: createRng(1) });
  const size = (name: string): number => tf.sqrt(tf.mean(tf.square(flow.parameters[name]!))).dataSync()[0]!;
  const sizes = ['triangles', 'diagonal', 'diagonalTilde'].map(size);
  expect(sizes[0]! * 100).toBeCloseTo(1, 1);
  expect(sizes[1]! * 100).toBeGreaterThan(0.6);
  expect(sizes[1]! * 100).toBeLessThan(1.4);
  flow.dispose();
});

test('a context gives each example its own map, and broadcasts over samples', async () => {
  const rng = createRng(4);
  const flow = sylvester({ dim: 2, contextDim: 3, rng });
  randomizeParameters(flow, { rng });
  const [x, context] = [rng.normal([2, 4, 2]), rng.normal([4, 3])];
  const [y, logDet] = flow.forwardAndLogDet(x, { context });
  const all = tf
    .add(tf.matMul(context as tf.Tensor2D, flow.parameters.kernel as tf.Tensor2D), flow.parameters.bias!)
    .arraySync() as Matrix;
  const expected = (tf.reshape(x, [-1, 2]).arraySync() as Matrix).map((row, i) => {
    const p = all[i % 4]!;
    return reference(row, {
      triangles: [p.slice(0, 2), p.slice(2, 4)],
      diagonal: p.slice(4, 6),
      diagonalTilde: p.slice(6, 8),
      b: p.slice(8, 10),
      Q: polar([p.slice(10, 12), p.slice(12, 14)]),
    });
  });
  expectNear(
    y,
    expected.flatMap((row) => row.y),
    1e-4,
  );
  expectNear(
    logDet,
    expected.map((row) => row.logDet),
    1e-4,
  );
  expectNear(flow.inverse(y, { context }), x.dataSync(), 1e-3);
  flow.dispose();
});

test('makes and frees its own, and leaves what is given', async () => {
  const given = { ...tensors(), q: tf.tensor2d(q) };
  await expectNoLeak(() => {
    const flow = sylvester({ dim: 3, given });
    const own = sylvester({ dim: 3, variant: 'householder', contextDim: 2 });
    const result = flow.inverse(given.b);
    flow.dispose();
    own.dispose();
    return result;
  });
  expect(given.q.isDisposed).toBe(false);
});

test.each<[string, unknown, RegExp]>([
  ['no options', undefined, /sylvester: options should be an object/],
  ['no dim', {}, /sylvester: options\.dim should be a positive integer, but got nothing/],
  ['a misspelt option', { dim: 2, rank: 1 }, /sylvester: unknown option 'rank'/],
  [
    'a variant',
    { dim: 2, variant: 'qr' },
    /options\.variant should be 'orthogonal', 'householder' or 'triangular', but got 'qr'/,
  ],
  ['a bottleneck of 0', { dim: 2, bottleneck: 0 }, /options\.bottleneck should be a positive integer, but got 0/],
  ['a bottleneck above D', { dim: 2, bottleneck: 3 }, /options\.bottleneck should be at most the dim, 2, but got 3/],
  ['no reflections', { dim: 2, variant: 'householder', reflections: 0 }, /options\.reflections should be a positive integer/],
  ['a reversal by number', { dim: 2, variant: 'triangular', reverse: 1 }, /options\.reverse should be true or false, but got 1/],
  ['an option of another variant', { dim: 2, reflections: 2 }, /options\.reflections should be left out, being of the variant/],
  [
    'a bottleneck of the Householder variant',
    { dim: 2, variant: 'householder', bottleneck: 2 },
    /options\.bottleneck should be left/,
  ],
  ['a context of size 0', { dim: 2, contextDim: 0 }, /options\.contextDim should be a positive integer/],
  ['a context beside given parameters', { dim: 3, contextDim: 1, given: tensors() }, /options\.contextDim should be left out/],
  [
    'a given v of another number',
    { dim: 3, variant: 'householder', given: { ...tensors(), v: tf.tensor2d(q.slice(1)) } },
    /options\.given\.v should be .*\[\.\.\.batch, 3, 3\]/,
  ],
  ['no given q', { dim: 3, given: tensors() }, /options\.given\.q should be .*\[\.\.\.batch, 3, 3\].*nothing/],
])('%s is an error', (_, options, message) => {
  expect(() => sylvester(options as SylvesterOptions)).toThrow(message);
});
