import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { expectNoLeak } from '../testing/expectNoLeak.js';
import type { AffineTransformerOptions } from './affineTransformer.js';
import { affineTransformer } from './affineTransformer.js';

const L = Math.log(1000);
const sigmoid = (s: number): number => 1 / (1 + Math.exp(-s));

/** Log-scales in float64. */
const cases: [options: AffineTransformerOptions, logScale: (raw: number) => number][] = [
  [{}, (raw) => raw / (1 + Math.abs(raw) / L)],
  [{ scale: 'bounded' }, (raw) => raw / (1 + Math.abs(raw) / L)],
  [{ scale: 'exp' }, (raw) => raw],
  [{ scale: 'tanh' }, Math.tanh],
  [{ scale: 'softplus' }, (raw) => Math.log(Math.log1p(Math.exp(raw)) + 0.001)],
  [{ scale: 'softplus', maximum: Number.POSITIVE_INFINITY }, (raw) => Math.log(Math.log1p(Math.exp(raw)) + 0.001)],
  [{ scale: 'softplus', offset: 0.5, minimum: 0 }, (raw) => Math.log(Math.log1p(Math.exp(raw + 0.5)))],
  [{ scale: 'softplus', maximum: 1.5 }, (raw) => Math.log(Math.min(1.5, Math.log1p(Math.exp(raw)) + 0.001))],
  [{ scale: 'sigmoid' }, (raw) => Math.log(sigmoid(raw + 2) + 0.001)],
  [{ scale: 'sigmoid', offset: -1, minimum: 0.1 }, (raw) => Math.log(sigmoid(raw - 1) + 0.1)],
  [{ scale: 'sigmoid', minimum: 0 }, (raw) => -Math.log1p(Math.exp(-raw - 2))],
];
const raws = [-20, -9, -3, -2, -1.5, -0.25, 0, 0.25, 1, 4, 15];
const xs = raws.map((_, i) => (i - 5) * 1.3);
const shifts = raws.map((_, i) => ((i * 7) % 5) - 2);
const parametersOf = (shift: readonly number[], raw: readonly number[]): tf.Tensor =>
  tf.stack([tf.tensor1d([...shift]), tf.tensor1d([...raw])], -1);

const expectClose = (got: tf.Tensor, want: readonly number[], tolerance = 2e-6): void => {
  Array.from(got.dataSync()).forEach((value, i) => {
    expect(Math.abs(value - want[i]!), `${value} against ${want[i]}`).toBeLessThanOrEqual(tolerance * (1 + Math.abs(want[i]!)));
  });
};

describe.each(cases)('affineTransformer(%j)', (options, logScale) => {
  const transformer = affineTransformer(options);

  test('is scale x + shift with the log-scale of the formula, and its inverse', () => {
    const logs = raws.map(logScale);
    const [y, logDerivative] = transformer.forwardAndLogDerivative(tf.tensor1d(xs), parametersOf(shifts, raws));
    expectClose(logDerivative, logs);
    expectClose(
      y,
      xs.map((x, i) => Math.exp(logs[i]!) * x + shifts[i]!),
      5e-6,
    );
    // The inverse at numbers of its own: y has lost what the shift is larger by.
    const [x, inverseLog] = transformer.inverseAndLogDerivative(tf.tensor1d(xs), parametersOf(shifts, raws));
    expectClose(
      x,
      xs.map((value, i) => (value - shifts[i]!) / Math.exp(logs[i]!)),
      2e-5,
    );
    expectClose(
      inverseLog,
      logs.map((value) => -value),
    );
  });

  test('has the gradient of the formula in the raw number', () => {
    const gradient = tf.grad((raw) =>
      tf.sum(transformer.forwardAndLogDerivative(tf.zeros([raws.length]), tf.stack([tf.zerosLike(raw), raw], -1))[1]),
    )(tf.tensor1d(raws));
    const h = 1e-5;
    expectClose(
      gradient,
      raws.map((raw) => (logScale(raw + h) - logScale(raw - h)) / (2 * h)),
      1e-4,
    );
  });
});

