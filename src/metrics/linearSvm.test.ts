import { describe, expect, it, test } from 'vitest';
import { linearSvm } from './linearSvm.js';

/** w and b where exactly those points violate their margin: there the objective is quadratic, and two equations tell its least. */
function solve(points: { x: number; sign: number; cost: number; violates: boolean }[]): [w: number, b: number] {
  const violating = points.filter(({ violates }) => violates);
  const sum = (f: (x: number, sign: number) => number): number =>
    violating.reduce((total, { x, sign, cost }) => total + 2 * cost * f(x, sign), 0);
  const [ww, wb, bb] = [1 + sum((x) => x * x), sum((x) => x), 1 + sum(() => 1)];
  const [right, above] = [sum((x, sign) => sign * x), sum((_, sign) => sign)];
  const [w, b] = [(bb * right - wb * above) / (ww * bb - wb * wb), (ww * above - wb * right) / (ww * bb - wb * wb)];
  points.forEach(({ x, sign, violates }) => expect(1 - sign * (w * x + b) > 0).toBe(violates));
  return [w, b];
}

/** Where between two numbers the class changes. */
function boundary(predict: (value: number) => number, low: number, high: number): number {
  const first = predict(low);
  expect(predict(high)).not.toBe(first);
  let [below, above] = [low, high];
  for (let i = 0; i < 60; i++) {
    const middle = (below + above) / 2;
    [below, above] = predict(middle) === first ? [middle, above] : [below, middle];
  }
  return below;
}

describe('two classes', () => {
  it('all inside the margin, one class thrice as large: each counts the same', () => {
    const x = Float64Array.of(-1, 0.5, -2, 3);
    const predict = linearSvm(x, Int32Array.of(0, 0, 0, 1), 2);
    const costs = [(0.01 * 4) / (2 * 3), (0.01 * 4) / 2];
    const points = Array.from(x, (at, i) => ({ x: at, sign: i < 3 ? -1 : 1, cost: costs[i < 3 ? 0 : 1]!, violates: true }));
    const [w, b] = solve(points);
    expect(boundary(predict, -3, 3)).toBeCloseTo(-b / w, 7);
    expect(predict(3)).toBe(1);
  });

  test.each([1, 1e6, -1e6])('points beyond the margin do not count, nor does the unit: %d', (unit) => {
    // Many points, so that the penalty is small and most have their margin.
    const places = [-4, -3, -1, 1.5, 2, 6];
    const x = Float64Array.from({ length: 600 }, (_, i) => unit * places[i % 6]!);
    const labels = Int32Array.from(x, (at) => (at / unit > 1.6 ? 1 : 0));
    const costs = [(0.01 * 600) / (2 * 400), (0.01 * 600) / (2 * 200)];
    const points = Array.from(x, (at, i) => ({
      x: at,
      sign: labels[i] === 1 ? 1 : -1,
      cost: costs[labels[i]!]!,
      violates: at !== unit * 6 && at !== -4 * unit && at !== -3 * unit,
    }));
    const [w, b] = solve(points);
    expect(boundary(linearSvm(x, labels, 2), -4 * unit, 6 * unit) / unit).toBeCloseTo(-b / w / unit, 7);
  });

  it('numbers far below 0 are told apart as well as those far above', () => {
    const x = Float64Array.of(1e6, 1.5e6, 2.5e6, 2e6, 4e6, 7e6);
    const labels = Int32Array.of(0, 0, 0, 1, 1, 1);
    const edge = boundary(linearSvm(x, labels, 2), -1e8, 1e8);
    const mirrored = linearSvm(
      x.map((at) => -at),
      labels,
      2,
    );
    expect(-boundary(mirrored, -1e8, 1e8) / edge).toBeCloseTo(1, 7);
  });

  it('is the first on the line itself', () => {
    const predict = linearSvm(Float64Array.of(-1, -1, 1, 1), Int32Array.of(0, 0, 1, 1), 2);
    expect([predict(-0.1), predict(0), predict(0.1)]).toEqual([0, 0, 1]);
  });
});

it('three classes: each against the others, whose cost is not weighted, and the highest of the lines', () => {
  const x = Float64Array.of(-3, -2.5, -2, -1, 0.2, 0.5, 2, 3, 4);
  const labels = Int32Array.of(0, 0, 0, 0, 1, 1, 2, 2, 2);
  const counts = [4, 2, 3];
  const lines = counts.map((count, c) =>
    solve(
      Array.from(x, (at, i) => {
        const isOne = labels[i] === c;
        return { x: at, sign: isOne ? 1 : -1, cost: isOne ? (0.01 * 9) / (3 * count) : 0.01, violates: true };
      }),
    ),
  ) as [[number, number], [number, number], [number, number]];
  const predict = linearSvm(x, labels, 3);
  const crossing = ([w, b]: [number, number], [v, a]: [number, number]): number => (a - b) / (w - v);
  expect([-9, 0, 9].map(predict)).toEqual(
    [-9, 0, 9].map((at) => {
      const heights = lines.map(([w, b]) => w * at + b);
      return heights.indexOf(Math.max(...heights));
    }),
  );
  expect(boundary(predict, -9, 9)).toBeCloseTo(crossing(lines[0], lines[2]), 7);
});
