import { createRng } from 'tfjs-flows';
import { explicitness } from 'tfjs-flows/metrics';
import { expect, it, test } from 'vitest';
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

it('a code that does not vary is none, whatever it is on the rows held out', async () => {
  const codes = [
    [0, 5],
    [1, 5],
    [2, 5],
    [3, 5],
  ];
  const labels = [[0], [0], [1], [1]];
  const test = {
    codes: [
      [0, 9],
      [1, -9],
      [2, -9],
      [3, 9],
    ],
    factors: labels,
  };
  const { score, trainScore } = await explicitness({ codes, factors: labels, test });
  expect([score, trainScore]).toEqual([1, 1]);
});

it('is what is written down: standardised, fitted, and every pair of rows compared', async () => {
  const rng = createRng(8);
  const make = (n: number) => {
    const noise = rng.normal([n, 3]).dataSync();
    const labels = Array.from({ length: n }, (_, i) => [i % 3, Number(i % 7 > 1)]);
    const codes = labels.map(([a = 0, b = 0], i) => {
      const [u, v, w] = [0, 1, 2].map((d) => noise[3 * i + d]!) as [number, number, number];
      return [1e4 + a + u, 1e-3 * (a - 2 * b + 2 * v), -50 * (a + b + 3 * w + u)];
    });
    return { codes, factors: labels };
  };
  // Few rows to fit to, where the penalty counts, and many to see it.
  const [train, test] = [make(9), make(400)];
  const moments = [0, 1, 2].map((d) => {
    const mean = train.codes.reduce((total, row) => total + row[d]! / 9, 0);
    return { mean, deviation: Math.sqrt(train.codes.reduce((total, row) => total + (row[d]! - mean) ** 2 / 9, 0)) };
  });
  const columns = ({ codes }: typeof train) =>
    moments.map(({ mean, deviation }, d) => Float64Array.from(codes, (row) => (row[d]! - mean) / deviation));
  const scoreOf = (k: number, levels: number, of: typeof train): number => {
    const model = logisticRegression(
      columns(train),
      Int32Array.from(train.factors, (row) => row[k]!),
      levels,
    );
    const probabilities = model.probabilities(columns(of));
    const areas = Array.from({ length: levels }, (_, level) => {
      const [own, others] = [true, false].map((is) => probabilities.filter((_, i) => (of.factors[i]![k] === level) === is));
      const wins = own!.flatMap((a) => others!.map((b) => (1 + Math.sign(a[level]! - b[level]!)) / 2));
      return wins.reduce((total, win) => total + win, 0) / wins.length;
    });
    return areas.reduce((total, area) => total + area, 0) / levels;
  };
  const { score, trainScore, perFactor, trainPerFactor } = await explicitness({ ...train, test });
  const [expected, onTrain] = [test, train].map((of) => [scoreOf(0, 3, of), scoreOf(1, 2, of)]) as [number[], number[]];
  [...perFactor, ...trainPerFactor].forEach((area, k) => {
    expect(area).toBeCloseTo([...expected, ...onTrain][k]!, 12);
  });
  expect(score).toBeCloseTo((expected[0]! + expected[1]!) / 2, 12);
  expect(trainScore).toBeCloseTo((onTrain[0]! + onTrain[1]!) / 2, 12);
});

it('seeds decide about the rows held out', async () => {
  const many = { codes: createRng(1).normal([60, 2]), factors: createRng(2).bits(60) };
  const options = { codes: many.codes, factors: Array.from(many.factors, (word) => [word % 3]) };
  const report = await explicitness({ ...options, rng: createRng(3) });
  expect(report).toEqual(await explicitness({ ...options, rng: createRng(3) }));
  expect(report).not.toEqual(await explicitness({ ...options, rng: createRng(4) }));
});

test.each(BAD_TABLES)('refuses %s', async (_, tables, message) => {
  await expect(explicitness(tables as never)).rejects.toThrow(`explicitness: ${message}`);
});
