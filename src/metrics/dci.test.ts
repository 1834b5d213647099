import { createRng } from 'tfjs-flows';
import { dci } from 'tfjs-flows/metrics';
import { describe, expect, it, test } from 'vitest';
import { BAD_TABLES, gridOf, turned } from '../../test/setup/factors.js';
import { dciScores } from './dci.js';

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

  it('shares have 1e-11 added, as in the reference implementation', () => {
    const [one, none] = [1 + 1e-11, 1e-11].map((weight) => weight / (1 + 2e-11)) as [number, number];
    const entropy = -(one * Math.log1p(-none) + none * Math.log(none));
    const { disentanglementPerCode } = dciScores([
      [1, 0],
      [0, 1],
    ]);
    disentanglementPerCode.forEach((value) => expect((1 - value) / (entropy / Math.LN2)).toBeCloseTo(1, 4));
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

  it('100 trees of depth 3 that learn at 0.1, unless said', async () => {
    const codes = createRng(5).normal([40, 2]).arraySync() as number[][];
    const noisy = { codes, factors: codes.map(([a = 0, b = 0], i) => [Number(a + b > 0), i % 3]) };
    const report = await dci({ ...noisy, rng: createRng(1) });
    expect(report).toEqual(await dci({ ...noisy, trees: 100, depth: 3, learningRate: 0.1, rng: createRng(1) }));
    expect(report.importance).not.toEqual((await dci({ ...noisy, depth: 2, rng: createRng(1) })).importance);
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
