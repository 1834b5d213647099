import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { createRng } from '../core/rng.js';
import { checkBijector } from '../testing/index.js';
import { reversePermutation } from './reversePermutation.js';

describe('reversePermutation', () => {
  it('turns the last axis round', async () => {
    const bijector = reversePermutation({ dim: 3 });
    const x = tf.tensor2d([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    const [y, logDet] = bijector.forwardAndLogDet(x);
    expect(y.arraySync()).toEqual([
      [3, 2, 1],
      [6, 5, 4],
    ]);
    expect(logDet.arraySync()).toEqual([0, 0]);
    expect(bijector.inverse(y).arraySync()).toEqual(x.arraySync());
    for (const shape of [[3], [1, 3], [2, 2, 1, 2, 3]]) {
      await checkBijector({ bijector, x: createRng(1).normal(shape) });
    }
  });

  it('names what is wrong', () => {
    expect(() => reversePermutation({ dim: 1.5 })).toThrow('reversePermutation: options.dim should be a positive integer');
    expect(() => reversePermutation({ dim: 2 }).inverse(tf.ones([3]))).toThrow('reversePermutation.inverse: y should be');
  });
});
