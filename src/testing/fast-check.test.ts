import '@tensorflow/tfjs';
import { sample } from 'fast-check';
import { expect, test } from 'vitest';
import { seedArbitrary, tensorArbitrary, toTensor } from './fast-check.js';

test('numbers are spread over the interval, its ends and its middle among them', () => {
  const drawn = sample(tensorArbitrary({ event: [8], batches: [[4]], low: -2, high: 6 }), { numRuns: 100, seed: 1 });
  const values = drawn.flatMap((tensor) => [...tensor.values]);
  expect(values).toHaveLength(3200);
  expect(Math.min(...values)).toBe(-2);
  expect(Math.max(...values)).toBe(6);
  expect(values).toContain(2);
  for (let k = 0; k < 8; k++) {
    const share = values.filter((value) => value > k - 2 && value < k - 1).length / 3200;
    expect(share).toBeGreaterThan(0.08);
    expect(share).toBeLessThan(0.14);
  }
});

test('every batch shape comes, before the event', () => {
  const shapes = sample(tensorArbitrary({ event: [2, 3] }), { numRuns: 60, seed: 1 }).map(({ shape }) => shape.join());
  expect(new Set(shapes)).toEqual(new Set(['2,3', '1,2,3', '3,2,3', '2,2,2,3']));
  const [drawn] = sample(tensorArbitrary({ event: [2], batches: [[3]] }), { numRuns: 1, seed: 1 });
  const tensor = toTensor(drawn as NonNullable<typeof drawn>);
  expect(tensor.shape).toEqual([3, 2]);
  expect(Array.from(tensor.dataSync())).toEqual(drawn?.values);
});

test('seeds fit the generator', () => {
  expect(sample(seedArbitrary(), { numRuns: 20, seed: 1 }).every((seed) => Number.isInteger(seed) && seed >= 0)).toBe(true);
});
