import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import type { Distribution } from '../core/distribution.js';
import { diagNormal } from '../distributions/diagNormal.js';
import { fullNormal } from '../distributions/fullNormal.js';
import { laplace } from '../distributions/laplace.js';
import { analyticKl } from './analyticKl.js';

const posterior = diagNormal({ mean: tf.tensor2d([[1, -2]]), scale: tf.tensor2d([[0.5, 0.8]]) });
const scaleTril = tf.tensor2d([
  [1.2, 0],
  [0.3, 0.9],
]);

describe('analyticKl', () => {
  it.each([
    ['of the same family', (mean: tf.Tensor) => diagNormal({ mean, scale: 1 })],
    ['of another that knows it', (mean: tf.Tensor) => fullNormal({ mean, scaleTril })],
  ] as const)('has gradients in a prior %s, and none where a call is frozen', (_, priorAt: (mean: tf.Tensor) => Distribution) => {
    const kl = (mean: tf.Tensor, call: { frozen?: boolean }): tf.Scalar =>
      tf.sum(analyticKl(posterior, priorAt(mean), 'auto', call) as tf.Tensor);
    const mean = tf.tensor1d([0.5, 0.25]);
    const slope = tf.grad((at) => kl(at, {}))(mean);
    const direction = tf.tensor1d([0.7, -0.4]);
    const at = (step: number): number => kl(tf.add(mean, tf.mul(direction, step)), {}).dataSync()[0]!;
    expect(tf.sum(tf.mul(slope, direction)).dataSync()[0]).toBeCloseTo((at(0.01) - at(-0.01)) / 0.02, 2);
    expect(() => tf.grad((value) => kl(value, { frozen: true }))(mean)).toThrow();
    expect(kl(mean, { frozen: true }).dataSync()[0]).toBeCloseTo(kl(mean, {}).dataSync()[0]!, 6);
  });

  it('is undefined where there is no formula, and an error where one is insisted on', () => {
    const prior = laplace({ location: tf.zeros([2]), scale: 1 });
    for (const frozen of [true, false]) {
      expect(analyticKl(posterior, prior, 'auto', { frozen })).toBeUndefined();
      expect(() => analyticKl(posterior, prior, 'analytic', { frozen })).toThrow('laplace');
    }
  });
});
