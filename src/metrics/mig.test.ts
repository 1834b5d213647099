import * as tf from '@tensorflow/tfjs';
import { createRng } from 'tfjs-flows';
import { mig } from 'tfjs-flows/metrics';
import { expectNoLeak } from 'tfjs-flows/testing';
import { describe, expect, it, test } from 'vitest';
import { BAD_TABLES, gridOf, turned } from '../../test/setup/factors.js';
import { binsOf } from './information.js';

const factors = gridOf(3, 4, 5);

describe('closed forms', () => {
  it('a code for each factor: 1, and the information is the entropy', async () => {
    const codes = factors.map(([a = 0, b = 0, c = 0]) => [10 - c, 2 * a, b / 7, 3]);
    const report = await mig({ codes, factors });
    expect(report.score).toBeCloseTo(1, 12);
    report.perFactor.forEach((gap) => expect(gap).toBeCloseTo(1, 12));
    report.factorEntropy.forEach((entropy, k) => expect(entropy).toBeCloseTo(Math.log([3, 4, 5][k] as number), 12));
    const expected = [
      [0, 0, Math.log(5)],
      [Math.log(3), 0, 0],
      [0, Math.log(4), 0],
      [0, 0, 0],
    ];
    report.mutualInformation.forEach((row, d) =>
      row.forEach((value, k) => expect(value).toBeCloseTo((expected[d] as number[])[k] as number, 12)),
    );
  });

  it('a code that is a factor of two factors merges levels: I = H(v) - H(v | z)', async () => {
    // z = 1 for the level 3 of 4, else 0: H(z) = log 4 - 3/4 log 3.
    const codes = factors.map(([, b]) => [b === 3 ? 1 : 0]);
    const { perFactor } = await mig({ codes, factors });
    expect(perFactor[1]).toBeCloseTo(1 - (0.75 * Math.log(3)) / Math.log(4), 12);
    expect(perFactor[0]).toBeCloseTo(0, 12);
  });

  it('two codes that tell the same, a constant one: 0', async () => {
    expect((await mig({ codes: factors.map((row) => [...row, ...row]), factors })).score).toBe(0);
    expect((await mig({ codes: factors.map(() => [4.2]), factors })).score).toBe(0);
  });

  it('a rotation of two factors lowers it, by what it does to those two', async () => {
    const { perFactor } = await mig({ codes: turned(factors), factors });
    expect(perFactor[0]).toBeLessThan(0.2);
    expect(perFactor[1]).toBeLessThan(0.2);
    expect(perFactor[2]).toBeCloseTo(1, 12);
  });
});

it('the order of rows, codes and factors does not matter', async () => {
  const codes = factors.map(([a = 0, b = 0, c = 0], i) => [a + (i % 2), b * c, c - a / 2]);
  const one = await mig({ codes, factors });
  const other = await mig({
    codes: codes.map(([p = 0, q = 0, r = 0]) => [r, p, q]).reverse(),
    factors: factors.map(([a = 0, b = 0, c = 0]) => [c, a, b]).reverse(),
  });
  expect(one.score).toBeCloseTo(other.score, 12);
  const [a, b, c] = one.perFactor as [number, number, number];
  other.perFactor.forEach((gap, k) => expect(gap).toBeCloseTo([c, a, b][k] as number, 12));
  expect(one.score).toBeGreaterThan(0.1);
  expect(one.score).toBeLessThan(0.9);
});

it('factors may be any integers', async () => {
  const codes = factors.map(([a = 0]) => [a, 1]);
  const shifted = factors.map(([a = 0]) => [-1000 * a]);
  expect((await mig({ codes, factors: shifted })).score).toBeCloseTo(1, 12);
});

it('bins: 20 unless said, equal from the least to the greatest, which is in the last', async () => {
  expect([...binsOf(Float64Array.of(-1, -0.51, -0.49, 0.4, 1), 4)]).toEqual([0, 0, 1, 2, 3]);
  expect([...binsOf(Float64Array.of(5, 5), 4)]).toEqual([0, 0]);
  const fine = gridOf(40);
  const entropy = async (options: { bins?: number }) =>
    (await mig({ codes: fine, factors: fine, ...options })).mutualInformation[0]?.[0];
  expect(await entropy({})).toBeCloseTo(Math.log(20), 10);
  expect(await entropy({ bins: 2 })).toBeCloseTo(Math.log(2), 10);
});

it('tensors give the same, and none is left', async () => {
  const codes = createRng(0).normal([60, 2]);
  const table = tf.tensor2d(factors, [60, 3], 'int32');
  const rows = (await codes.array()) as number[][];
  expect(await mig({ codes, factors: table })).toEqual(await mig({ codes: rows, factors }));
  await expectNoLeak(() => mig({ codes, factors: table }));
});

test.each(BAD_TABLES)('refuses %s', async (_, tables, message) => {
  await expect(mig(tables as never)).rejects.toThrow(`mig: ${message}`);
});

it.each([1, 2.5, '20'])('refuses %s bins', async (bins) => {
  await expect(mig({ codes: factors, factors, bins: bins as number })).rejects.toThrow(
    'mig: options.bins should be an integer of at least 2',
  );
});
