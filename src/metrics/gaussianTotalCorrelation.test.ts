import * as tf from '@tensorflow/tfjs';
import { gaussianTotalCorrelation } from 'tfjs-flows/metrics';
import { expect, it } from 'vitest';
import { gridOf } from '../../test/setup/factors.js';

const grid = gridOf(3, 4, 5);

it('0 for a grid, at any place and scale', async () => {
  expect(await gaussianTotalCorrelation({ codes: grid.map(([a = 0, b = 0, c = 0]) => [5 + 100 * a, -b, c / 9]) })).toBeCloseTo(
    0,
    12,
  );
});

it('-log(1 - correlation^2) / 2 of two', async () => {
  // a and a + b: squared correlation var a / (var a + var b), variances (levels^2 - 1) / 12.
  const expected = -Math.log(1 - 8 / (8 + 15)) / 2;
  const codes = grid.map(([a = 0, b = 0, c = 0]) => [a, 3 - c, a + b]);
  expect(await gaussianTotalCorrelation({ codes })).toBeCloseTo(expected, 12);
  expect(await gaussianTotalCorrelation({ codes: tf.tensor2d(codes) })).toBeCloseTo(expected, 12);
});

it('codes that are constant do not count', async () => {
  expect(await gaussianTotalCorrelation({ codes: grid.map(([a = 0]) => [0.1, a]) })).toBe(0);
  expect(await gaussianTotalCorrelation({ codes: grid.map(() => [0.1, 3]) })).toBe(0);
});

it('infinite where a code is a linear function of others', async () => {
  const codes = grid.map(([a = 0, b = 0, c = 0]) => [a, 0.1 * a + 0.7 * b, b, c]);
  expect(await gaussianTotalCorrelation({ codes })).toBe(Number.POSITIVE_INFINITY);
});

it('takes a code for such a function where less than 1e-12 of its variance is left', async () => {
  const variances = 15 / 8;
  const near = (epsilon: number) => gaussianTotalCorrelation({ codes: grid.map(([a = 0, b = 0]) => [a, a + epsilon * b]) });
  // Of the variance of a + epsilon b, epsilon^2 var b is left.
  expect(await near(1e-6)).toBeCloseTo(-Math.log(1e-12 * variances) / 2, 3);
  expect(await near(5e-7)).toBe(Number.POSITIVE_INFINITY);
});

it.each([
  ['an unknown option', { code: grid }, "gaussianTotalCorrelation: unknown option 'code'; the options are codes."],
  ['NaN', { codes: [[0, Number.NaN]] }, 'gaussianTotalCorrelation: options.codes[0][1] should be a finite number, but got NaN.'],
])('refuses %s', async (_, options, message) => {
  await expect(gaussianTotalCorrelation(options as never)).rejects.toThrow(message);
});
