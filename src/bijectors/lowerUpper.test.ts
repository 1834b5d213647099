import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { createRng } from '../core/rng.js';
import { checkBijector, randomizeParameters } from '../testing/index.js';
import type { LowerUpperOptions } from './lowerUpper.js';
import { lowerUpper } from './lowerUpper.js';

const near = (a: ArrayLike<number>, b: readonly number[], tolerance = 1e-5): void => {
  b.forEach((value, i) => {
    expect(Math.abs(a[i]! - value), `${a[i]} against ${value}`).toBeLessThan(tolerance * (1 + Math.abs(value)));
  });
};

describe('lowerUpper', () => {
  test('is L U x + b, of the entries that count, with the given signs', () => {
    const map = lowerUpper({ dim: 3 });
    const seven = 777; // what does not count
    map.parameters.lower!.assign(
      tf.tensor2d([
        [seven, seven, seven],
        [2, seven, seven],
        [-1, 0.5, seven],
      ]),
    );
    map.parameters.upper!.assign(
      tf.tensor2d([
        [seven, 3, -2],
        [seven, seven, 4],
        [seven, seven, seven],
      ]),
    );
    map.parameters.logScale!.assign(tf.tensor1d([Math.log(2), 0, Math.log(0.5)]));
    map.parameters.bias!.assign(tf.tensor1d([1, 10, 100]));
    map.buffers.sign!.assign(tf.tensor1d([1, -1, 1]));
    // U = [[2, 3, -2], [0, -1, 4], [0, 0, .5]]; U (1, 2, 3) = (2, 10, 1.5); L of it = (2, 14, 4.5).
    const [y, logDet] = map.forwardAndLogDet(tf.tensor1d([1, 2, 3]));
    near(y.dataSync(), [3, 24, 104.5]);
    near(logDet.dataSync(), [0], 1e-6);
    near(map.inverse(y).dataSync(), [1, 2, 3]);
    expect([...map.inverseAndLogDet(tf.zeros([2, 3]))[1].dataSync()].length).toBe(2);
  });

  test('starts as the identity', () => {
    const x = createRng(0).normal([4, 5]);
    const [y, logDet] = lowerUpper({ dim: 5 }).forwardAndLogDet(x);
    expect([...y.dataSync()]).toEqual([...x.dataSync()]);
    expect([...logDet.dataSync()]).toEqual([0, 0, 0, 0]);
    expect([...lowerUpper({ dim: 5 }).inverse(x).dataSync()]).toEqual([...x.dataSync()]);
  });

  test.each([1, 2, 8])('obeys the laws of a bijector, D = %i', async (dim) => {
    const map = lowerUpper({ dim, bias: dim !== 2 });
    expect('bias' in map.parameters).toBe(dim !== 2);
    randomizeParameters(map, { rng: createRng(dim), scale: 0.7 });
    if (dim > 1) {
      await checkBijector({ bijector: map, x: createRng(1).normal([2, 3, dim]), gradients: 'joint' });
    } else {
      near(map.inverse(map.forward(tf.tensor2d([[3]]))).dataSync(), [3]);
    }
  });

  test('counts its log-scales, negated in the inverse', () => {
    const map = lowerUpper({ dim: 2 });
    map.parameters.logScale!.assign(tf.tensor1d([0.25, 1]));
    near(map.forwardAndLogDet(tf.zeros([3, 2]))[1].dataSync(), [1.25, 1.25, 1.25]);
    near(map.inverseAndLogDet(tf.zeros([2]))[1].dataSync(), [-1.25]);
  });

  test('has gradients in all parameters where dim is 1, both ways', () => {
    const map = lowerUpper({ dim: 1 });
    for (const direction of ['forward', 'inverse'] as const) {
      const { grads } = tf.variableGrads(() => tf.sum(map[direction](tf.tensor2d([[3], [4]]))));
      expect(Object.keys(grads).length).toBe(Object.keys(map.parameters).length);
      expect(Object.values(grads).every((gradient) => Number.isFinite(gradient.dataSync()[0]))).toBe(true);
    }
    map.dispose();
  });

  test.each([
    [{ dim: 0 }, 'lowerUpper: options.dim should be a positive integer, but got 0.'],
    [{ dim: 2, bias: 1 }, 'lowerUpper: options.bias should be true or false, but got 1.'],
    [{ dim: 2, rank: 1 }, "lowerUpper: unknown option 'rank'"],
  ])('refuses %j', (options, message) => {
    expect(() => lowerUpper(options as LowerUpperOptions)).toThrow(message);
  });
});
