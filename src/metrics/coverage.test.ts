import { expect, it } from 'vitest';
import type { Point } from './coverage.js';
import { coverageOf } from './coverage.js';

const rounded = (values: Float64Array): number[] => [...values].map((value) => Math.round(1e9 * value) / 1e9);

it('a rectangle with sides between pixels, in both orientations', () => {
  const corners: Point[] = [
    [0.5, 0.25],
    [2.75, 0.25],
    [2.75, 2],
    [0.5, 2],
  ];
  const expected = [0.375, 0.75, 0.5625, 0, 0.5, 1, 0.75, 0, 0, 0, 0, 0];
  expect(rounded(coverageOf(corners, 4, 3))).toEqual(expected);
  expect(rounded(coverageOf([...corners].reverse(), 4, 3))).toEqual(expected);
});

it('the whole image, whose borders belong to its last pixels', () => {
  const corners: Point[] = [
    [0, 0],
    [3, 0],
    [3, 2],
    [0, 2],
  ];
  expect(rounded(coverageOf(corners, 3, 2))).toEqual([1, 1, 1, 1, 1, 1]);
});

it('a triangle: halves on the diagonal', () => {
  const corners: Point[] = [
    [0, 0],
    [3, 3],
    [0, 3],
  ];
  expect(rounded(coverageOf(corners, 3, 3))).toEqual([0.5, 0, 0, 1, 0.5, 0, 1, 1, 0.5]);
});

it('within one pixel: its area', () => {
  const corners: Point[] = [
    [1.25, 0.25],
    [1.75, 0.25],
    [1.25, 0.75],
  ];
  expect(rounded(coverageOf(corners, 3, 1))).toEqual([0, 0.125, 0]);
});

it('agrees with counting points of a fine grid', () => {
  const corners: Point[] = [
    [0.3, 1.1],
    [3.9, 0.2],
    [4.6, 3.7],
    [2.2, 2.4],
    [1.1, 4.8],
  ];
  const inside = (x: number, y: number): boolean =>
    corners.reduce((crossed, [ax, ay], i) => {
      const [bx, by] = corners[(i + 1) % corners.length] as Point;
      return ay > y !== by > y && x < ax + ((y - ay) / (by - ay)) * (bx - ax) ? !crossed : crossed;
    }, false);
  const fine = 100;
  coverageOf(corners, 5, 5).forEach((covered, pixel) => {
    let count = 0;
    for (let i = 0; i < fine ** 2; i++) {
      count += Number(
        inside((pixel % 5) + ((i % fine) + 0.5) / fine, Math.floor(pixel / 5) + (Math.floor(i / fine) + 0.5) / fine),
      );
    }
    expect(Math.abs(covered - count / fine ** 2)).toBeLessThan(0.01);
  });
});
