import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { createRng } from './rng.js';
import { spectralBound } from './spectralBound.js';

type Matrix = readonly (readonly number[])[];

const product = (a: Matrix, b: Matrix): number[][] =>
  a.map((row) => b[0]!.map((_, j) => row.reduce((total, value, k) => total + value * b[k]![j]!, 0)));
const transposed = (a: Matrix): number[][] => a[0]!.map((_, j) => a.map((row) => row[j]!));

/** tr((W^T W)^32)^(1/64), in float64. */
function reference(w: Matrix): number {
  let power = product(transposed(w), w);
  for (let k = 0; k < 5; k++) {
    power = product(power, power);
  }
  return power.reduce((trace, row, i) => trace + row[i]!, 0) ** (1 / 64);
}

/** The largest singular value, by as many steps of power iteration as it takes. */
function norm(w: Matrix): number {
  const gram = product(transposed(w), w);
  let v = gram.map((_, i) => [1 + 0.1 * i]);
  let size = 0;
  for (let k = 0; k < 2000; k++) {
    const next = product(gram, v);
    size = Math.hypot(...next.map(([value]) => value!));
    v = next.map(([value]) => [value! / size]);
  }
  return Math.sqrt(size);
}

const boundOf = (w: tf.Tensor): number => tf.tidy(() => spectralBound(w).dataSync()[0]!);

test.each([
  [3, 5],
  [5, 3],
  [4, 4],
  [1, 3],
  [3, 1],
  [1, 1],
  [40, 60],
])('of a matrix %i x %i is the formula, above the norm and by little', (rows, columns) => {
  const w = createRng(rows).normal([rows, columns]);
  const numbers = w.arraySync() as number[][];
  const expected = reference(numbers);
  const bound = boundOf(w);
  expect(bound / expected).toBeCloseTo(1, 5);
  expect(bound / norm(numbers)).toBeGreaterThan(1 - 1e-6);
  expect(bound / norm(numbers)).toBeLessThan(Math.min(rows, columns) ** (1 / 64) + 1e-6);
  expect(boundOf(tf.mul(w, 1e6)) / expected / 1e6).toBeCloseTo(1, 5);
  expect(boundOf(tf.mul(w, 1e-3)) / expected / 1e-3).toBeCloseTo(1, 4);
});

test('of equal singular values is the norm times n^(1/64); of zeros nearly zero', () => {
  expect(boundOf(tf.mul(tf.eye(3), 2))).toBeCloseTo(2 * 3 ** (1 / 64), 5);
  const zero = tf.zeros([3, 2]);
  expect(boundOf(zero)).toBeLessThan(1.1e-6);
  expect(boundOf(zero)).toBeGreaterThan(0.9e-6);
  expect(
    Array.from(
      tf
        .grad((w) => spectralBound(w))(zero)
        .dataSync(),
    ),
  ).toEqual([0, 0, 0, 0, 0, 0]);
});

test('has the gradient of the formula', () => {
  for (const shape of [
    [2, 3],
    [3, 2],
    [1, 2],
  ]) {
    const w = createRng(7).normal(shape);
    const numbers = w.arraySync() as number[][];
    const moved = (i: number, j: number, step: number): number =>
      reference(numbers.map((row, k) => row.map((value, l) => (k === i && l === j ? value + step : value))));
    const expected = numbers.flatMap((row, i) => row.map((_, j) => (moved(i, j, 1e-6) - moved(i, j, -1e-6)) / 2e-6));
    const gradient = tf
      .grad((at) => spectralBound(at))(w)
      .dataSync();
    expected.forEach((value, i) => expect(gradient[i]).toBeCloseTo(value, 4));
  }
});
