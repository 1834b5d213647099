import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { randomPermutation } from '../core/randomPermutation.js';
import { createRng } from '../core/rng.js';
import { checkBijector } from '../testing/index.js';
import { permutation } from './permutation.js';

describe('permutation', () => {
  it('takes y[i] from x[order[i]], and back', async () => {
    const bijector = permutation({ order: [2, 0, 3, 1] });
    const x = tf.tensor2d([
      [10, 11, 12, 13],
      [20, 21, 22, 23],
    ]);
    const [y, logDet] = bijector.forwardAndLogDet(x);
    expect(y.arraySync()).toEqual([
      [12, 10, 13, 11],
      [22, 20, 23, 21],
    ]);
    expect(logDet.arraySync()).toEqual([0, 0]);
    expect(bijector.inverse(y).arraySync()).toEqual(x.arraySync());
    const gradient = tf.grad((v: tf.Tensor) => tf.sum(tf.mul(bijector.forward(v), [1, 2, 3, 4])))(x);
    expect(gradient.arraySync()).toEqual(Array(2).fill([2, 4, 1, 3]));
    const second = tf.grad((v: tf.Tensor) =>
      tf.sum(tf.grad((w: tf.Tensor) => tf.sum(tf.mul(tf.pow(bijector.forward(w), 2), [1, 2, 3, 4])))(v)),
    )(x);
    expect(second.arraySync()).toEqual(Array(2).fill([4, 8, 2, 6]));
  });

  it('is a bijector for any batch', async () => {
    for (const shape of [[5], [1, 5], [2, 3, 5]]) {
      await checkBijector({ bijector: permutation({ order: [3, 1, 4, 0, 2] }), x: createRng(1).normal(shape) });
    }
    await checkBijector({ bijector: permutation({ order: [0] }), x: createRng(1).normal([3, 1]) });
  });

  it('keeps a drawn order in its buffers', () => {
    const bijector = permutation({ order: { dim: 7, rng: createRng(3) } });
    expect(Array.from(bijector.buffers.order?.dataSync() ?? [])).toEqual(Array.from(randomPermutation(createRng(3), 7)));
    const other = permutation({ order: { dim: 7, rng: createRng(4) } });
    const x = createRng(5).normal([2, 7]);
    expect(other.forward(x).arraySync()).not.toEqual(bijector.forward(x).arraySync());
    for (const [name, value] of Object.entries(other.buffers)) {
      value.assign(bijector.buffers[name] as tf.Tensor);
    }
    expect(other.forward(x).arraySync()).toEqual(bijector.forward(x).arraySync());
    expect(other.inverse(other.forward(x)).arraySync()).toEqual(x.arraySync());
    const before = tf.memory().numTensors;
    permutation({ order: { dim: 3 } }).dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('names what is wrong', () => {
    for (const order of [[], [0, 0], [1, 2], [0, 1.5], [0, 2, 3]]) {
      expect(() => permutation({ order })).toThrow('permutation: options.order should be a rearrangement of 0 ... D - 1');
    }
    expect(() => permutation({ order: { dim: 0 } })).toThrow('permutation: options.order.dim should be a positive integer');
    expect(() => permutation({ order: null as unknown as number[] })).toThrow('options.order should be a rearr');
    expect(() => permutation({ order: 3 as unknown as number[] })).toThrow('permutation: options.order should be a rearr');
    expect(() => permutation({ order: [1, 0], dim: 2 } as object as { order: number[] })).toThrow(
      "permutation: unknown option 'dim'",
    );
    expect(() => permutation({ order: [1, 0] }).forward(tf.ones([3]))).toThrow('permutation.forward: x should be');
  });
});
