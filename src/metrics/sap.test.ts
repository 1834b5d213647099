import { createRng } from 'tfjs-flows';
import { sap } from 'tfjs-flows/metrics';
import { describe, expect, it, test } from 'vitest';
import { BAD_TABLES, gridOf, turned } from '../../test/setup/factors.js';

const factors = gridOf(2, 4, 5);
const whole = (codes: number[][]) => ({ codes, factors, test: { codes, factors } });

describe('continuous factors', () => {
  it('a straight line for each factor: 1', async () => {
    const codes = factors.map(([a = 0, b = 0, c = 0]) => [3 - c, a / 9, 1 + 2 * b]);
    const { score, perFactor, predictability } = await sap({ ...whole(codes), continuous: true });
    expect(score).toBeCloseTo(1, 12);
    perFactor.forEach((gap) => expect(gap).toBeCloseTo(1, 12));
    expect(predictability.map((row) => row.map((value) => Math.round(value * 1e9) / 1e9))).toEqual([
      [0, 0, 1],
      [1, 0, 0],
      [0, 1, 0],
    ]);
  });

  it('the sum and the difference of two: variances share, the gap is 0', async () => {
    const { perFactor, predictability } = await sap({ ...whole(turned(factors)), continuous: true });
    // Variances (levels^2 - 1) / 12 of 2 and of 4 levels: 1/4 and 5/4.
    expect(predictability[0]?.[0]).toBeCloseTo(1 / 6, 12);
    expect(predictability[1]?.[1]).toBeCloseTo(5 / 6, 12);
    expect(perFactor[0]).toBeCloseTo(0, 12);
    expect(perFactor[1]).toBeCloseTo(0, 12);
    expect(perFactor[2]).toBeCloseTo(1, 12);
  });

  it('a constant code predicts nothing', async () => {
    const { predictability } = await sap({ ...whole(factors.map(() => [0.1, 7])), continuous: true });
    predictability.flat().forEach((value) => expect(value).toBeCloseTo(0, 12));
  });

  it('nor does one that all but is: a variance below 1e-12 counts as 1e-12', async () => {
    const codes = factors.map(([a = 0]) => [1e-6 * (a - 0.5), 2.4e-6 * (a - 0.5)]);
    const { predictability } = await sap({ ...whole(codes), continuous: true });
    expect(predictability[0]?.[0]).toBeCloseTo(0.25, 12);
    expect(predictability[1]?.[0]).toBeCloseTo(1, 12);
  });

  it('any numbers, for the factors that are said to be continuous', async () => {
    const halves = factors.map(([a = 0, b = 0, c = 0]) => [a, b / 2, c]);
    const options = { codes: halves, factors: halves, test: { codes: halves, factors: halves } };
    const { perFactor } = await sap({ ...options, continuous: [false, true, true] });
    // Two levels: the best code is right always, another in half of the rows.
    expect(perFactor[0]).toBeCloseTo(0.5, 12);
    expect(perFactor[1]).toBeCloseTo(1, 12);
    await expect(sap({ ...options, continuous: [true, false, true] })).rejects.toThrow(
      'sap: options.factors[5][1] should be an integer, but got 0.5.',
    );
  });
});

describe('kinds', () => {
  it('unless said: accuracy on rows held out, and gaps between them', async () => {
    const codes = factors.map(([a = 0, b = 0]) => [4 * a - 2, b]);
    const { perFactor, predictability } = await sap(whole(codes));
    expect(predictability[0]?.[0]).toBe(1);
    expect(perFactor[0]).toBeCloseTo(1 - (predictability[1]?.[0] as number), 12);
    const same = await sap({ codes, factors, rng: createRng(1) });
    expect(same).toEqual(await sap({ codes, factors, rng: createRng(1) }));
    expect(same).not.toEqual(await sap({ codes, factors, rng: createRng(2) }));
  });

  it('judges the rows held out by what was fitted', async () => {
    const codes = factors.map(([a = 0]) => [4 * a - 2]);
    const test = {
      codes: [[-2], [-2], [-2], [2]],
      factors: [
        [0, 0, 0],
        [1, 1, 1],
        [0, 0, 0],
        [7, 0, 0],
      ],
    };
    const { predictability } = await sap({ codes, factors, test });
    // Right, wrong, right, and a level that was never seen.
    expect(predictability[0]?.[0]).toBe(0.5);
  });

  it('a code far from 0 tells less than the same code centred', async () => {
    const at = async (offset: number) => (await sap(whole(factors.map(([a = 0]) => [a - 0.5 + offset])))).predictability[0]?.[0];
    expect(await at(0)).toBe(1);
    expect(await at(100)).toBe(0.5);
  });

  it('constant codes: 0', async () => {
    expect((await sap(whole(factors.map(() => [1, 2])))).score).toBe(0);
  });
});

test.each(BAD_TABLES)('refuses %s', async (_, tables, message) => {
  await expect(sap(tables as never)).rejects.toThrow(`sap: ${message}`);
});

it.each([
  ['yes', 'true or false, for all factors or for each', "'yes'"],
  [[true, 'no', true], 'true or false, for all factors or for each', '[true,"no",true]'],
  [[true, false], 'a list of 3, one for each factor', '[true,false]'],
])('refuses continuous: %s', async (continuous, expected, got) => {
  await expect(sap({ ...whole(factors), continuous: continuous as never })).rejects.toThrow(
    `sap: options.continuous should be ${expected}, but got ${got}.`,
  );
});
