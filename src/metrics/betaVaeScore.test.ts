import { createRng } from 'tfjs-flows';
import { betaVaeScore } from 'tfjs-flows/metrics';
import { expect, it, test } from 'vitest';
import { BAD_TABLES, gridOf, turned } from '../../test/setup/factors.js';
import { logisticRegression } from './logisticRegression.js';
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

it('is the accuracy on mean distances, drawn as it is written down', async () => {
  // Codes so small that the penalty counts, and so noisy that the classifier often errs.
  const noise = createRng(5).normal([60, 3]).dataSync();
  const codes = factors.map((row, i) => row.map((level, d) => 0.05 * level + 0.1 * noise[3 * i + d]!));
  const rng = createRng(6);
  const draw = (votes: number) => {
    const labels = randomIntegers(rng, votes, 3);
    const rows = Array.from(labels, (k) => {
      const first = randomIntegers(rng, 24, 60);
      const words = rng.bits(24);
      return [0, 1, 2].map((d) => {
        const distances = Array.from(first, (i, b) => {
          const partners = codes.filter((_, j) => factors[j]![k] === factors[i]![k]);
          return Math.abs(codes[i]![d]! - partners[Math.floor((partners.length * words[b]!) / 2 ** 32)]![d]!);
        });
        return distances.reduce((total, distance) => total + distance, 0) / 24;
      });
    });
    return { labels, columns: [0, 1, 2].map((d) => Float64Array.from(rows, (row) => row[d]!)) };
  };
  const [train, evaluate] = [draw(300), draw(200)];
  const { predict } = logisticRegression(train.columns, train.labels, 3);
  const [trainScore, score] = [train, evaluate].map(
    ({ labels, columns }) => predict(columns).filter((label, vote) => label === labels[vote]).length / labels.length,
  );
  const options = { batchSize: 24, train: 300, evaluate: 200, rng: createRng(6) };
  const found = await betaVaeScore({ codes, factors, ...options });
  expect(found).toEqual({ score: expect.closeTo(score!, 12), trainScore: expect.closeTo(trainScore!, 12) });
  expect(found.score).toBeGreaterThan(0.4);
  expect(found.score).toBeLessThan(0.95);
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
  ['an unknown option', { votes: 9 }, "unknown option 'votes'; the options are codes, factors, batchSize, train, evaluate, rng."],
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
