import { describe, expect, it } from 'vitest';
import { logisticRegression } from './logisticRegression.js';

describe('logisticRegression', () => {
  const columns = [Float64Array.of(0.5, -1, 2, 0.25, 1, -0.5), Float64Array.of(1, 1, -1, 0, 2, 0.5)];

  it.each([
    [2, [0, 1, 1, 0, 1, 0]],
    [3, [0, 1, 2, 0, 1, 2]],
  ])('%s classes: the gradient of the penalised loss vanishes', (classes, truth) => {
    const { weights, intercepts, probabilities, predict } = logisticRegression(columns, Int32Array.from(truth), classes);
    const p = probabilities(columns);
    p.forEach((row) => expect(row.reduce((total, value) => total + value, 0)).toBeCloseTo(1, 12));
    const first = classes - weights.length;
    expect(first).toBe(classes === 2 ? 1 : 0);
    weights.forEach((row, k) => {
      const excess = truth.map((label, i) => (p[i]?.[first + k] as number) - Number(label === first + k));
      expect(excess.reduce((total, value) => total + value, 0)).toBeCloseTo(0, 6);
      row.forEach((weight, d) => {
        const slope = excess.reduce((total, value, i) => total + value * (columns[d]?.[i] as number), 0);
        expect(weight + slope).toBeCloseTo(0, 6);
      });
      const logit = (i: number) =>
        (intercepts[k] as number) + row.reduce((total, w, d) => total + w * (columns[d]?.[i] as number), 0);
      if (classes === 2) {
        expect(p[0]?.[1]).toBeCloseTo(1 / (1 + Math.exp(-logit(0))), 12);
      }
    });
    expect([...predict(columns)]).toEqual(p.map((row) => row.indexOf(Math.max(...row))));
  });

  it('one column, far from where it was fitted: probabilities of 0 and 1', () => {
    const { probabilities, weights, predict } = logisticRegression([Float64Array.of(0, 1, 2, 3)], Int32Array.of(0, 1, 0, 2), 3);
    const rows = [Float64Array.of(-1e6, 1e6, 0.5)];
    const highest = weights.map(([w]) => w!).indexOf(Math.max(...weights.map(([w]) => w!)));
    const lowest = weights.map(([w]) => w!).indexOf(Math.min(...weights.map(([w]) => w!)));
    const p = probabilities(rows);
    expect(p[0]).toEqual([0, 1, 2].map((k) => Number(k === lowest)));
    expect(p[1]).toEqual([0, 1, 2].map((k) => Number(k === highest)));
    expect([...predict(rows)].slice(0, 2)).toEqual([lowest, highest]);
  });
});
