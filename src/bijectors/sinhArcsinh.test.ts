import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { createRng } from '../core/rng.js';
import { checkBijector } from '../testing/checkBijector.js';
import { expectNoLeak } from '../testing/expectNoLeak.js';
import { relativeError } from '../testing/laws.js';
import type { SinhArcsinhOptions } from './sinhArcsinh.js';
import { sinhArcsinh } from './sinhArcsinh.js';

function expectNear(actual: tf.Tensor, expected: ArrayLike<number>, tolerance = 1e-5): void {
  expect(relativeError(actual.dataSync(), expected)).toBeLessThanOrEqual(tolerance);
}

/** In float64 on the host. */
function reference(x: readonly number[], skew: readonly number[], rawTail: readonly number[]) {
  const tail = rawTail.map((raw) => Math.log1p((Math.E - 1) * Math.exp(raw)));
  const v = x.map((value, d) => tail[d]! * (Math.asinh(value) + skew[d]!));
  const slopes = v.map((value, d) => (tail[d]! * Math.cosh(value)) / Math.hypot(1, x[d]!));
  return { y: v.map(Math.sinh), logDet: slopes.reduce((total, slope) => total + Math.log(slope), 0) };
}

const inputs = [
  [0.25, -1.5, 2],
  [-0.75, 3, -0.1],
  [30, 30, 30],
  [-30, -30, -30],
  [1e-4, 2e-3, -0.7],
];
const skew = [0.5, -0.75, 1.25];
const rawTail = [1.5, -1, 0.25];