describe('affineTransformer', () => {
  test('with a gate gives the known numbers', () => {
    const transformer = affineTransformer({ scale: 'gate' });
    const z = [0.3, -1.2, 0.8];
    const parameters = parametersOf([0, 0.5, -0.2], [0.1, -0.4, 1]);
    const [y, logDerivative] = transformer.forwardAndLogDerivative(tf.tensor1d(z), parameters);
    expectClose(y, [0.2250780317, -0.5976157206, 0.680797078], 1e-7);
    expectClose(tf.sum(logDerivative), [-0.8517512866], 1e-7);
    const [x, inverseLog] = transformer.inverseAndLogDerivative(y, parameters);
    expectClose(x, z, 1e-6);
    expectClose(tf.sum(inverseLog), [0.8517512866], 1e-7);
    const [shut] = affineTransformer({ scale: 'gate', offset: 2 }).forwardAndLogDerivative(tf.tensor1d([1]), tf.zeros([1, 2]));
    expectClose(shut, [sigmoid(2)]);
  });

  test.each([
    ['softplus', { scale: 'softplus', minimum: 0 }, (raw: number) => raw],
    ['sigmoid', { scale: 'sigmoid', minimum: 0, offset: 0 }, (raw: number) => raw],
    ['gate', { scale: 'gate', offset: 0 }, (raw: number) => raw],
  ] as const)('with %s has a log-derivative and a gradient where the scale itself rounds to 0', (_, options, expected) => {
    const transformer = affineTransformer(options);
    const raw = [-60, -150, -1000];
    const logDerivative = (values: tf.Tensor): tf.Tensor =>
      transformer.forwardAndLogDerivative(tf.zeros([3]), tf.stack([tf.zeros([3]), values], -1))[1];
    expectClose(logDerivative(tf.tensor1d(raw)), raw.map(expected));
    expectClose(tf.grad((values) => tf.sum(logDerivative(values)))(tf.tensor1d(raw)), [1, 1, 1]);
  });

  test('with softplus errs by rounding only, not to one side, where the series for the tail ends', () => {
    const grid = Float32Array.from({ length: 400 }, (_, i) => -2.3 + 0.3 * (i / 400));
    const transformer = affineTransformer({ scale: 'softplus', minimum: 0 });
    const got = transformer.forwardAndLogDerivative(tf.zeros([400]), parametersOf(Array(400).fill(0), [...grid]))[1].dataSync();
    const errors = [...grid].map((raw, i) => got[i]! - Math.log(Math.log1p(Math.exp(raw))));
    expect(Math.abs(errors.reduce((total, error) => total + error) / 400)).toBeLessThan(1e-7);
    expect(Math.max(...errors.map(Math.abs))).toBeLessThan(1e-6);
  });

  test.each(['bounded', 'exp', 'tanh'] as const)('with %s is the identity at zero', (scale) => {
    const [y, logDerivative] = affineTransformer({ scale }).forwardAndLogDerivative(tf.tensor1d(xs), tf.zeros([xs.length, 2]));
    expectClose(y, xs.map(Math.fround), 0);
    expectClose(logDerivative, Array(xs.length).fill(0), 0);
  });

  test('with softplus is the identity at zero for the offset that the documentation names', () => {
    const transformer = affineTransformer({ scale: 'softplus', offset: Math.log(Math.expm1(1 - 0.001)) });
    const [y] = transformer.forwardAndLogDerivative(tf.tensor1d(xs), tf.zeros([xs.length, 2]));
    expectClose(y, xs, 1e-6);
  });

  test('takes scalars and any number of axes, and leaves two tensors', async () => {
    const transformer = affineTransformer();
    for (const shape of [[], [1], [2, 3], [2, 1, 2, 2]]) {
      const [x, parameters] = [tf.ones(shape), tf.ones([...shape, 2])];
      const [y, logDerivative] = transformer.forwardAndLogDerivative(x, parameters);
      expect([y.shape, logDerivative.shape]).toEqual([shape, shape]);
      await expectNoLeak(() => transformer.forwardAndLogDerivative(x, parameters));
      await expectNoLeak(() => transformer.inverseAndLogDerivative(x, parameters));
    }
  });

  test.each([
    [{ scale: 'cubic' }, "options.scale should be one of bounded, exp, tanh, softplus, sigmoid, gate, but got 'cubic'"],
    [{ scale: 'exp', offset: 1 }, "options.offset should be left out where the scale is 'exp', but got 1"],
    [{ offset: 1 }, "left out where the scale is 'bounded'"],
    [{ scale: 'gate', minimum: 0.1 }, 'options.minimum should be left out'],
    [{ scale: 'sigmoid', maximum: 2 }, 'options.maximum should be left out'],
    [{ scale: 'softplus', minimum: -1 }, 'options.minimum should be'],
    [{ scale: 'softplus', maximum: 0.0001 }, 'options.maximum should be'],
    [{ scale: 'softplus', offset: Number.NaN }, 'options.offset should be'],
    [{ scale: 'softplus', offset: Number.POSITIVE_INFINITY }, 'options.offset should be'],
    [{ size: 3 }, "unknown option 'size'"],
  ])('refuses %j', (options, message) => {
    expect(() => affineTransformer(options as AffineTransformerOptions)).toThrow(message);
  });

  test('refuses parameters of another shape and inputs of another type', () => {
    const transformer = affineTransformer();
    expect(() => transformer.forwardAndLogDerivative(tf.zeros([3]), tf.zeros([3, 3]))).toThrow(
      'affineTransformer.forwardAndLogDerivative: parameters should be',
    );
    expect(() => transformer.inverseAndLogDerivative(tf.zeros([3]), tf.zeros([2, 3, 2]))).toThrow('of shape [3, 2]');
    expect(() => transformer.forwardAndLogDerivative(tf.zeros([3], 'int32'), tf.zeros([3, 2]))).toThrow('x should be');
  });
});
