import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { expectNoLeak } from '../testing/expectNoLeak.js';
import { monotoneRoot } from './root.js';

/** x + a tanh(b x) = y: with b large a staircase's single step. */
const step = (y: tf.Tensor, a: number, b: number, iterations?: number): tf.Tensor =>
  monotoneRoot({
    residual: (x) => {
      const t = tf.tanh(tf.mul(x, b));
      return [tf.sub(tf.add(x, tf.mul(t, a)), y), tf.add(tf.mul(tf.sub(1, tf.square(t)), a * b), 1)];
    },
    low: tf.sub(y, Math.abs(a)),
    high: tf.add(y, Math.abs(a)),
    ...(iterations === undefined ? {} : { iterations }),
  });

describe('monotoneRoot', () => {
  test.each([
    [1, 1],
    [20, 3],
    [5, 2000],
    [-0.999, 1],
  ])('finds the root of x + %d tanh(%d x) = y to float32 accuracy', (a, b) => {
    const x = Float32Array.from({ length: 201 }, (_, i) => (i - 100) * 0.07);
    // The targets as float32 knows them; the reference by bisection in float64.
    const y = Float32Array.from(x, (value) => value + a * Math.tanh(b * value));
    const found = step(tf.tensor1d(y), a, b).dataSync();
    y.forEach((target, i) => {
      let [low, high] = [target - Math.abs(a), target + Math.abs(a)];
      for (let k = 0; k < 100; k++) {
        const middle = (low + high) / 2;
        if (middle + a * Math.tanh(b * middle) <= target) low = middle;
        else high = middle;
      }
      const value = found[i]!;
      const offInX = Math.abs(value - low) / (1 + Math.abs(low));
      const offInY = Math.abs(value + a * Math.tanh(b * value) - target) / (1 + Math.abs(target));
      expect(Math.min(offInX, offInY)).toBeLessThan(1e-6);
    });
  });

  test('needs its iterations: a few of them leave an error behind', () => {
    const y = tf.tensor1d([2.5]);
    const error = (iterations: number): number =>
      Math.abs(step(y, 5, 2000, iterations).dataSync()[0]! - step(y, 5, 2000).dataSync()[0]!);
    expect(error(1)).toBeGreaterThan(1e-2);
    expect(error(32)).toBe(0);
  });

  test('has the gradient of the implicit function theorem, in all that the residual depends on', () => {
    const solve = (y: tf.Tensor, a: tf.Tensor): tf.Tensor =>
      monotoneRoot({
        residual: (x) => [tf.sub(tf.add(x, tf.mul(a, tf.tanh(x))), y), tf.add(1, tf.mul(a, tf.sub(1, tf.square(tf.tanh(x)))))],
        low: tf.sub(y, tf.abs(a)),
        high: tf.add(y, tf.abs(a)),
      });
    const x = 0.4;
    const a = 1.5;
    const y = x + a * Math.tanh(x);
    const [inY, inA] = tf.grads((p: tf.Tensor, q: tf.Tensor) => tf.sum(solve(p, q)))([tf.tensor1d([y]), tf.tensor1d([a])]);
    const slope = 1 + a / Math.cosh(x) ** 2;
    expect(inY!.dataSync()[0]).toBeCloseTo(1 / slope, 5);
    expect(inA!.dataSync()[0]).toBeCloseTo(-Math.tanh(x) / slope, 5);
  });

  test('stays in the bracket and has a finite gradient on a plateau, where the derivative rounds to 0', () => {
    const cube = (y: tf.Tensor): tf.Tensor =>
      monotoneRoot({
        residual: (x) => [tf.sub(tf.mul(x, tf.mul(tf.square(x), 1e-40)), y), tf.mul(tf.square(x), 0)],
        low: tf.fill([1], -2),
        high: tf.fill([1], 3),
      });
    const [value, gradient] = [cube(tf.zeros([1])), tf.grad((y) => tf.sum(cube(y)))(tf.zeros([1]))];
    expect(value.dataSync()[0]).toBeGreaterThanOrEqual(-2);
    expect(value.dataSync()[0]).toBeLessThanOrEqual(3);
    expect(gradient.dataSync()[0]! / 1e30).toBeCloseTo(1, 5);
  });

  test('has no NaN in the gradient of what a flat derivative depends on', () => {
    const flat = (a: tf.Tensor): tf.Tensor =>
      monotoneRoot({
        residual: (x) => [tf.mul(tf.mul(a, 0), x), tf.mul(a, 0)],
        low: tf.fill([1], -2),
        high: tf.fill([1], 3),
      });
    expect(
      Math.abs(
        tf
          .grad((a: tf.Tensor) => tf.sum(flat(a)))(tf.ones([1]))
          .dataSync()[0]!,
      ),
    ).toBe(0);
  });

  test('gives what the search found to the bit, whatever the residual there', () => {
    const [low, high] = [tf.tensor1d([-1]), tf.tensor1d([4])];
    const root = monotoneRoot({ residual: (x) => [tf.sub(x, 0.3), tf.onesLike(x)], low, high, iterations: 0 });
    expect(root.dataSync()[0]).toBe(1.5);
  });

  test('is exact where the bracket is a point', () => {
    const at = tf.tensor1d([0.3, -7]);
    const root = monotoneRoot({ residual: (x) => [tf.sub(x, at), tf.onesLike(x)], low: at, high: at });
    expect(Array.from(root.dataSync())).toEqual(Array.from(at.dataSync()));
  });

  test('leaves one tensor', async () => {
    const y = tf.tensor1d([2.5]);
    const bounds = [tf.tensor1d([-10]), tf.tensor1d([10])] as const;
    await expectNoLeak(() => monotoneRoot({ residual: (x) => [tf.sub(x, y), tf.onesLike(x)], low: bounds[0], high: bounds[1] }));
  });

  test('bisects where the derivative is infinite', () => {
    const x = monotoneRoot({
      residual: (at) => [
        tf.sub(at, 0.7),
        tf.where(tf.greater(at, 0), tf.onesLike(at), tf.fill(at.shape, Number.POSITIVE_INFINITY)),
      ],
      low: tf.tensor1d([-3]),
      high: tf.tensor1d([1]),
    });
    expect(x.dataSync()[0]).toBeCloseTo(0.7, 6);
  });
});

describe('derivatives of a root', () => {
  const cubeRoot = (y: tf.Tensor): tf.Tensor =>
    monotoneRoot({
      residual: (x) => [tf.sub(tf.mul(x, tf.square(x)), y), tf.mul(tf.square(x), 3)],
      low: tf.zerosLike(y),
      high: y,
    });

  test.each([
    [1, 1 / 12],
    [2, -1 / 144],
    [3, 10 / 27 / 256],
  ])('derivative %d', (order, expected) => {
    let f = cubeRoot;
    for (let k = 0; k < order; k++) {
      const before = f;
      f = (y) => tf.grad((at) => tf.sum(before(at)))(y);
    }
    expect(f(tf.scalar(8)).dataSync()[0]! / expected).toBeCloseTo(1, 4);
  });
});
