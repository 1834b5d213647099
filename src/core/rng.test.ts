import '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { createRng, philox } from './rng.js';

const hex = (words: Uint32Array): string => Array.from(words, (word) => word.toString(16).padStart(8, '0')).join(' ');

describe('philox', () => {
  // Known answers of the authors' reference implementation (Random123, kat_vectors).
  test('gives the published block for a zero key and counter', () => {
    const out = new Uint32Array(4);
    philox([0, 0], 0, 0, out, 0);
    expect(hex(out)).toBe('6627e8d5 e169c58d bc57ac4c 9b00dbd8');
  });

  test('multiplies 32-bit words whole: all ones differ from what lost carries give', () => {
    // Independent evaluation with BigInt.
    const out = new Uint32Array(4);
    for (const [key, counter] of [
      [[0xffffffff, 0xffffffff], 2 ** 53 - 1],
      [[0xa4093822, 0x299f31d0], 0x85a308d3],
      [[1, 2], 12345678901],
    ] as const) {
      philox(key, counter, 1, out, 0);
      expect(hex(out)).toBe(hex(bigPhilox(key, counter, 1)));
    }
  });
});

describe('createRng', () => {
  test('gives the same numbers for the same seed, others for another', () => {
    expect(createRng(3).bits(9)).toEqual(createRng(3).bits(9));
    expect(createRng(3).bits(9)).not.toEqual(createRng(4).bits(9));
    expect(createRng(2 ** 40).bits(4)).not.toEqual(createRng(0).bits(4));
    expect(createRng(-1).bits(4)).not.toEqual(createRng(1).bits(4));
  });

  test('draws on where it stopped', () => {
    const rng = createRng(5);
    const parts = [...rng.bits(4), ...rng.bits(4)];
    expect(parts).toEqual([...createRng(5).bits(8)]);
  });

  test('uniform numbers stay inside the open interval and have its moments', () => {
    const values = createRng(1).uniform([20000]).dataSync();
    expect(Math.min(...values)).toBeGreaterThan(0);
    expect(Math.max(...values)).toBeLessThan(1);
    expect(mean(values)).toBeCloseTo(0.5, 2);
    expect(mean(values.map((value) => (value - 0.5) ** 2))).toBeCloseTo(1 / 12, 2);
    const wide = createRng(1).uniform([20000], -2, 6).dataSync();
    expect(mean(wide)).toBeCloseTo(2, 1);
    expect(wide[7]).toBeCloseTo(-2 + 8 * (values[7] as number), 5);
  });

  test('normal numbers have the moments and tails of N(0, 1)', () => {
    const values = createRng(2).normal([40001]).dataSync();
    const n = values.length;
    expect(n).toBe(40001);
    // Five standard errors each.
    expect(Math.abs(mean(values))).toBeLessThan(5 / Math.sqrt(n));
    expect(Math.abs(mean(values.map((value) => value ** 2)) - 1)).toBeLessThan(5 * Math.sqrt(2 / n));
    expect(Math.abs(mean(values.map((value) => value ** 3)))).toBeLessThan(5 * Math.sqrt(15 / n));
    expect(Math.abs(mean(values.map((value) => value ** 4)) - 3)).toBeLessThan(5 * Math.sqrt(96 / n));
    const beyond = values.filter((value) => Math.abs(value) > 1.959964).length / n;
    expect(Math.abs(beyond - 0.05)).toBeLessThan(5 * Math.sqrt((0.05 * 0.95) / n));
    const lagged = mean(values.subarray(1).map((value, i) => value * (values[i] as number)));
    expect(Math.abs(lagged)).toBeLessThan(5 / Math.sqrt(n));
  });

  test('split gives generators unlike each other, the parent and a second split', () => {
    const parent = createRng(7);
    const children = [...parent.split(3), ...parent.split(2)];
    const first = [createRng(7), parent, ...children].map((rng) => hex(rng.bits(4)));
    expect(new Set(first).size).toBe(first.length);
    expect(hex(createRng(7).split(1)[0]?.bits(4) as Uint32Array)).toBe(first[2]);
  });

  test('saves and restores through JSON', () => {
    const rng = createRng(8);
    rng.bits(5);
    const saved = JSON.parse(JSON.stringify(rng.save()));
    const expected = rng.bits(6);
    expect(createRng(saved).bits(6)).toEqual(expected);
    rng.restore(saved);
    expect(rng.bits(6)).toEqual(expected);
  });

  test.each([[1.5], [Number.NaN], [2 ** 60], ['7'], [null], [{ key: [1], counter: 0 }], [{ key: [1, 2 ** 32], counter: 0 }]])(
    'refuses the seed %j',
    (seed) => {
      expect(() => createRng(seed as number)).toThrow(/createRng: seed should be an integer/);
    },
  );

  test('refuses a negative counter and a wrong count', () => {
    expect(() => createRng({ key: [1, 2], counter: -1 })).toThrow('counter');
    expect(() => createRng(1).bits(-1)).toThrow('rng.bits: count should be an integer of at least 0, but got -1.');
    expect(() => createRng(1).split(0)).toThrow('rng.split: count should be a positive integer, but got 0.');
    expect(() => createRng(1).normal([2.5])).toThrow('rng: shape should be a list of sizes, but got [2.5].');
    expect(() => createRng(1).normal([-1])).toThrow('rng: shape should be a list of sizes, but got [-1].');
    expect(() => createRng(1).uniform(3 as never)).toThrow('rng: shape should be a list of sizes, but got 3.');
    expect(() => createRng(1).uniform([2], 0, Number.POSITIVE_INFINITY)).toThrow('rng.uniform: high should be a number above 0');
  });
});

const mean = (values: ArrayLike<number>): number => Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;

function bigPhilox(key: readonly [number, number], counter: number, stream: number): Uint32Array {
  const mask = 0xffffffffn;
  let [c0, c1, c2, c3] = [BigInt(counter) & mask, BigInt(counter) >> 32n, 0n, BigInt(stream)];
  let [k0, k1] = [BigInt(key[0]), BigInt(key[1])];
  for (let round = 0; round < 10; round++) {
    const p0 = 0xd2511f53n * c0;
    const p1 = 0xcd9e8d57n * c2;
    [c0, c1, c2, c3] = [(p1 >> 32n) ^ c1 ^ k0, p1 & mask, (p0 >> 32n) ^ c3 ^ k1, p0 & mask];
    k0 = (k0 + 0x9e3779b9n) & mask;
    k1 = (k1 + 0xbb67ae85n) & mask;
  }
  return Uint32Array.from([c0, c1, c2, c3], Number);
}
