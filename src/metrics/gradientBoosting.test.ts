import { createRng } from 'tfjs-flows';
import { describe, expect, it, test } from 'vitest';
import { randomPermutation } from '../core/randomPermutation.js';
import type { BoostingProblem } from './gradientBoosting.js';
import { gradientBoosting } from './gradientBoosting.js';

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

/** The algorithm as it is written down: trees of nested nodes, errors by their definition, all rows at every node. */
function written({ columns, labels, classes, trees, depth, learningRate }: Omit<BoostingProblem, 'rng'>) {
  type Node = { value: number } | { column: number; at: number; low: Node; high: Node };
  const all = Array.from(labels, (_, i) => i);
  const kinds = classes === 2 ? [1] : Array.from({ length: classes }, (_, k) => k);
  const gains = columns.map(() => 0);
  const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);
  const errorOf = (values: number[]): number => sum(values.map((value) => (value - sum(values) / values.length) ** 2));
  const share = (k: number): number => all.filter((i) => labels[i] === k).length / all.length;
  const starts = kinds.map((k) => (classes === 2 ? Math.log(share(k) / (1 - share(k))) : Math.log(share(k))));
  const stages: Node[][] = [];
  const scoreOf = (k: number, row: number[]): number =>
    stages.reduce((total, stage) => {
      let node = stage[k]!;
      while ('at' in node) {
        node = row[node.column]! <= node.at ? node.low : node.high;
      }
      return total + node.value;
    }, starts[k]!);
  const probabilityOf = (k: number, row: number[]): number => {
    const scores = kinds.map((_, j) => scoreOf(j, row));
    return classes === 2 ? 1 / (1 + Math.exp(-scores[0]!)) : Math.exp(scores[k]!) / sum(scores.map(Math.exp));
  };
  const rowOf = (i: number): number[] => columns.map((column) => column[i]!);
  for (let stage = 0; stage < trees; stage++) {
    stages.push(
      kinds.map((kind, k) => {
        const p = all.map((i) => probabilityOf(k, rowOf(i)));
        const residual = all.map((i) => Number(labels[i] === kind) - p[i]!);
        const of = (rows: number[]): number[] => rows.map((i) => residual[i]!);
        const grow = (rows: number[], left: number): Node => {
          let best = { gain: -1, column: -1, at: 0 };
          if (left > 0 && errorOf(of(rows)) / rows.length > Number.EPSILON) {
            columns.forEach((column, d) => {
              const places = rows.map((i) => column[i]!).sort((a, b) => a - b);
              places.slice(1).forEach((place, n) => {
                const at = (place + places[n]!) / 2;
                const [low, high] = [rows.filter((i) => column[i]! <= at), rows.filter((i) => column[i]! > at)];
                const gain = errorOf(of(rows)) - errorOf(of(low)) - errorOf(of(high));
                if (gain > best.gain && low.length > 0 && high.length > 0) {
                  best = { gain, column: d, at };
                }
              });
            });
          }
          if (best.column < 0) {
            const shrinkage = classes === 2 ? 1 : (classes - 1) / classes;
            return { value: (learningRate * shrinkage * sum(of(rows))) / sum(rows.map((i) => p[i]! * (1 - p[i]!))) };
          }
          const { column, at, gain } = best;
          gains[column]! += gain;
          const side = (isLow: boolean): number[] => rows.filter((i) => columns[column]![i]! <= at === isLow);
          return { column, at, low: grow(side(true), left - 1), high: grow(side(false), left - 1) };
        };
        return grow(all, depth);
      }),
    );
  }
  return {
    importance: gains.map((gain) => gain / sum(gains)),
    predict: (row: number[]): number => {
      const scores = kinds.map((_, k) => scoreOf(k, row));
      return classes === 2 ? Number(scores[0]! > 0) : scores.indexOf(Math.max(...scores));
    },
  };
}

test.each([
  { classes: 2, trees: 1, depth: 1, learningRate: 0.5 },
  { classes: 2, trees: 6, depth: 2, learningRate: 0.3 },
  { classes: 3, trees: 1, depth: 2, learningRate: 0.8 },
  // One column, since small nodes can be split equally well by several.
  { classes: 4, trees: 5, depth: 3, learningRate: 0.4, count: 1 },
  { classes: 3, trees: 3, depth: 4, learningRate: 1.5, count: 1 },
])('is what is written down: %j', async ({ count = 3, ...settings }) => {
  const rng = createRng(settings.classes + settings.trees);
  const n = 70;
  const numbers = rng.normal([3, n]).dataSync();
  const columns = [0, 1, 2].map((d) => Float64Array.from(numbers.slice(d * n, (d + 1) * n), (value) => 2 * value - d));
  const noise = rng.bits(n);
  const labels = Int32Array.from(noise, (word, i) =>
    word % 5 === 0
      ? (word >>> 8) % settings.classes
      : Math.min(settings.classes - 1, Math.max(0, Math.floor(columns[0]![i]! + 0.4 * columns[1]![i]! + 2))),
  );
  const problem = { columns: columns.slice(0, count), labels, ...settings };
  const [found, expected] = [await gradientBoosting({ ...problem, rng }), written(problem)];
  found.importance.forEach((value, d) => {
    expect(value).toBeCloseTo(expected.importance[d]!, 9);
  });
  expect(expected.importance.filter((value) => value > 0).length).toBeGreaterThan(settings.depth === 2 ? 1 : 0);
  const points = Array.from(rng.normal([500, 3]).dataSync(), (value) => 2 * value - 1);
  const rows = Array.from({ length: 500 }, (_, i) => points.slice(3 * i, 3 * i + 3));
  const found500 = [...found.predict([0, 1, 2].map((d) => Float64Array.from(rows, (row) => row[d]!)))];
  expect(found500).toEqual(rows.map(expected.predict));
  expect(new Set(found500).size).toBe(settings.classes);
});

