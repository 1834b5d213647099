import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { createRng } from '../core/rng.js';
import { checkBijector, randomizeParameters } from '../testing/index.js';
import type { RotationOptions } from './rotation.js';
import { rotation } from './rotation.js';

const difference = (a: tf.Tensor, b: tf.Tensor): number => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]!;

describe('rotation', () => {
  test('starts as the identity, with gradients', () => {
    const map = rotation({ dim: 5, rng: createRng(0) });
    expect(map.parameters.vectors!.shape).toEqual([4, 5]);
    const x = createRng(1).normal([3, 5]);
    expect(difference(map.forward(x), x)).toBeLessThan(2e-6);
    const target = createRng(2).normal([3, 5]);
    const { grads } = tf.variableGrads(() => tf.sum(tf.mul(map.forward(x), target)) as tf.Scalar);
    const gradient = grads[map.parameters.vectors!.name]!;
    expect(tf.min(tf.max(tf.abs(gradient), 1)).dataSync()[0]).toBeGreaterThan(1e-3);
  });

  test('turns by twice the angle between the vectors of a pair', () => {
    const map = rotation({ dim: 2 });
    for (const angle of [0.1, 1, 2.5]) {
      map.parameters.vectors!.assign(
        tf.tensor2d([
          [3, 0],
          [Math.cos(angle), Math.sin(angle)],
        ]),
      );
      const [c, s] = [...map.forward(tf.tensor1d([1, 0])).dataSync()] as [number, number];
      expect(c).toBeCloseTo(Math.cos(2 * angle), 5);
      expect(s).toBeCloseTo(Math.sin(2 * angle), 5);
    }
  });

  test('has determinant 1, log-det 0 and the transpose as its inverse', () => {
    const map = rotation({ dim: 3, pairs: 2, rng: createRng(1) });
    randomizeParameters(map, { rng: createRng(2) });
    const q = map.forward(tf.eye(3)) as tf.Tensor2D;
    const [a, b, c] = q.arraySync() as [number[], number[], number[]];
    const cross = [b[1]! * c[2]! - b[2]! * c[1]!, b[2]! * c[0]! - b[0]! * c[2]!, b[0]! * c[1]! - b[1]! * c[0]!];
    expect(a.reduce((sum, value, i) => sum + value * cross[i]!, 0)).toBeCloseTo(1, 5);
    expect(difference(map.inverse(tf.eye(3)), tf.transpose(q))).toBeLessThan(2e-6);
    expect([...map.inverseAndLogDet(tf.ones([2, 3]))[1].dataSync()]).toEqual([0, 0]);
  });

  test('obeys the laws of a bijector from a context', async () => {
    const map = rotation({ dim: 4, contextDim: 2, rng: createRng(3) });
    await checkBijector({ bijector: map, x: createRng(4).normal([3, 4]), context: createRng(5).normal([3, 2]) });
  });

  test.each([
    [{ dim: 1 }, 'rotation: options.dim should be an integer of at least 2, but got 1.'],
    [{ dim: 2, pairs: 0 }, 'rotation: options.pairs should be a positive integer, but got 0.'],
    [{ dim: 2, reflections: 2 }, "rotation: unknown option 'reflections'"],
  ])('refuses %j', (options, message) => {
    expect(() => rotation(options as RotationOptions)).toThrow(message);
  });
});
