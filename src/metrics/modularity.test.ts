import { modularity } from 'tfjs-flows/metrics';
import { describe, expect, it, test } from 'vitest';
import { BAD_TABLES, gridOf, turned } from '../../test/setup/factors.js';
import { modularityOf } from './modularity.js';

const factors = gridOf(3, 4, 5);

describe('closed forms', () => {
  it('1 for codes of one factor each, of which several may have the same', async () => {
    const codes = factors.map(([a = 0, b = 0, c = 0]) => [a, b, c, -c]);
    expect((await modularity({ codes, factors })).score).toBeCloseTo(1, 12);
  });

  it('0 for constant codes', async () => {
    expect(await modularity({ codes: factors.map(() => [1, 2]), factors })).toEqual({
      score: 0,
      perCode: [0, 0],
      mutualInformation: [
        [0, 0, 0],
        [0, 0, 0],
      ],
    });
  });

  it('of 3, 1 and 2 nats: 1 - (1 + 4) / (9 2)', () => {
    expect(modularityOf([1, 3, 2])).toBeCloseTo(1 - 5 / 18, 12);
    expect(modularityOf([2, 2])).toBe(0);
    expect(modularityOf([0, 0])).toBe(0);
  });

  it('a rotation of two factors lowers it', async () => {
    const { perCode, score } = await modularity({ codes: turned(factors), factors });
    // I(a + b; a) = H(a + b) - H(b), and the other way round; sums have the probabilities 1, 2, 3, 3, 2, 1 in 12.
    const entropy = [1, 2, 3, 3, 2, 1].reduce((total, n) => total - (n / 12) * Math.log(n / 12), 0);
    const expected = 1 - ((entropy - Math.log(4)) / (entropy - Math.log(3))) ** 2 / 2;
    expect(perCode[0]).toBeCloseTo(expected, 12);
    expect(perCode[1]).toBeCloseTo(expected, 12);
    expect(expected).toBeLessThan(0.9);
    expect(perCode[2]).toBeCloseTo(1, 12);
    expect(score).toBeCloseTo(
      perCode.reduce((total, value) => total + value / 3, 0),
      12,
    );
  });
});

it('takes bins', async () => {
  const codes = factors.map(([, , c = 0]) => [c]);
  const { mutualInformation } = await modularity({ codes, factors, bins: 2 });
  expect(mutualInformation[0]?.[2]).toBeCloseTo(Math.log(5) - 0.4 * Math.log(2) - 0.6 * Math.log(3), 12);
});

test.each(BAD_TABLES)('refuses %s', async (_, tables, message) => {
  await expect(modularity(tables as never)).rejects.toThrow(`modularity: ${message}`);
});

it('refuses a single factor', async () => {
  await expect(modularity({ codes: gridOf(3), factors: gridOf(3) })).rejects.toThrow(
    'modularity: the number of columns of options.factors should be at least 2, but got 1.',
  );
});
