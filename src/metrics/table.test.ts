import * as tf from '@tensorflow/tfjs';
import { createRng } from 'tfjs-flows';
import { describe, expect, it } from 'vitest';
import { checkSeveral, classesOf, labelsAmong, readRepresentation, readTable, readTrainAndTest } from './table.js';

const codes = [
  [1, 2, 3],
  [4, 5, 6],
];

describe('readTable', () => {
  it.each([
    ['a tensor', tf.tensor2d(codes)],
    ['an int32 tensor', tf.tensor2d(codes, [2, 3], 'int32')],
    ['arrays', codes],
    ['typed arrays', codes.map((row) => Float64Array.from(row))],
  ])('reads %s column by column', async (_, table) => {
    expect((await readTable('f', 'x', table)).map((column) => [...column])).toEqual([
      [1, 4],
      [2, 5],
      [3, 6],
    ]);
  });

  it('reads a single row', async () => {
    expect(await readTable('f', 'x', [[1, 2]])).toEqual([Float64Array.of(1), Float64Array.of(2)]);
  });

  const disposed = tf.zeros([2, 2]);
  disposed.dispose();
  it.each([
    ['another rank', tf.zeros([3])],
    ['three axes', tf.zeros([2, 3, 1])],
    ['another dtype', tf.zeros([2, 3], 'bool')],
    ['a disposed tensor', disposed],
    ['no rows', tf.zeros([0, 3])],
    ['no columns', tf.zeros([3, 0])],
    ['rows without columns', [[], []]],
    ['numbers', [1, 2]],
    ['a row that is none', [[1], null]],
    ['strings', ['12', '34']],
    ['something else', 'table'],
  ])('refuses %s', async (_, table) => {
    await expect(readTable('f', 'x', table)).rejects.toThrow(
      'f: x should be a tensor of shape [N, columns], or rows of equally many numbers, but got',
    );
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, '1'])('refuses %s', async (value) => {
    await expect(
      readTable('f', 'x', [
        [1, 2],
        [3, value],
      ]),
    ).rejects.toThrow('f: x[1][1] should be a finite number, but got');
  });
});

describe('readRepresentation', () => {
  it('takes fractions for continuous factors alone', async () => {
    const factors = [
      [0.5, 1],
      [0.25, 2],
    ];
    expect((await readRepresentation('f', 'options', { codes, factors }, (k) => k === 0)).factors[0]).toEqual(
      Float64Array.of(0.5, 0.25),
    );
    await expect(readRepresentation('f', 'options', { codes, factors }, (k) => k === 1)).rejects.toThrow(
      'f: options.factors[0][0] should be an integer, but got 0.5.',
    );
  });
});

describe('readTrainAndTest', () => {
  const rows = Array.from({ length: 40 }, (_, i) => i);
  const all = { codes: rows.map((i) => [i]), factors: rows.map((i) => [i % 2, i]) };

  it('holds out a quarter, whose rows stay together, and no row is in both', async () => {
    const [train, test] = await readTrainAndTest('f', all, createRng(0));
    expect([train.rows, test.rows]).toEqual([30, 10]);
    for (const {
      codes: [code],
      factors: [parity, index],
    } of [train, test]) {
      expect(code).toEqual(index);
      expect(code?.map((value) => value % 2)).toEqual(parity);
    }
    const seen = [train, test].flatMap(({ codes: [code] }) => [...(code as Float64Array)]);
    expect(seen.sort((a, b) => a - b)).toEqual(rows);
    expect([...(test.codes[0] as Float64Array)]).not.toEqual(rows.slice(0, 10));
  });

  it('holds out any fraction, the same for the same seed', async () => {
    const draw = async (seed: number) => (await readTrainAndTest('f', { ...all, test: 0.5 }, createRng(seed)))[1].codes[0];
    expect(await draw(1)).toHaveLength(20);
    expect(await draw(1)).toEqual(await draw(1));
    expect(await draw(1)).not.toEqual(await draw(2));
  });

  it('takes another representation', async () => {
    const [train, test] = await readTrainAndTest(
      'f',
      {
        ...all,
        test: {
          codes: [[7], [8]],
          factors: [
            [1, 0],
            [0, 1],
          ],
        },
      },
      createRng(0),
    );
    expect([train.rows, [...(test.codes[0] as Float64Array)]]).toEqual([40, [7, 8]]);
  });

  it.each([
    ['a fraction of 0', { test: 0 }, 'f: options.test should be a finite number above 0 and below 1, but got 0.'],
    ['a fraction of 1', { test: 1 }, 'f: options.test should be a finite number above 0 and below 1, but got 1.'],
    ['null', { test: null }, 'f: options.test should be a finite number above 0 and below 1, but got null.'],
    [
      'more codes',
      {
        test: {
          codes: [
            [7, 1],
            [8, 1],
          ],
          factors: [
            [1, 0],
            [0, 1],
          ],
        },
      },
      'f: the number of columns of options.test.codes should be 1, but got 2.',
    ],
    [
      'fewer factors',
      { test: { codes: [[7], [8]], factors: [[1], [0]] } },
      'f: the number of columns of options.test.factors should be 2, but got 1.',
    ],
    [
      'a constant factor',
      {
        test: {
          codes: [[7], [8]],
          factors: [
            [1, 1],
            [0, 1],
          ],
        },
      },
      'f: column 1 of options.test.factors should vary, but is 1 everywhere.',
    ],
    ['one row held out', { test: 0.025 }, /^f: column 0 of the rows of options.factors that are held out should vary, but is/],
    ['one row fitted', { test: 0.97 }, /^f: column 0 of the rows of options.factors that are fitted should vary, but is/],
  ])('refuses %s', async (_, options, message) => {
    await expect(readTrainAndTest('f', { ...all, ...options } as never, createRng(0))).rejects.toThrow(message);
  });
});

it('several columns are two at least', () => {
  expect(() => checkSeveral('f', 'x', [0])).toThrow('f: the number of columns of x should be at least 2, but got 1.');
  checkSeveral('f', 'x', [0, 1]);
});

it('classes are the distinct values in ascending order', () => {
  expect(classesOf(Float64Array.of(7, -1, 30, 7))).toEqual({ values: [-1, 7, 30], labels: Int32Array.of(1, 0, 2, 1) });
  expect(labelsAmong([-1, 7, 30], Float64Array.of(30, 8, -1))).toEqual(Int32Array.of(2, -1, 0));
});
