import { expect, it } from 'vitest';
import { meanOf, standardErrorOf, sumOf, varianceOf } from './statistics.js';

it('sums, means and variances', () => {
  expect(sumOf([3, -1, 5.5])).toBe(7.5);
  expect(meanOf([3, -1, 5.5])).toBe(2.5);
  // Deviations 2, -1 and -1 from 3.
  expect(varianceOf([5, 2, 2], 0)).toBe(2);
  expect(varianceOf([5, 2, 2], 1)).toBe(3);
});

it('the standard error of a mean, unknown for a single number', () => {
  // Variance 3 of three numbers.
  expect(standardErrorOf(Float64Array.of(5, 2, 2))).toBe(1);
  expect(standardErrorOf([4])).toBeNaN();
});
