import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { createRng } from '../core/rng.js';
import { checkBijector, randomizeParameters } from '../testing/index.js';
import type { InvertibleConv1x1Options } from './invertibleConv1x1.js';
import { invertibleConv1x1 } from './invertibleConv1x1.js';

const difference = (a: tf.Tensor, b: tf.Tensor): number => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]!;

/** The matrix, from the images of the unit vectors. */
const matrixOf = (mix: ReturnType<typeof invertibleConv1x1>, dim: number): tf.Tensor =>
  tf.transpose(tf.reshape(mix.forward(tf.reshape(tf.eye(dim), [dim, 1, 1, dim])), [dim, dim]));

describe('invertibleConv1x1', () => {
  test('starts as an orthogonal matrix, another one for another seed, with log-det 0', () => {
    const [one, other] = [1, 2].map((seed) => matrixOf(invertibleConv1x1({ dim: 6, rng: createRng(seed) }), 6));
    expect(difference(tf.matMul(one!, one!, true), tf.eye(6))).toBeLessThan(1e-5);
    expect(difference(one!, other!)).toBeGreaterThan(0.1);
    const mix = invertibleConv1x1({ dim: 6, rng: createRng(1) });
    expect(Object.keys(mix.parameters)).not.toContain('bias');
    const logDet = mix.forwardAndLogDet(tf.ones([2, 3, 5, 6]))[1];
    expect(logDet.shape).toEqual([2]);
    expect(tf.max(tf.abs(logDet)).dataSync()[0]).toBeLessThan(1e-4);
  });

  test('is a 1x1 convolution: the same matrix at every pixel, log-det once a pixel', () => {
    const mix = invertibleConv1x1({ dim: 3, bias: true, rng: createRng(0) });
    randomizeParameters(mix, { rng: createRng(1), scale: 0.5 });
    const x = createRng(2).normal([2, 4, 3, 3]) as tf.Tensor4D;
    const bias = mix.parameters.bias!;
    const weights = tf.transpose(tf.sub(matrixOf(mix, 3), tf.reshape(bias, [3, 1])));
    const [y, logDet] = mix.forwardAndLogDet(x);
    const expected = tf.add(tf.conv2d(x, tf.reshape(weights, [1, 1, 3, 3]) as tf.Tensor4D, 1, 'valid'), bias);
    expect(difference(y, expected)).toBeLessThan(1e-5);
    const total = [...mix.parameters.logScale!.dataSync()].reduce((a, b) => a + b);
    for (const value of logDet.dataSync()) expect(value).toBeCloseTo(12 * total, 4);
    expect(difference(mix.inverse(y), x)).toBeLessThan(1e-4);
  });

  test('obeys the laws of a bijector with many channels', async () => {
    const mix = invertibleConv1x1({ dim: 6, rng: createRng(3) });
    await checkBijector({ bijector: mix, x: createRng(4).normal([2, 1, 2, 6]), gradients: 'joint' });
  });

  test('saves its permutation and signs with the weights: another one with them is the same map', () => {
    const [one, other] = [1, 2].map((seed) => invertibleConv1x1({ dim: 5, rng: createRng(seed) }));
    for (const kind of ['parameters', 'buffers'] as const) {
      for (const [name, value] of Object.entries(one![kind])) {
        other![kind][name]!.assign(value);
      }
    }
    const x = createRng(5).normal([1, 2, 5]);
    expect([...other!.forward(x).dataSync()]).toEqual([...one!.forward(x).dataSync()]);
    expect(Object.keys(one!.buffers).sort()).toEqual(['permutation', 'sign']);
  });

  test.each([
    [{ dim: 0 }, 'invertibleConv1x1: options.dim should be a positive integer, but got 0.'],
    [{ dim: 2, bias: 'no' }, "invertibleConv1x1: options.bias should be true or false, but got 'no'."],
    [{ dim: 2, channels: 3 }, "invertibleConv1x1: unknown option 'channels'"],
  ])('refuses %j', (options, message) => {
    expect(() => invertibleConv1x1(options as InvertibleConv1x1Options)).toThrow(message);
  });

  test('refuses vectors', () => {
    expect(() => invertibleConv1x1({ dim: 3 }).forward(tf.zeros([2, 3]))).toThrow('invertibleConv1x1.forward: x should be');
  });
});
