import '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { randomPermutation } from './randomPermutation.js';
import { createRng } from './rng.js';

test('permutation is one, and each element lands everywhere', () => {
  const rng = createRng(6);
  const counts = Array.from({ length: 4 }, () => [0, 0, 0, 0]);
  for (let i = 0; i < 4000; i++) {
    const order = randomPermutation(rng, 4);
    expect([...order].sort()).toEqual([0, 1, 2, 3]);
    order.forEach((value, place) => {
      (counts[value] as number[])[place] = (counts[value]?.[place] ?? 0) + 1;
    });
  }
  for (const count of counts.flat()) {
    expect(Math.abs(count - 1000)).toBeLessThan(5 * Math.sqrt(750));
  }
  expect(randomPermutation(rng, 0)).toHaveLength(0);
});

test('a wrong count is named', () => {
  expect(() => randomPermutation(createRng(1), -1)).toThrow(
    'randomPermutation: count should be an integer of at least 0, but got -1.',
  );
});
