import { describe, expect, test } from 'vitest';
import { pluOf, randomRotation } from './randomRotation.js';
import { createRng } from './rng.js';

const product = (a: readonly (readonly number[])[], b: readonly (readonly number[])[]): number[][] =>
  a.map((row) => (b[0] as readonly number[]).map((_, j) => row.reduce((sum, value, k) => sum + value * b[k]![j]!, 0)));
const transposed = (a: readonly (readonly number[])[]): number[][] => a.map((_, i) => a.map((row) => row[i]!));
const expectNear = (a: readonly (readonly number[])[], b: readonly (readonly number[])[]): void => {
  a.forEach((row, i) => {
    row.forEach((value, j) => {
      expect(Math.abs(value - b[i]![j]!), `entry ${i}, ${j}`).toBeLessThan(1e-12);
    });
  });
};
const identity = (size: number): number[][] =>
  Array.from({ length: size }, (_, i) => Array.from({ length: size }, (_, j) => (i === j ? 1 : 0)));

describe('randomRotation', () => {
  test.each([1, 2, 5, 40])('is orthogonal, size %i', (size) => {
    const matrix = randomRotation(size, createRng(size));
    expect(matrix.map((row) => row.length)).toEqual(Array(size).fill(size));
    expectNear(product(matrix, transposed(matrix)), identity(size));
  });

  test('has first entries as those of a uniform direction: mean 0, variance 1 / size', () => {
    const rng = createRng(0);
    const entries = Array.from({ length: 2000 }, () => randomRotation(3, rng)[2]![0]!);
    const mean = entries.reduce((a, b) => a + b) / entries.length;
    const variance = entries.reduce((a, b) => a + (b - mean) ** 2, 0) / entries.length;
    expect(Math.abs(mean)).toBeLessThan(0.05);
    expect(Math.abs(variance - 1 / 3)).toBeLessThan(0.03);
  });
});

describe('pluOf', () => {
  test.each([1, 2, 3, 8])('gives factors of the matrix, size %i', (size) => {
    const matrix = randomRotation(size, createRng(7)).map((row, i) => row.map((value) => value * (i + 1)));
    const { permutation, lower, upper, scales } = pluOf(matrix);
    expectNear(product(permutation, product(lower, upper)), matrix);
    expectNear(product(permutation, transposed(permutation)), identity(size));
    lower.forEach((row, i) => {
      expect(row[i]).toBe(1);
      expect(row.slice(i + 1).every((value) => value === 0)).toBe(true);
      expect(row.every((value) => Math.abs(value) <= 1)).toBe(true);
    });
    upper.forEach((row, i) => {
      expect(row[i]).toBe(scales[i]);
      expect(row.slice(0, i).every((value) => value === 0)).toBe(true);
    });
  });
});