describe('sinhArcsinh', () => {
  const given = { skew: tf.tensor1d(skew), rawTail: tf.tensor1d(rawTail) };

  test('has the closed form, and finds x again', async () => {
    const map = sinhArcsinh({ dim: 3, given });
    const [y, logDet] = map.forwardAndLogDet(tf.tensor2d(inputs));
    const expected = inputs.map((row) => reference(row, skew, rawTail));
    expectNear(
      y,
      expected.flatMap((row) => row.y),
    );
    expectNear(
      logDet,
      expected.map((row) => row.logDet),
      1e-6,
    );
    const [x, inverseLogDet] = map.inverseAndLogDet(y);
    expectNear(x, inputs.flat(), 2e-6);
    expectNear(
      inverseLogDet,
      expected.map((row) => -row.logDet),
    );
    expect([map.name, map.forwardCost, map.inverseCost, map.forwardEventRank]).toEqual([
      'sinhArcsinh',
      'parallel',
      'parallel',
      1,
    ]);
    await checkBijector({ bijector: map, x: createRng(1).normal([2, 2, 3]) });
  });

  test('holds far out: where squares of x and y overflow, and for tails near 0', () => {
    const far = { skew: tf.tensor1d([0.5]), rawTail: tf.tensor1d([-2]) };
    const x = [-1e30, -1e10, 1e20, 1e35];
    const map = sinhArcsinh({ dim: 1, given: far });
    const [y, logDet] = map.forwardAndLogDet(tf.tensor2d(x, [4, 1]));
    const tail = Math.log1p((Math.E - 1) * Math.exp(-2));
    const v = x.map((value) => tail * (Math.asinh(value) + 0.5));
    expectNear(y, v.map(Math.sinh));
    expectNear(
      logDet,
      v.map((value, i) => Math.log(tail) + Math.log(Math.cosh(value)) - Math.log(Math.abs(x[i]!))),
    );
    map
      .inverse(y)
      .dataSync()
      .forEach((value, i) => {
        expect(Math.abs(value / x[i]! - 1)).toBeLessThan(1e-3);
      });
    const nearly = sinhArcsinh({ dim: 1, given: { skew: tf.zeros([1]), rawTail: tf.fill([1], -20) } });
    expectNear(nearly.forwardAndLogDet(tf.zeros([1]))[1], [Math.log(Math.E - 1) - 20], 1e-6);
  });

  test('own parameters start at the identity', () => {
    const map = sinhArcsinh({ dim: 2 });
    expect(Object.entries(map.parameters).map(([name, value]) => [name, value.arraySync()])).toEqual([
      ['skew', [0, 0]],
      ['rawTail', [0, 0]],
    ]);
    const x = tf.tensor2d([[-30, 0.5]]);
    const [y, logDet] = map.forwardAndLogDet(x);
    expectNear(y, [-30, 0.5], 1e-6);
    expectNear(logDet, [0], 1e-6);
    map.dispose();
  });

  test('a context gives each example its own map', async () => {
    const map = sinhArcsinh({ dim: 2, contextDim: 3, rng: createRng(1) });
    expect(Object.entries(map.parameters).map(([name, value]) => [name, value.shape])).toEqual([
      ['kernel', [3, 4]],
      ['bias', [4]],
    ]);
    const again = sinhArcsinh({ dim: 2, contextDim: 3, rng: createRng(1) });
    expect(again.parameters.kernel!.arraySync()).toEqual(map.parameters.kernel!.arraySync());
    const kernel = createRng(4).normal([3, 4]) as tf.Tensor2D;
    map.parameters.kernel!.assign(kernel);
    map.parameters.bias!.assign(tf.tensor1d([0.1, -0.2, 0.3, 0.4]));
    const context = createRng(5).normal([6, 3]) as tf.Tensor2D;
    const x = createRng(6).normal([6, 2]);
    const [y, logDet] = map.forwardAndLogDet(x, { context });
    const all = tf.add(tf.matMul(context, kernel), map.parameters.bias!).arraySync() as number[][];
    const expected = (x.arraySync() as number[][]).map((row, i) => reference(row, all[i]!.slice(0, 2), all[i]!.slice(2)));
    expectNear(
      y,
      expected.flatMap((row) => row.y),
    );
    expectNear(
      logDet,
      expected.map((row) => row.logDet),
    );
    await checkBijector({ bijector: map, x, context });
    map.dispose();
    again.dispose();
  });

  test('takes parameters for each example, with gradients that a frozen call stops', () => {
    const rng = createRng(3);
    const [s, r, x] = [rng.normal([4, 2]), rng.normal([4, 2]), rng.normal([5, 4, 2])] as [tf.Tensor, tf.Tensor, tf.Tensor];
    const loss = (frozen: boolean) => (point: tf.Tensor, a: tf.Tensor, b: tf.Tensor) => {
      const [y, logDet] = sinhArcsinh({ dim: 2, given: { skew: a, rawTail: b } }).forwardAndLogDet(point, { frozen });
      expect(logDet.shape).toEqual([5, 4]);
      return tf.add(tf.add(tf.sum(y), tf.sum(logDet)), tf.mul(1e-30, tf.add(tf.sum(a), tf.sum(b))));
    };
    const free = tf.grads(loss(false))([x, s, r]);
    const stopped = tf.grads(loss(true))([x, s, r]);
    expect(tf.min(tf.abs(free[1]!)).dataSync()[0]).toBeGreaterThan(1e-3);
    expect(tf.min(tf.abs(free[2]!)).dataSync()[0]).toBeGreaterThan(1e-3);
    expect(stopped[0]!.arraySync()).toEqual(free[0]!.arraySync());
    expect(tf.max(tf.abs(stopped[1]!)).dataSync()[0]).toBeLessThan(1e-20);
    expect(tf.max(tf.abs(stopped[2]!)).dataSync()[0]).toBeLessThan(1e-20);
  });

  test('makes and frees its own, and leaves what is given', async () => {
    await expectNoLeak(() => {
      const own = sinhArcsinh({ dim: 3, contextDim: 2 });
      const map = sinhArcsinh({ dim: 3, given });
      const result = map.forward(given.skew);
      map.dispose();
      own.dispose();
      return result;
    });
    expect(given.skew.isDisposed).toBe(false);
  });

  test.each<[string, unknown, string]>([
    ['no dim', {}, 'sinhArcsinh: options.dim should be a positive integer, but got nothing'],
    ['a misspelt option', { dim: 2, tails: 1 }, "sinhArcsinh: unknown option 'tails'"],
    ['a context of size 0', { dim: 2, contextDim: 0 }, 'sinhArcsinh: options.contextDim should be a positive integer, but got 0'],
    ['a context beside given ones', { dim: 3, contextDim: 1, given }, 'sinhArcsinh: options.contextDim should be left out'],
    ['given ones of another size', { dim: 2, given }, 'sinhArcsinh: options.given.skew should be'],
    ['a given number', { dim: 3, given: { ...given, rawTail: 1 } }, 'sinhArcsinh: options.given.rawTail should be'],
  ])('%s is an error', (_, options, message) => {
    expect(() => sinhArcsinh(options as SinhArcsinhOptions)).toThrow(message);
  });

  test('wrong inputs are errors', () => {
    expect(() => sinhArcsinh({ dim: 2 }).inverse(tf.zeros([3]))).toThrow(
      'sinhArcsinh.inverse: y should be a float32 tensor of shape [...batch, 2]',
    );
    expect(() => sinhArcsinh({ dim: 2, contextDim: 1 }).forward(tf.zeros([2]))).toThrow('sinhArcsinh.forward: options.context');
  });
});
