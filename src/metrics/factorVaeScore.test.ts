import { createRng } from 'tfjs-flows';
import { factorVaeScore } from 'tfjs-flows/metrics';
import { describe, expect, it, test } from 'vitest';
import { BAD_TABLES, gridOf, turned } from '../../test/setup/factors.js';
import { codeThatVariesLeast, judgeVotes } from './factorVaeScore.js';

const factors = gridOf(3, 4, 5);
const few = { batchSize: 24, train: 150, evaluate: 90 };

it('1 for a code for each factor, at any scale', async () => {
  const codes = factors.map(([a = 0, b = 0, c = 0]) => [60 + c, 0, 1e3 * a, b - 50]);
  const report = await factorVaeScore({ codes, factors, ...few, rng: createRng(0) });
  expect([report.score, report.trainScore]).toEqual([1, 1]);
  expect(report.active).toEqual([true, false, true, true]);
  const placed = report.votes.map((row) => row.map((count) => count > 0));
  expect(placed).toEqual([
    [false, false, true],
    [false, false, false],
    [true, false, false],
    [false, true, false],
  ]);
  expect(report.votes.flat().reduce((total, count) => total + count, 0)).toBe(150);
});

it('0 for constant codes', async () => {
  const report = await factorVaeScore({ codes: factors.map(() => [1, 2]), factors, ...few });
  expect([report.score, report.trainScore, report.active]).toEqual([0, 0, [false, false]]);
});

it('a rotation of two factors lowers it to what is left', async () => {
  const { score, votes } = await factorVaeScore({ codes: turned(factors), factors, ...few, evaluate: 900, rng: createRng(0) });
  expect(score).toBeLessThan(0.9);
  expect(score).toBeGreaterThan(0.5);
  // The third is told as before, but for batches where the others vary little by chance.
  expect(votes[2]?.[2]).toBeGreaterThan(40);
  expect((votes[0]?.[2] as number) + (votes[1]?.[2] as number)).toBe(0);
});

it('codes with a standard deviation below 0.05 do not vote, unless said', async () => {
  const codes = factors.map(([a = 0, b = 0]) => [0.05 * a, 0.12 * a, b]);
  const active = async (options: object) => (await factorVaeScore({ codes, factors, ...few, ...options })).active;
  // Levels 0, 1, 2 have a standard deviation of sqrt(2/3) and, with N - 1, a little more.
  expect(await active({})).toEqual([false, true, true]);
  expect(await active({ pruneBelow: 0.04 })).toEqual([true, true, true]);
  expect(await active({ pruneBelow: 1 })).toEqual([false, false, true]);
});

it('draws 64 rows for 10000 and 5000 votes unless said', async () => {
  const rng = createRng(0);
  await factorVaeScore({ codes: gridOf(2, 2), factors: gridOf(2, 2), rng });
  // A row for the level, in a block of four words, 64 rows, and the factors of all votes.
  expect(rng.save().counter).toBe(15000 * (1 + 16) + 15000 / 4);
});

it('seeds decide', async () => {
  const codes = createRng(1).normal([60, 2]);
  const score = async (seed: number) => factorVaeScore({ codes, factors, ...few, rng: createRng(seed) });
  expect(await score(1)).toEqual(await score(1));
  expect(await score(1)).not.toEqual(await score(2));
});

describe('the parts', () => {
  it('variances are divided by N - 1, and compared in parts of those of all rows', () => {
    const code = codeThatVariesLeast([Float64Array.of(0, 2, 4), Float64Array.of(0, 20, 40), Float64Array.of(1, 1, 1)], 0);
    expect(code.variances).toEqual([4, 400, 0]);
    expect(code.active).toEqual([true, true, false]);
    // 2 / 4 against 50 / 400.
    expect(code.of([Float64Array.of(0, 2), Float64Array.of(0, 10), Float64Array.of(1, 1)])).toBe(1);
    expect(code.of([Float64Array.of(0, 0.5), Float64Array.of(0, 10), Float64Array.of(1, 1)])).toBe(0);
    expect(codeThatVariesLeast([Float64Array.of(1, 1)], 0).of([Float64Array.of(1, 1)])).toBe(-1);
  });

  it('a threshold that is met exactly', () => {
    expect(codeThatVariesLeast([Float64Array.of(0, 2, 4)], 2).active).toEqual([true]);
    expect(codeThatVariesLeast([Float64Array.of(0, 2, 4)], 2.001).active).toEqual([false]);
  });

  it('a code stands for the factor it voted for most often', () => {
    const train = { codes: Int32Array.of(0, 0, 0, 1, 1), factors: Int32Array.of(2, 2, 1, 0, 0) };
    const evaluate = { codes: Int32Array.of(0, 0, 1, -1), factors: Int32Array.of(2, 1, 0, 0) };
    expect(judgeVotes(train, evaluate, 2, 3)).toEqual({
      trainScore: 4 / 5,
      score: 2 / 4,
      votes: [
        [0, 1, 2],
        [2, 0, 0],
      ],
    });
  });
});

test.each(BAD_TABLES)('refuses %s', async (_, tables, message) => {
  await expect(factorVaeScore(tables as never)).rejects.toThrow(`factorVaeScore: ${message}`);
});

it('refuses a negative threshold', async () => {
  await expect(factorVaeScore({ codes: factors, factors, pruneBelow: -1 })).rejects.toThrow(
    'factorVaeScore: options.pruneBelow should be a finite number at least 0, but got -1.',
  );
});
