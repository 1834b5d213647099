import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { createRng } from '../core/rng.js';
import { checkBijector, expectNoLeak, randomizeParameters } from '../testing/index.js';
import type { BatchNormOptions } from './batchNorm.js';
import { batchNorm } from './batchNorm.js';

const difference = (a: tf.Tensor, b: tf.Tensor): number => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]!;
const near = (a: tf.Tensor, b: readonly number[], tolerance = 1e-5): void => {
  [...a.dataSync()].forEach((value, i) => {
    expect(Math.abs(value - b[i]!), `${value} against ${b[i]}`).toBeLessThan(tolerance * (1 + Math.abs(b[i]!)));
  });
};

describe('batchNorm', () => {
  test('starts as the identity, up to epsilon', () => {
    const [y, logDet] = batchNorm({ dim: 2, epsilon: 1e-3 }).forwardAndLogDet(tf.tensor2d([[3, -4]]));
    near(
      y,
      [3, -4].map((x) => x * Math.sqrt(1.001)),
    );
    near(logDet, [Math.log(1.001)]);
  });

  test('without training has the closed form of the running statistics, and changes nothing', () => {
    const norm = batchNorm({ dim: 2, epsilon: 1e-5 });
    norm.parameters.logGamma!.assign(tf.tensor1d([0.5, -1]));
    norm.parameters.beta!.assign(tf.tensor1d([2, 3]));
    norm.buffers.runningMean!.assign(tf.tensor1d([10, -1]));
    norm.buffers.runningVariance!.assign(tf.tensor1d([4, 0.25]));
    const [x, logDet] = norm.inverseAndLogDet(tf.tensor2d([[12, 0]]));
    near(x, [2 + Math.exp(0.5), 3 + 2 * Math.exp(-1)], 3e-5);
    near(logDet, [0.5 - Math.log(2) - 1 - Math.log(0.5)], 3e-5);
    near(norm.forward(x), [12, 0]);
    norm.inverse(tf.ones([7, 2]), { training: false });
    norm.forward(tf.ones([7, 2]), { training: true });
    expect([...norm.buffers.runningMean!.dataSync()]).toEqual([10, -1]);
    expect([...norm.buffers.runningVariance!.dataSync()]).toEqual([4, 0.25]);
  });

  test.each([1, 3])('in training normalises the batch, and moves the running statistics, event rank %i', (eventRank) => {
    const norm = batchNorm({ dim: 2, eventRank, momentum: 0.25 });
    norm.parameters.logGamma!.assign(tf.tensor1d([0, Math.log(3)]));
    norm.parameters.beta!.assign(tf.tensor1d([0, -1]));
    const shape = eventRank === 1 ? [60, 2] : [5, 4, 3, 2];
    const data = tf.add(tf.mul(createRng(0).normal(shape), tf.tensor1d([5, 0.1])), tf.tensor1d([-20, 1]));
    const before = tf.moments(tf.reshape(data, [60, 2]), 0);
    const [x, logDet] = norm.inverseAndLogDet(data, { training: true });
    const after = tf.moments(tf.reshape(x, [60, 2]), 0);
    near(after.mean, [0, -1], 1e-4);
    near(after.variance, [1, 9], 5e-3);
    const variances = [...before.variance.dataSync()];
    const means = [...before.mean.dataSync()];
    const pixels = eventRank === 1 ? 1 : 12;
    const expected = pixels * (Math.log(3) - variances.reduce((sum, v) => sum + Math.log(v + 1e-5) / 2, 0));
    near(logDet, Array(shape[0]).fill(expected), 1e-4);
    near(
      norm.buffers.runningMean!,
      means.map((m) => 0.25 * m),
    );
    near(
      norm.buffers.runningVariance!,
      variances.map((v) => 0.75 + 0.25 * v),
      1e-4,
    );
  });

  test('momentum 1 takes the statistics of the batch, 0 leaves the running ones', () => {
    const data = tf.tensor2d([[1], [5]]);
    const exact = batchNorm({ dim: 1, momentum: 1 });
    const x = exact.inverse(data, { training: true });
    near(x, [-1, 1]);
    near(exact.inverse(data), [-1, 1]);
    near(exact.forward(x), [1, 5]);
    const fixed = batchNorm({ dim: 1, momentum: 0 });
    fixed.inverse(data, { training: true });
    expect([fixed.buffers.runningMean!.dataSync()[0], fixed.buffers.runningVariance!.dataSync()[0]]).toEqual([0, 1]);
  });

  test('in training has the gradients of mean and variance, and a frozen call leaves the running statistics', () => {
    const norm = batchNorm({ dim: 2 });
    const data = createRng(1).normal([6, 2]);
    const weights = createRng(2).normal([6, 2]);
    const loss = (y: tf.Tensor): tf.Tensor => {
      const [x, logDet] = norm.inverseAndLogDet(y, { training: true, frozen: true });
      return tf.add(tf.sum(tf.mul(x, weights)), tf.sum(logDet));
    };
    const reference = (y: tf.Tensor): tf.Tensor => {
      const { mean, variance } = tf.moments(y, 0);
      const deviation = tf.sqrt(tf.add(variance, 1e-5));
      const x = tf.div(tf.sub(y, mean), deviation);
      return tf.sub(tf.sum(tf.mul(x, weights)), tf.mul(tf.sum(tf.log(deviation)), 6));
    };
    expect(difference(tf.grad(loss)(data), tf.grad(reference)(data))).toBeLessThan(1e-5);
    expect([...norm.buffers.runningMean!.dataSync()]).toEqual([0, 0]);
    const { grads } = tf.variableGrads(() => tf.sum(tf.square(norm.inverse(data, { training: true }))) as tf.Scalar);
    expect(Object.keys(grads).sort()).toEqual(
      Object.values(norm.parameters)
        .map(({ name }) => name)
        .sort(),
    );
    expect(norm.buffers.runningMean!.dataSync()[0]).not.toBe(0);
  });

  test('has the gradients of the statistics that it used, though a later call has moved them', () => {
    const norm = batchNorm({ dim: 2 });
    const y = createRng(3).normal([3, 2]);
    const loss = (move: boolean) => (): tf.Scalar => {
      const [x, logDet] = norm.inverseAndLogDet(y);
      const back = norm.forward(y);
      if (move) {
        norm.inverse(createRng(4).normal([5, 2]), { training: true });
      }
      return tf.add(tf.sum(tf.mul(tf.square(x), back)), tf.sum(logDet)) as tf.Scalar;
    };
    const still = tf.variableGrads(loss(false)).grads;
    const moved = tf.variableGrads(loss(true)).grads;
    expect(norm.buffers.runningMean!.dataSync()[0]).not.toBe(0);
    for (const [name, gradient] of Object.entries(still)) {
      expect([...moved[name]!.dataSync()]).toEqual([...gradient.dataSync()]);
      expect(tf.min(tf.abs(gradient)).dataSync()[0]).toBeGreaterThan(0.01);
    }
  });

  test('moves a tenth of the way by default', () => {
    const norm = batchNorm({ dim: 1 });
    norm.inverse(tf.tensor2d([[1], [5]]), { training: true });
    near(norm.buffers.runningMean!, [0.3]);
    near(norm.buffers.runningVariance!, [0.9 + 0.1 * 4]);
  });

  test('leaks nothing in training, and takes a single row', async () => {
    const norm = batchNorm({ dim: 3 });
    const data = createRng(1).normal([4, 3]);
    await expectNoLeak(() => norm.inverseAndLogDet(data, { training: true }));
    for (const shape of [[3], [1, 3]]) {
      const [x, logDet] = norm.inverseAndLogDet(tf.ones(shape), { training: true });
      expect([...x.dataSync()]).toEqual([0, 0, 0]);
      expect(logDet.shape).toEqual(shape.slice(0, -1));
      expect(Number.isFinite(logDet.dataSync()[0]!)).toBe(true);
    }
  });

  test('obeys the laws of a bijector without training', async () => {
    const norm = batchNorm({ dim: 2, eventRank: 3 });
    randomizeParameters(norm, { rng: createRng(0) });
    norm.inverse(createRng(1).normal([8, 2, 2, 2]), { training: true });
    await checkBijector({ bijector: norm, x: createRng(2).normal([2, 1, 2, 2]) });
  });

  test.each([
    [{ dim: 0 }, 'batchNorm: options.dim should be a positive integer, but got 0.'],
    [{ dim: 2, eventRank: 0 }, 'batchNorm: options.eventRank should be a positive integer, but got 0.'],
    [{ dim: 2, momentum: 1.5 }, 'batchNorm: options.momentum should be a finite number at least 0 and at most 1, but got 1.5.'],
    [{ dim: 2, epsilon: 0 }, 'batchNorm: options.epsilon should be a finite number above 0, but got 0.'],
    [{ dim: 2, decay: 0.9 }, "batchNorm: unknown option 'decay'"],
  ])('refuses %j', (options, message) => {
    expect(() => batchNorm(options as BatchNormOptions)).toThrow(message);
  });
});
