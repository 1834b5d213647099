import '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { randomSigns } from './randomSigns.js';
import { createRng } from './rng.js';

test('the first bit of each word is the sign', () => {
  const signs = randomSigns(createRng(3), [2, 3]);
  expect(signs.shape).toEqual([2, 3]);
  expect(signs.dtype).toBe('float32');
  const words = createRng(3).bits(6);
  expect(Array.from(signs.dataSync())).toEqual(Array.from(words, (word) => (word >= 2 ** 31 ? -1 : 1)));
  expect(new Set(signs.dataSync()).size).toBe(2);
  signs.dispose();
});

test('both signs are as likely, and entries are independent', () => {
  const values = Array.from(randomSigns(createRng(4), [10_000]).dataSync());
  const mean = (f: (value: number, i: number) => number): number => values.reduce((sum, value, i) => sum + f(value, i), 0) / 1e4;
  expect(Math.abs(mean((value) => value))).toBeLessThan(0.03);
  expect(Math.abs(mean((value, i) => value * values[(i + 1) % 1e4]!))).toBeLessThan(0.03);
});
