import { createRng } from 'tfjs-flows';
import { dci } from 'tfjs-flows/metrics';
import { describe, expect, it, test } from 'vitest';
import { BAD_TABLES, gridOf, turned } from '../../test/setup/factors.js';
import { dciScores } from './dci.js';
import { gradientBoosting } from './gradientBoosting.js';

const factors = gridOf(2, 3, 4, 5).map(([a = 0, b = 0, c = 0]) => [a, b, c]);
const seeded = (codes: number[][], trees = 8) => ({ codes, factors, trees, test: { codes, factors }, rng: createRng(0) });

describe('scores of an importance matrix', () => {
  it('disentanglement and completeness by their formulas', () => {
    const importance = [
      [0.5, 0.25],
      [0, 0.25],
      [0.5, 0.5],
    ];
    const { disentanglement, completeness, disentanglementPerCode, completenessPerFactor } = dciScores(importance);
    const entropy = (...p: number[]) => -p.reduce((total, value) => total + value * Math.log(value), 0);
    const first = 1 - entropy(2 / 3, 1 / 3) / Math.log(2);
    expect(disentanglementPerCode[0]).toBeCloseTo(first, 8);
    expect(disentanglementPerCode[1]).toBeCloseTo(1, 8);
    expect(disentanglementPerCode[2]).toBeCloseTo(0, 8);
    expect(disentanglement).toBeCloseTo((0.75 * first + 0.25) / 2, 8);
    const [one, two] = [1 - Math.log(2) / Math.log(3), 1 - entropy(0.25, 0.25, 0.5) / Math.log(3)];
    expect(completenessPerFactor[0]).toBeCloseTo(one, 8);
    expect(completenessPerFactor[1]).toBeCloseTo(two, 8);
    expect(completeness).toBeCloseTo((one + two) / 2, 8);
  });

  it('0 where nothing is important', () => {
    const { disentanglement, completeness } = dciScores([
      [0, 0],
      [0, 0],
    ]);
    expect(disentanglement).toBeCloseTo(0, 12);
    expect(completeness).toBeCloseTo(0, 12);
  });
});

