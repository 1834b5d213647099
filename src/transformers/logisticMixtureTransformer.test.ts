import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { createRng } from '../core/rng.js';
import { expectNoLeak } from '../testing/expectNoLeak.js';
import type { LogisticMixtureTransformerOptions } from './logisticMixtureTransformer.js';
import { logisticMixtureTransformer } from './logisticMixtureTransformer.js';

const logits = [0.1, 0.2, 4];
const means = [-1, 0, 1];
const logScales = [-5, 0, 0.2];

describe('logisticMixtureTransformer', () => {
  test('reads logits, means, log-scales, then shift and raw scale', () => {
    const parameters = tf.tensor2d([[...logits, ...means, ...logScales, 0.5, 0.3]]);
    const x = tf.tensor1d([30]);
    const bare = logisticMixtureTransformer({ components: 3, affine: false });
    const mixture = tf.slice(parameters, [0, 0], [1, 9]);
    const [plain, plainLog] = bare.forwardAndLogDerivative(x, mixture);
    expect(plain.dataSync()[0]).toBeCloseTo(23.7848787058, 4);
    expect(plainLog.dataSync()[0]).toBeCloseTo(-0.1999905039, 5);
    const [found, foundLog] = bare.inverseAndLogDerivative(plain, mixture);
    expect(found.dataSync()[0]).toBeCloseTo(30, 4);
    expect(foundLog.dataSync()[0]).toBeCloseTo(0.1999905039, 4);
    const scaled: [LogisticMixtureTransformerOptions, number][] = [
      [{ components: 3 }, Math.tanh(0.3)],
      [{ components: 3, affine: { scale: 'exp' } }, 0.3],
    ];
    for (const [options, logScale] of scaled) {
      const transformer = logisticMixtureTransformer(options);
      expect(transformer.parameterSize).toBe(11);
      const [y, logDerivative] = transformer.forwardAndLogDerivative(x, parameters);
      expect(y.dataSync()[0]! / (23.7848787058 * Math.exp(logScale) + 0.5)).toBeCloseTo(1, 5);
      expect(logDerivative.dataSync()[0]).toBeCloseTo(-0.1999905039 + logScale, 5);
      const [back, inverseLog] = transformer.inverseAndLogDerivative(y, parameters);
      expect(back.dataSync()[0]).toBeCloseTo(30, 4);
      expect(inverseLog.dataSync()[0]).toBeCloseTo(0.1999905039 - logScale, 4);
    }
  });

  test('is the identity at zero parameters', () => {
    const x = tf.tensor1d([-30, -3, 0, 0.25, 17, 30]);
    const [y, logDerivative] = logisticMixtureTransformer({ components: 4 }).forwardAndLogDerivative(x, tf.zeros([6, 14]));
    expect(tf.max(tf.abs(tf.sub(y, x))).dataSync()[0]).toBeLessThan(4e-6);
    expect(tf.max(tf.abs(logDerivative)).dataSync()[0]).toBeLessThan(1e-6);
  });

  test('raises log-scales to the floor, without a gradient below it', () => {
    const run = (floor: number | undefined, logScale: tf.Tensor): tf.Tensor =>
      logisticMixtureTransformer({
        components: 1,
        affine: false,
        ...(floor === undefined ? {} : { minLogScale: floor }),
      }).forwardAndLogDerivative(tf.ones([1]), tf.reshape(tf.concat([tf.zeros([2]), logScale]), [1, 3]))[1];
    expect(run(undefined, tf.tensor1d([-9])).dataSync()[0]).toBe(7);
    expect(run(undefined, tf.tensor1d([-6.5])).dataSync()[0]).toBe(6.5);
    expect(run(-8, tf.tensor1d([-9])).dataSync()[0]).toBe(8);
    const gradient = (at: number): number =>
      tf
        .grad((s) => tf.sum(run(undefined, s)))(tf.tensor1d([at]))
        .dataSync()[0]!;
    expect(Math.abs(gradient(-9))).toBe(0);
    expect(gradient(-6.5)).toBe(-1);
  });

  test('has gradients in both directions for x and parameters, and leaves two tensors', async () => {
    const transformer = logisticMixtureTransformer({ components: 2 });
    expect([transformer.forwardCost, transformer.inverseCost]).toEqual(['parallel', 'iterative']);
    const rng = createRng(4);
    const [x, parameters] = [rng.normal([2, 3]), rng.normal([2, 3, 8])];
    for (const method of ['forwardAndLogDerivative', 'inverseAndLogDerivative'] as const) {
      const loss = (p: tf.Tensor, q: tf.Tensor): tf.Scalar => {
        const [value, log] = transformer[method](p, q);
        return tf.sum(tf.add(value, tf.mul(log, 0.3)));
      };
      const exact = tf.grads(loss)([x, parameters]);
      [x, parameters].forEach((at, i) => {
        const direction = createRng(i).normal(at.shape);
        const moved = (h: number): number => {
          const there = tf.add(at, tf.mul(direction, h));
          return loss(i === 0 ? there : x, i === 1 ? there : parameters).dataSync()[0]!;
        };
        const numeric = (moved(0.005) - moved(-0.005)) / 0.01;
        const got = tf.sum(tf.mul(exact[i]!, direction)).dataSync()[0]!;
        expect(Math.abs(numeric - got)).toBeLessThan(5e-3 * (1 + Math.abs(numeric)));
      });
      await expectNoLeak(() => transformer[method](x, parameters));
    }
  });

  test.each([
    [{ components: 0 }, 'options.components should be a positive integer'],
    [{ components: 2, minLogScale: 1 }, 'options.minLogScale should be'],
    [{ components: 2, affine: { scale: 'exp', offset: 2 } }, 'affineTransformer: options.offset'],
    [{ components: 2, floor: 1 }, "unknown option 'floor'"],
  ])('refuses %j', (options, message) => {
    expect(() => logisticMixtureTransformer(options as LogisticMixtureTransformerOptions)).toThrow(message);
  });
});