it('a split lies halfway, wherever the numbers are', async () => {
  for (const [low, high] of [
    [-7, -5],
    [-1, 9],
    [1e6, 1e6 + 4],
  ] as const) {
    const columns = [Float64Array.of(low, low, high, high)];
    const settings = { classes: 2, trees: 1, depth: 1, learningRate: 0.1, rng: createRng(0) };
    const { predict } = await gradientBoosting({ columns, labels: Int32Array.of(0, 0, 1, 1), ...settings });
    const middle = (low + high) / 2;
    expect([...predict([Float64Array.of(middle - 0.01, middle, middle + 0.01)])]).toEqual([0, 0, 1]);
  }
});

it('numbers that are nearer than 1e-7 are one', async () => {
  const settings = { classes: 2, trees: 1, depth: 1, learningRate: 0.1, rng: createRng(0) };
  const importance = async (step: number): Promise<readonly number[]> => {
    const columns = [Float64Array.of(0, 0, step, step)];
    return (await gradientBoosting({ columns, labels: Int32Array.of(0, 0, 1, 1), ...settings })).importance;
  };
  expect([await importance(0.9e-7), await importance(1e-7), await importance(1.1e-7)]).toEqual([[0], [0], [1]]);
});

it('rows that are told for certain count no more', async () => {
  // A learning rate far beyond use: probabilities are 0 and 1 after a few stages, and neither residuals nor curvatures are left.
  const columns = [Float64Array.of(0, 1, 2, 3), Float64Array.of(0, 0, 1, 0)];
  const labels = Int32Array.of(0, 0, 1, 1);
  const settings = { classes: 2, trees: 6, depth: 2, learningRate: 400, rng: createRng(0) };
  const { importance, predict } = await gradientBoosting({ columns, labels, ...settings });
  expect(importance[0]).toBeCloseTo(1, 12);
  expect([...predict(columns)]).toEqual([...labels]);
  const three = Int32Array.of(0, 1, 2, 0);
  const other = await gradientBoosting({ columns, labels: three, ...settings, classes: 3, learningRate: 4000 });
  expect(other.importance[0]! + other.importance[1]!).toBeCloseTo(1, 12);
  expect([...other.predict(columns)]).toEqual([...three]);
});

it('certain rows add nothing to their leaf: votes of two columns that agreed on the rows fitted', async () => {
  // One row of class 1 in four: log-odds -log 3, and a first step of 4 rates up and 4/3 down. Then p is 1 for that row in float64,
  // without a residual, but the others still go down by a rate a stage.
  const [trees, learningRate] = [8, 10];
  const column = Float64Array.of(0, 0, 1, 0);
  const classes = Array.from({ length: 24 }, async (_, seed) => {
    const settings = { labels: Int32Array.of(0, 0, 1, 0), classes: 2, trees, depth: 1, learningRate, rng: createRng(seed) };
    const { predict } = await gradientBoosting({ columns: [column, column], ...settings });
    const rng = createRng(seed);
    const chosen = Array.from({ length: trees }, () => randomPermutation(rng, 2)[0]!);
    const scores = [0, 1].map((up) =>
      chosen.reduce(
        (total, d, stage) => total + learningRate * (d === up ? [4, 0] : [-4 / 3, -1])[Math.min(1, stage)]!,
        -Math.log(3),
      ),
    );
    const found = [...predict([Float64Array.of(1, 0), Float64Array.of(0, 1)])];
    expect(found).toEqual(scores.map((score) => Number(score > 0)));
    return found;
  });
  expect(new Set((await Promise.all(classes)).flat()).size).toBe(2);
});

it('of splits of one column that are equally good it takes the first', async () => {
  const settings = { classes: 2, trees: 1, depth: 1, learningRate: 9, rng: createRng(0) };
  const columns = [Float64Array.of(0, 1, 2)];
  const { predict } = await gradientBoosting({ columns, labels: Int32Array.of(0, 1, 0), ...settings });
  expect([...predict(columns)]).toEqual([0, 1, 1]);
});

it('nothing to split: no importance, and the most frequent class', async () => {
  const settings = { trees: 3, depth: 2, learningRate: 0.1, rng: createRng(0) };
  const columns = [new Float64Array(5).fill(3)];
  const two = await gradientBoosting({ columns, labels: Int32Array.of(1, 0, 1, 1, 0), classes: 2, ...settings });
  const three = await gradientBoosting({ columns, labels: Int32Array.of(1, 0, 2, 2, 0), classes: 3, ...settings });
  expect([two.importance, three.importance]).toEqual([[0], [0]]);
  const even = await gradientBoosting({ columns: [new Float64Array(2)], labels: Int32Array.of(1, 0), classes: 2, ...settings });
  expect([...even.predict(columns)]).toEqual([0, 0, 0, 0, 0]);
  expect([...two.predict(columns)]).toEqual([1, 1, 1, 1, 1]);
  // The first of those that are equally frequent.
  expect([...three.predict(columns)]).toEqual([0, 0, 0, 0, 0]);
});

it('columns that split equally well share by chance', async () => {
  const column = Float64Array.of(0, 1, 2, 3);
  const settings = { classes: 2, trees: 40, depth: 1, learningRate: 0.1, rng: createRng(0) };
  const { importance } = await gradientBoosting({ columns: [column, column], labels: Int32Array.of(0, 0, 1, 1), ...settings });
  expect(importance[0]! + importance[1]!).toBeCloseTo(1, 12);
  importance.forEach((value) => expect(Math.abs(value - 0.5)).toBeLessThan(0.3));
});
