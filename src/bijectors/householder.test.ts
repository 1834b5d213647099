import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { createRng } from '../core/rng.js';
import { checkBijector, expectNoLeak } from '../testing/index.js';
import type { HouseholderOptions } from './householder.js';
import { householder } from './householder.js';

const difference = (a: tf.Tensor, b: tf.Tensor): number => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]!;

describe('householder', () => {
  test('reflects at the first vector first', () => {
    const vectors = tf.tensor2d([
      [2, 0],
      [1, -1],
    ]);
    const map = householder({ dim: 2, reflections: 2, given: { vectors } });
    // (3, 5) -> (-3, 5) -> entries swapped.
    expect([...map.forward(tf.tensor1d([3, 5])).dataSync()]).toEqual([5, -3]);
    expect([...map.inverse(tf.tensor1d([5, -3])).dataSync()]).toEqual([3, 5]);
    expect(map.parameters).toEqual({});
  });

  test('is orthogonal with determinant (-1)^K', () => {
    for (const reflections of [1, 2, 5]) {
      const map = householder({ dim: 3, reflections, rng: createRng(reflections) });
      expect(map.parameters.vectors!.shape).toEqual([reflections, 3]);
      const q = map.forward(tf.eye(3)).arraySync() as number[][];
      expect(difference(tf.matMul(q, q, true), tf.eye(3))).toBeLessThan(2e-6);
      const [a, b, c] = q as [number[], number[], number[]];
      const cross = [b[1]! * c[2]! - b[2]! * c[1]!, b[2]! * c[0]! - b[0]! * c[2]!, b[0]! * c[1]! - b[1]! * c[0]!];
      expect(a.reduce((sum, value, i) => sum + value * cross[i]!, 0)).toBeCloseTo((-1) ** reflections, 5);
    }
    expect(householder({ dim: 4 }).parameters.vectors!.shape).toEqual([4, 4]);
  });

  test('takes given vectors for each example, and leaves what a vector of zeros would reflect', async () => {
    const vectors = createRng(1).normal([3, 2, 4]);
    const map = householder({ dim: 4, reflections: 2, given: { vectors } });
    const x = createRng(2).normal([5, 3, 4]);
    const single = householder({ dim: 4, reflections: 2, given: { vectors: tf.reshape(tf.slice(vectors, 1, 1), [2, 4]) } });
    const [y, logDet] = map.forwardAndLogDet(x);
    expect(difference(tf.slice(y, [0, 1, 0], [5, 1, 4]), single.forward(tf.slice(x, [0, 1, 0], [5, 1, 4])))).toBeLessThan(1e-6);
    expect([logDet.shape, [...logDet.dataSync()]]).toEqual([[5, 3], Array(15).fill(0)]);
    expect(difference(map.inverse(y), x)).toBeLessThan(1e-5);
    await expectNoLeak(() => map.inverseAndLogDet(y));
    const none = householder({ dim: 4, reflections: 1, given: { vectors: tf.zeros([1, 4]) } });
    expect(difference(none.forward(x), x)).toBe(0);
    const gradient = tf.grad((v) => tf.sum(householder({ dim: 4, reflections: 1, given: { vectors: v } }).forward(x)));
    expect([...gradient(tf.zeros([1, 4])).dataSync()].every(Number.isFinite)).toBe(true);
  });

  test('obeys the laws of a bijector from a context', async () => {
    const map = householder({ dim: 3, reflections: 2, contextDim: 2, rng: createRng(3) });
    await checkBijector({ bijector: map, x: createRng(4).normal([3, 3]), context: createRng(5).normal([3, 2]) });
  });

  test.each([
    [{ dim: 0 }, 'householder: options.dim should be a positive integer, but got 0.'],
    [{ dim: 2, reflections: 0 }, 'householder: options.reflections should be a positive integer, but got 0.'],
    [{ dim: 2, pairs: 1 }, "householder: unknown option 'pairs'"],
  ])('refuses %j', (options, message) => {
    expect(() => householder(options as HouseholderOptions)).toThrow(message);
  });

  test('refuses given vectors of another number', () => {
    expect(() => householder({ dim: 2, given: { vectors: tf.zeros([3, 2]) } })).toThrow(
      'householder: options.given.vectors should be',
    );
  });
});
