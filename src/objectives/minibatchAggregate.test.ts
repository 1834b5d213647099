import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { expectSlopes } from '../../test/setup/slopes.js';
import { diagNormal } from '../distributions/diagNormal.js';
import { laplace } from '../distributions/laplace.js';
import { standardNormal } from '../distributions/standardNormal.js';
import type { MinibatchAggregateOptions } from './minibatchAggregate.js';
import { minibatchAggregate } from './minibatchAggregate.js';

const MEAN = [
  [0.3, -1.2],
  [1.1, 0.4],
  [-0.7, 0.9],
];
const SCALE = [
  [0.5, 1.3],
  [0.9, 0.4],
  [1.6, 0.7],
];
const Z = [
  [0.6, -0.2],
  [0.1, 0.8],
  [-1.9, 1.2],
];

const density = (z: number, mean: number, scale: number): number =>
  Math.exp(-0.5 * ((z - mean) / scale) ** 2) / (scale * Math.sqrt(2 * Math.PI));

/** By the definition, in float64. */
function byTheBook(weights: number[][]): { joint: number[]; marginals: number[][] } {
  const of = (i: number, j: number, d: number): number => density(Z[i]![d]!, MEAN[j]![d]!, SCALE[j]![d]!);
  const over = (i: number, term: (j: number) => number): number =>
    Math.log(weights[i]!.reduce((total, weight, j) => total + weight * term(j), 0));
  return {
    joint: Z.map((_, i) => over(i, (j) => of(i, j, 0) * of(i, j, 1))),
    marginals: Z.map((_, i) => [0, 1].map((d) => over(i, (j) => of(i, j, d)))),
  };
}

const posterior = diagNormal({ mean: tf.tensor2d(MEAN), scale: tf.tensor2d(SCALE) });
const z = tf.tensor2d(Z);

describe('minibatchAggregate', () => {
  // N = 7, B = 3, so that M = 2: own 1/7, next (7 - 2) / (7 * 2), the other 1/2.
  it.each([
    [
      'stratified',
      [
        [1 / 7, 5 / 14, 1 / 2],
        [1 / 2, 1 / 7, 5 / 14],
        [5 / 14, 1 / 2, 1 / 7],
      ],
    ],
    ['weighted', Array(3).fill(Array(3).fill(1 / 21))],
  ] as const)('is the %s sum', (estimator, weights) => {
    const found = minibatchAggregate({ posterior, z, dataCount: 7, estimator });
    const expected = byTheBook(weights as number[][]);
    expect(tf.max(tf.abs(tf.sub(found.logAggregate, expected.joint))).dataSync()[0]).toBeLessThan(1e-5);
    expect(tf.max(tf.abs(tf.sub(found.logMarginals, expected.marginals))).dataSync()[0]).toBeLessThan(1e-5);
    expect([found.logAggregate.shape, found.logMarginals.shape]).toEqual([[3], [3, 2]]);
  });

  it('is stratified unless told otherwise', () => {
    const [ours, named] = [{}, { estimator: 'stratified' } as const].map((choice) =>
      minibatchAggregate({ posterior, z, dataCount: 9, ...choice }).logAggregate.arraySync(),
    );
    expect(ours).toEqual(named);
  });

  it('takes a minibatch of one where it is weighted', () => {
    const one = diagNormal({ mean: tf.tensor2d([[1, 2]]), scale: tf.tensor2d([[1, 1]]) });
    const { logAggregate } = minibatchAggregate({
      posterior: one,
      z: tf.tensor2d([[1, 2]]),
      dataCount: 5,
      estimator: 'weighted',
    });
    expect(logAggregate.dataSync()[0]).toBeCloseTo(-Math.log(2 * Math.PI) - Math.log(5), 5);
  });

  it('differentiates in the draws and in the parameters', () => {
    const loss = (mean: tf.Tensor, scale: tf.Tensor, point: tf.Tensor): tf.Scalar => {
      const { logAggregate, logMarginals } = minibatchAggregate({
        posterior: diagNormal({ mean, scale }),
        z: point,
        dataCount: 7,
      });
      return tf.add(tf.sum(tf.square(logAggregate)), tf.sum(tf.mul(logMarginals, 0.3)));
    };
    expectSlopes(loss, [tf.tensor2d(MEAN), tf.tensor2d(SCALE), z], 0);
  });

  it('keeps far draws and sharp posteriors finite, and leaks nothing', () => {
    const sharp = diagNormal({ mean: tf.mul(posterior.mean!(), 30), logScale: tf.fill([3, 2], -7) });
    const before = tf.memory().numTensors;
    const found = minibatchAggregate({ posterior: sharp, z, dataCount: 60000 });
    expect(tf.memory().numTensors).toBe(before + 2);
    for (const values of Object.values(found) as tf.Tensor[]) {
      expect(values.dataSync().every(Number.isFinite)).toBe(true);
      values.dispose();
    }
  });

  it.each([
    [{ estimator: 'exact' }, 'options.estimator should be'],
    [{ dataCount: 2 }, 'options.dataCount should be'],
    [{ dataCount: 3.5 }, 'options.dataCount should be'],
    [{ z: tf.zeros([3]) }, 'options.z should be'],
    [{ z: tf.zeros([1, 3, 2]) }, 'options.z should be of shape [B, D], B at least 2'],
    [{ z: tf.zeros([1, 3, 2]), estimator: 'weighted' }, 'options.z should be of shape [B, D], but'],
    [
      { z: tf.zeros([1, 2]), posterior: diagNormal({ mean: tf.zeros([1, 2]), scale: 1 }) },
      'options.z should be of shape [B, D], B at',
    ],
    [{ z: tf.zeros([4, 2]) }, 'options.posterior should be independent normals, a batch of [4] over [2] latents'],
    [{ posterior: standardNormal({ eventShape: [2] }) }, 'options.posterior should be independent normals'],
    [{ posterior: laplace({ location: z, scale: 1 }) }, 'options.posterior should be independent normals'],
    [{ posterior: 1 }, 'options.posterior should be a distribution'],
    [{ size: 3 }, "unknown option 'size'"],
  ])('refuses %#', (wrong, message) => {
    const options = { posterior, z, dataCount: 7, ...wrong } as unknown as MinibatchAggregateOptions;
    expect(() => minibatchAggregate(options)).toThrow(`minibatchAggregate: ${message}`);
  });
});
