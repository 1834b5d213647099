import { expect, it } from 'vitest';
import { gapOf, indexOfLargest, transposeOf } from './statistics.js';

it('the largest less the second largest', () => {
  expect(gapOf([1, 7, 4.5])).toBe(2.5);
  expect(gapOf([7, 7, 1])).toBe(0);
  expect(gapOf([0.25])).toBe(0.25);
});

it.each([
  [[5, 1, 2], 0],
  [[1, 5, 2], 1],
  [[1, 2, 5], 2],
  [[1, 5, 5], 1],
  [[-3, -2], 1],
])('the largest of %j stands at %i', (values, at) => {
  expect(indexOfLargest(values)).toBe(at);
});

it('a matrix and its transpose', () => {
  expect(
    transposeOf([
      [1, 2, 3],
      [4, 5, 6],
    ]),
  ).toEqual([
    [1, 4],
    [2, 5],
    [3, 6],
  ]);
  expect(transposeOf([[1, 2]])).toEqual([[1], [2]]);
});
