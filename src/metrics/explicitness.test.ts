import { createRng } from 'tfjs-flows';
import { explicitness } from 'tfjs-flows/metrics';
import { describe, expect, it, test } from 'vitest';
import { BAD_TABLES, gridOf, turned } from '../../test/setup/factors.js';
import { logisticRegression } from './logisticRegression.js';

const factors = gridOf(2, 2, 3);
const whole = (codes: number[][]) => ({ codes, factors, test: { codes, factors } });

it('1 where lines tell every level, turned or not, at any scale', async () => {
  const hot = factors.map(([a = 0, b = 0, c = 0]) => [1e-3 * a, b, 1e3 * Number(c === 0), Number(c === 1)]);
  expect((await explicitness(whole(hot))).score).toBe(1);
  expect((await explicitness(whole(turned(hot)))).perFactor).toEqual([1, 1, 1]);
});

it('1/2 for a constant code, on all rows and on those held out', async () => {
  const report = await explicitness(whole(factors.map(() => [0.1])));
  expect(report).toEqual({ score: 0.5, trainScore: 0.5, perFactor: [0.5, 0.5, 0.5], trainPerFactor: [0.5, 0.5, 0.5] });
});

it('is the chance that a row of a level is told from another, ties half', async () => {
  const codes = [[0], [1], [2], [3]];
  const labels = [[0], [0], [1], [1]];
  // Scores rise with the code. Of the four pairs held out one is right, one wrong and two are tied.
  const test = { codes: [[1], [2], [2], [1]], factors: [[0], [0], [1], [1]] };
  const report = await explicitness({ codes, factors: labels, test });
  expect(report.trainScore).toBe(1);
  expect(report.score).toBe((1 + 2 / 2) / 4);
  const other = { codes: [[3], [2], [2], [1]], factors: [[0], [0], [1], [9]] };
  // Level 0 is above two of two, one tie: 1/2 in four. Level 1: below 3, ties 2, above 1. Level 9 was never seen.
  expect((await explicitness({ codes, factors: labels, test: other })).score).toBeCloseTo(
    (0.5 / 4 + (0.5 + 1) / 3 + 0.5) / 3,
    12,
  );
});

it('seeds decide about the rows held out', async () => {
  const many = { codes: createRng(1).normal([60, 2]), factors: createRng(2).bits(60) };
  const options = { codes: many.codes, factors: Array.from(many.factors, (word) => [word % 3]) };
  const report = await explicitness({ ...options, rng: createRng(3) });
  expect(report).toEqual(await explicitness({ ...options, rng: createRng(3) }));
  expect(report).not.toEqual(await explicitness({ ...options, rng: createRng(4) }));
});

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
});

test.each(BAD_TABLES)('refuses %s', async (_, tables, message) => {
  await expect(explicitness(tables as never)).rejects.toThrow(`explicitness: ${message}`);
});
