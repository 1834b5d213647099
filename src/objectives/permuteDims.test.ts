import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { createRng } from '../core/rng.js';
import { permuteDims } from './permuteDims.js';

it('shuffles every column by itself, by the generator', () => {
  const z = tf.reshape(tf.range(0, 60), [20, 3]);
  const columns = (t: tf.Tensor): number[][] => (tf.transpose(t).arraySync() as number[][]).map((column) => [...column]);
  const shuffled = permuteDims(z, createRng(2));
  expect(shuffled.shape).toEqual([20, 3]);
  const found = columns(shuffled);
  found.forEach((column, d) => {
    expect([...column].sort((a, b) => a - b)).toEqual(columns(z)[d]);
    expect(column).not.toEqual(columns(z)[d]);
  });
  // The order of one column is not that of another.
  const orders = found.map((column, d) => column.map((value) => (value - d) / 3).join());
  expect(new Set(orders).size).toBe(3);
  expect(columns(permuteDims(z, createRng(2)))).toEqual(found);
  expect(columns(permuteDims(z, createRng(3)))).not.toEqual(found);
});

it('leaves one row as it is', () => {
  expect(permuteDims(tf.tensor2d([[1, 2]]), createRng(0)).arraySync()).toEqual([[1, 2]]);
});
