import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { batchShapeOf, broadcastShapes, broadcastsTo, sizeOf, sumTrailing } from './shapes.js';

describe('shapes', () => {
  test('sizes and batch axes', () => {
    expect(sizeOf([])).toBe(1);
    expect(sizeOf([2, 3])).toBe(6);
    expect(batchShapeOf(tf.zeros([4, 2, 3]), 1)).toEqual([4, 2]);
    expect(batchShapeOf(tf.zeros([4, 2, 3]), 0)).toEqual([4, 2, 3]);
  });

  test('sums the last axes', () => {
    const x = tf.tensor([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2]);
    expect(sumTrailing(x, 0)).toBe(x);
    expect([...sumTrailing(x, 1).dataSync()]).toEqual([3, 7, 11, 15]);
    expect([...sumTrailing(x, 2).dataSync()]).toEqual([10, 26]);
  });

  test('broadcasts', () => {
    expect(broadcastsTo([], [2])).toBe(true);
    expect(broadcastsTo([1, 3], [2, 3])).toBe(true);
    expect(broadcastsTo([2], [2, 3])).toBe(false);
    expect(broadcastsTo([1, 2], [2])).toBe(false);
    expect(broadcastShapes('f', [2, 1], [3])).toEqual([2, 3]);
    expect(broadcastShapes('f', [], [4])).toEqual([4]);
    expect(() => broadcastShapes('f', [2], [3])).toThrow('f: shapes [2] and [3] do not broadcast.');
  });
});
