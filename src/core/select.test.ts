import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { select } from './select.js';

test('select takes either by the mask, whatever the rank, and passes gradients on', () => {
  for (const shape of [[4], [2, 2], [1, 2, 1, 1, 2]]) {
    const values = (numbers: number[]) => tf.tensor(numbers, shape);
    const choose = (yes: tf.Tensor, no: tf.Tensor) => select(tf.greaterEqual(values([1, -1, 0, -2]), 0), yes, no);
    const chosen = choose(values([1, 2, 3, 4]), values([5, 6, 7, 8]));
    expect(chosen.shape).toEqual(shape);
    expect([...chosen.dataSync()]).toEqual([1, 6, 3, 8]);
    const [ofYes, ofNo] = tf.grads(choose)([values([1, 2, 3, 4]), values([5, 6, 7, 8])]) as [tf.Tensor, tf.Tensor];
    expect([...ofYes.dataSync()]).toEqual([1, 0, 1, 0]);
    expect([...ofNo.dataSync()]).toEqual([0, 1, 0, 1]);
  }
});
