import { createRng } from 'tfjs-flows';
import { betaVaeScore } from 'tfjs-flows/metrics';
import { expect, it, test } from 'vitest';
import { BAD_TABLES, gridOf, turned } from '../../test/setup/factors.js';
import { randomIntegers, rowsByLevel } from './rowsByLevel.js';

const factors = gridOf(3, 4, 5);
const few = { batchSize: 24, train: 150, evaluate: 90 };

it('1 for a code for each factor', async () => {
  const codes = factors.map(([a = 0, b = 0, c = 0]) => [4 * a, 3 * b, 2 * c, 9]);
  expect(await betaVaeScore({ codes, factors, ...few, rng: createRng(0) })).toEqual({ score: 1, trainScore: 1 });
});

it('chance for a constant code', async () => {
  const { score } = await betaVaeScore({ codes: factors.map(() => [1]), factors, ...few, evaluate: 900, rng: createRng(0) });
  expect(Math.abs(score - 1 / 3)).toBeLessThan(0.08);
});

it('codes that tell nothing of two factors lower it', async () => {
  const codes = factors.map(([a = 0]) => [a]);
  const { score } = await betaVaeScore({ codes, factors, ...few, rng: createRng(0) });
  expect(score).toBeGreaterThan(0.5);
  expect(score).toBeLessThan(0.85);
});

it('the two rows of a pair agree in the factor, and in others by chance alone', async () => {
  // Two factors of two levels, one pair in agreement twice: the other agrees in both with probability 1/4, and k is then a guess.
  const two = gridOf(2, 2);
  const { score } = await betaVaeScore({
    codes: two,
    factors: two,
    batchSize: 2,
    train: 2000,
    evaluate: 2000,
    rng: createRng(0),
  });
  expect(Math.abs(score - 7 / 8)).toBeLessThan(0.03);
});

it('a rotation of two factors lowers it', async () => {
  const { score } = await betaVaeScore({ codes: turned(factors), factors, ...few, rng: createRng(0) });
  expect(score).toBeLessThan(1);
});

it('seeds decide', async () => {
  const codes = createRng(1).normal([60, 2]);
  const score = async (seed: number) => betaVaeScore({ codes, factors, ...few, rng: createRng(seed) });
  expect(await score(1)).toEqual(await score(1));
  expect(await score(1)).not.toEqual(await score(2));
});

it('counts votes and rows unless said as the papers do', async () => {
  const rng = createRng(0);
  const before = rng.save().counter;
  await betaVaeScore({ codes: gridOf(2, 2), factors: gridOf(2, 2), rng });
  // 64 rows and 64 partners a vote, and the factors of all votes, four words a block.
  expect(rng.save().counter - before).toBe((15000 * 128 + 15000) / 4);
});

it('rows by level, and integers that are equally likely', () => {
  const rows = rowsByLevel(Float64Array.of(5, 7, 5, -1));
  expect([rows(0), rows(1), rows(2), rows(3)]).toEqual([[0, 2], [1], [0, 2], [3]]);
  const counts = [0, 0, 0];
  for (const value of randomIntegers(createRng(0), 3000, 3)) {
    counts[value] = (counts[value] as number) + 1;
  }
  counts.forEach((count) => expect(Math.abs(count - 1000)).toBeLessThan(100));
});

test.each(BAD_TABLES)('refuses %s', async (_, tables, message) => {
  await expect(betaVaeScore(tables as never)).rejects.toThrow(`betaVaeScore: ${message}`);
});

it.each([
  ['a batch of one', { batchSize: 1 }, 'options.batchSize should be an integer of at least 2, but got 1.'],
  ['no votes to fit', { train: 0 }, 'options.train should be a positive integer, but got 0.'],
  ['no votes to judge', { evaluate: 0 }, 'options.evaluate should be a positive integer, but got 0.'],
  [
    'a single factor',
    { factors: factors.map(([a = 0]) => [a]) },
    'the number of columns of options.factors should be at least 2, but got 1.',
  ],
])('refuses %s', async (_, options, message) => {
  await expect(betaVaeScore({ codes: factors, factors, ...options })).rejects.toThrow(`betaVaeScore: ${message}`);
});
