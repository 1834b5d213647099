import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { splitRows } from './splitRows.js';

test('splitRows cuts into pieces, one too, with gradients', () => {
  const x = tf.tensor2d([
    [1, 2],
    [3, 5],
    [7, 11],
  ]);
  expect(splitRows(x, [1, 2]).map((piece) => piece.arraySync())).toEqual([
    [[1, 2]],
    [
      [3, 5],
      [7, 11],
    ],
  ]);
  for (const sizes of [[3], [1, 2]]) {
    const gradient = tf.grad((v) => tf.sum(tf.square(splitRows(v, sizes).at(-1)!)))(x);
    const expected = [2, 4, 6, 10, 14, 22].map((value, i) => (sizes.length === 1 || i > 1 ? value : 0));
    expect([...gradient.dataSync()]).toEqual(expected);
  }
});