describe('codes', () => {
  it('one for each factor: 1, 1 and 1', async () => {
    const report = await dci(seeded(factors.map(([a = 0, b = 0, c = 0]) => [2 - c, 10 * a, b / 3])));
    expect(report.disentanglement).toBeCloseTo(1, 6);
    expect(report.completeness).toBeCloseTo(1, 6);
    expect([report.informativeness, report.trainInformativeness]).toEqual([1, 1]);
    expect(report.accuracyPerFactor).toEqual([1, 1, 1]);
    expect(report.importance.map((row) => row.map((value) => Math.round(1e9 * value) / 1e9))).toEqual([
      [0, 0, 1],
      [1, 0, 0],
      [0, 1, 0],
    ]);
  });

  it('a rotation of two lowers both and leaves the information', async () => {
    const report = await dci(seeded(turned(factors), 40));
    expect(report.disentanglement).toBeLessThan(0.8);
    expect(report.completeness).toBeLessThan(0.8);
    expect(report.informativeness).toBe(1);
  });

  it('twice the same share the importance: disentangled, but not complete', async () => {
    const report = await dci(
      seeded(
        factors.map((row) => [...row, ...row]),
        60,
      ),
    );
    expect(report.disentanglement).toBeCloseTo(1, 6);
    expect(report.completeness).toBeLessThan(0.8);
  });

  it('that are constant: 0, 0 and the share of the most frequent level', async () => {
    const { disentanglement, completeness, informativeness, importance } = await dci(seeded(factors.map(() => [1, 2])));
    expect(disentanglement).toBeCloseTo(0, 12);
    expect(completeness).toBeCloseTo(0, 12);
    expect(informativeness).toBeCloseTo((1 / 2 + 1 / 3 + 1 / 4) / 3, 12);
    expect(importance.flat()).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('held out: seeds decide, and informativeness is judged there', async () => {
    const codes = createRng(5).normal([120, 2]).arraySync() as number[][];
    const options = { codes, factors, trees: 10 };
    const report = await dci({ ...options, rng: createRng(1) });
    expect(report).toEqual(await dci({ ...options, rng: createRng(1) }));
    expect(report).not.toEqual(await dci({ ...options, rng: createRng(2) }));
    expect(report.trainInformativeness).toBeGreaterThan(report.informativeness + 0.1);
  });
});

describe('gradientBoosting', () => {
  const x = Float64Array.of(0, 1, 2, 3);
  const problem = { columns: [x], labels: Int32Array.of(0, 0, 1, 1), classes: 2, trees: 1, depth: 1, learningRate: 0.1 };
  const grow = (changes: Partial<typeof problem>) => gradientBoosting({ ...problem, ...changes, rng: createRng(0) });

  it('one split between the classes, halfway', async () => {
    const { predict, importance } = await grow({});
    expect([...predict([Float64Array.of(-9, 1.49, 1.51, 9)])]).toEqual([0, 0, 1, 1]);
    expect(importance).toEqual([1]);
  });

  it('the exclusive or needs two levels', async () => {
    const columns = [Float64Array.of(0, 0, 1, 1, 1), Float64Array.of(0, 1, 0, 1, 1)];
    const labels = Int32Array.of(0, 1, 1, 0, 0);
    const shallow = await grow({ columns, labels, trees: 30, depth: 1 });
    expect([...shallow.predict(columns)]).not.toEqual([...labels]);
    const deep = await grow({ columns, labels, trees: 30, depth: 2 });
    expect([...deep.predict(columns)]).toEqual([...labels]);
  });

  it('importance is the decrease of squared error of the residuals', async () => {
    // Residuals -+1/2 at first. The second column takes the class of 4 rows apart from 2 + 2 others, the first the rest.
    const columns = [Float64Array.of(0, 0, 0, 1, 1, 1, 0, 1), Float64Array.of(0, 0, 0, 1, 1, 0, 0, 1)];
    const labels = Int32Array.of(0, 0, 0, 1, 1, 1, 0, 0);
    const { importance } = await grow({ columns, labels, depth: 1 });
    expect(importance).toEqual([1, 0]);
    // Left (0, 0, 0, 0), right (1, 1, 1, 0): the second column then parts (1, 1, 0) from (1).
    const p = 3 / 8;
    const first = 2 * (3 / 8) ** 2 * 4;
    const second = ((3 * 1) / 4) * (2 / 3 - 1) ** 2;
    const both = await grow({ columns, labels, depth: 2 });
    expect(p).toBe(0.375);
    expect(both.importance[1]).toBeCloseTo(second / (first + second), 12);
  });

  it('a stage takes a Newton step of the learning rate: three classes', async () => {
    // Log-odds of class 2 over class 0 are log(1 / 3) first; leaves of class 2 have residual 1 - p in all, p (1 - p) each.
    const columns = [Float64Array.of(0, 0, 0, 1, 2)];
    const labels = Int32Array.of(0, 0, 0, 1, 2);
    // Per stage the logit of class 2 at x = 2 rises by (2/3) rate (1 - 1/5) / (4/25) = (10/3) rate, that of 0 falls by (2/3) rate / (2/5).
    const gain = 10 / 3 + 5 / 3;
    const near = await grow({ columns, labels, classes: 3, depth: 2, learningRate: (0.99 * Math.log(3)) / gain });
    expect(near.predict([Float64Array.of(2)])[0]).toBe(0);
    const over = await grow({ columns, labels, classes: 3, depth: 2, learningRate: (1.01 * Math.log(3)) / gain });
    expect(over.predict([Float64Array.of(2)])[0]).toBe(2);
  });
});

test.each(BAD_TABLES)('refuses %s', async (_, tables, message) => {
  await expect(dci(tables as never)).rejects.toThrow(`dci: ${message}`);
});

it.each([
  [
    'a single code',
    { codes: factors.map(([a = 0]) => [a]) },
    'the number of columns of options.codes should be at least 2, but got 1.',
  ],
  [
    'a single factor',
    { factors: factors.map(([a = 0]) => [a]) },
    'the number of columns of options.factors should be at least 2, but got 1.',
  ],
  ['no trees', { trees: 0 }, 'options.trees should be a positive integer, but got 0.'],
  ['no depth', { depth: 0 }, 'options.depth should be a positive integer, but got 0.'],
  ['no learning rate', { learningRate: 0 }, 'options.learningRate should be a finite number above 0, but got 0.'],
])('refuses %s', async (_, options, message) => {
  await expect(dci({ codes: factors, factors, ...options })).rejects.toThrow(`dci: ${message}`);
});
