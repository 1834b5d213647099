// Fused kernels against the same composed of TensorFlow.js's ops, on the backends that have them.
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import type { AffineTransformerOptions, LogisticMixtureTransformerOptions, SplineParameters, Transformer } from 'tfjs-flows';
import {
  affineTransformer,
  logisticMixtureCdf,
  logisticMixtureTransformer,
  rationalQuadraticSpline,
  splineTransformer,
} from 'tfjs-flows';
import { expect, test } from 'vitest';
import { rowsTransformer } from '../../src/bijectors/rowsTransformer.js';
import { AFFINE } from '../../src/kernels/affine/affine.js';
import { LOGISTIC_MIXTURE } from '../../src/kernels/logisticMixture/logisticMixture.js';
import { SPLINE } from '../../src/kernels/spline/spline.js';
import { gradientOf } from '../../src/kernels/transformer.gradient.js';
import type { TransformerMethod } from '../../src/kernels/transformRows.js';
import { ROWS, transformAll } from '../../src/kernels/transformRows.js';
import type { RationalQuadraticOptions } from '../../src/transformers/rationalQuadratic.js';
import type { Formula, Values } from '../setup/agreement.js';
import { agree, differentiated, EVERYWHERE, errorOf, kernelsOn, spread, weighted } from '../setup/agreement.js';
import { backendName } from '../setup/backend.js';

const ofKernel = kernelsOn({
  [AFFINE]: EVERYWHERE,
  [LOGISTIC_MIXTURE]: EVERYWHERE,
  [gradientOf(LOGISTIC_MIXTURE)]: EVERYWHERE,
  [SPLINE]: EVERYWHERE,
  [gradientOf(SPLINE)]: EVERYWHERE,
  ...Object.fromEntries([AFFINE, LOGISTIC_MIXTURE, SPLINE].map((name) => [name + ROWS, EVERYWHERE])),
});

/** Transformers, for some elements of each row. */
const ROW_KERNELS = [
  [AFFINE, () => affineTransformer({ scale: 'tanh' })],
  [LOGISTIC_MIXTURE, () => logisticMixtureTransformer({ components: 2 })],
  [SPLINE, () => splineTransformer({ bins: 2, boundary: 'free' })],
] as const;

ofKernel(AFFINE, 'affine maps', () => {
  const settings: AffineTransformerOptions[] = [
    {},
    { scale: 'exp' },
    { scale: 'tanh' },
    { scale: 'sigmoid' },
    { scale: 'sigmoid', offset: -0.5, minimum: 0 },
    { scale: 'gate', offset: 0.7 },
    { scale: 'softplus', offset: 0.5 },
    { scale: 'softplus', minimum: 0 },
    { scale: 'softplus', minimum: 1e-6 },
    { scale: 'softplus', minimum: 0, maximum: 1.2 },
    { scale: 'softplus', offset: 0.5, minimum: 0.01, maximum: 0.4 },
    { scale: 'softplus', minimum: 0.001, maximum: 0.013 },
    { scale: 'softplus', maximum: 23 },
  ];
  const formula =
    (options: AffineTransformerOptions, method: 'forwardAndLogDerivative' | 'inverseAndLogDerivative'): Formula =>
    (x, p) =>
      affineTransformer(options)[method](x as tf.Tensor, p as tf.Tensor);
  const inputsOf = (raws: readonly number[]): Values[] => {
    const shifts = spread(2, [raws.length], -2, 2)[0];
    return [spread(1, [raws.length], -3, 3), [raws.flatMap((raw, i) => [shifts[i] as number, raw]), [raws.length, 2]]];
  };
  const raws = [-30, -17.5, -17, -3, -0.4, 0.3, 2, 30];

  test.each(settings)('%j', async (options) => {
    // An inverse by a scale of 1e-348 is no number for float32.
    await agree(formula(options, 'forwardAndLogDerivative'), inputsOf([-800, -100, ...raws]));
    await agree(formula(options, 'inverseAndLogDerivative'), inputsOf(raws));
  });
});

ofKernel(LOGISTIC_MIXTURE, 'logistic mixtures', () => {
  test('parameters of more axes than x are refused, with a kernel or without', () => {
    const given = { logits: tf.zeros([1, 3, 4]), means: tf.zeros([1, 3, 4]), logScales: tf.zeros([1, 3, 4]) };
    const map = logisticMixtureCdf({ dim: 3, components: 4, given });
    expect(() => map.forwardAndLogDet(tf.ones([3]))).toThrow(
      'logisticMixtureCdf.forwardAndLogDet: the log-det should be of shape []',
    );
  });

  interface Case extends LogisticMixtureTransformerOptions {
    readonly inverse: boolean;
  }

  const formula = ({ inverse, ...options }: Case): Formula => {
    const transformer = logisticMixtureTransformer(options);
    return (x, p) =>
      (inverse ? transformer.inverseAndLogDerivative : transformer.forwardAndLogDerivative)(x as tf.Tensor, p as tf.Tensor);
  };

  /** x in [-range, range], logits, means, log-scales in [low, high] and, with an affine map, its numbers. */
  const inputsOf = (
    { components: K, affine = true }: Case,
    shape: readonly number[],
    { range = 3, low = -1, high = 1, seed = 1 } = {},
  ): Values[] => {
    const size = shape.reduce((product, one) => product * one, 1);
    const limits = [
      [-2, 2],
      [-2, 2],
      [low, high],
    ] as const;
    const parts = limits.map(([least, most], i) => spread(seed + i, [size, K], least, most)[0]);
    const after = affine === false ? [] : spread(seed + 4, [size, 2], -1, 1)[0];
    const P = 3 * K + (affine === false ? 0 : 2);
    const parameters = Array.from({ length: size * P }, (_, i) => {
      const [row, column] = [Math.floor(i / P), i % P];
      const part = parts[Math.floor(column / K)];
      return (part === undefined ? after[2 * row + column - 3 * K] : part[row * K + (column % K)]) as number;
    });
    return [spread(seed + 5, shape, -range, range), [parameters, [...shape, P]]];
  };

  const affines: (boolean | AffineTransformerOptions)[] = [
    false,
    true,
    { scale: 'exp' },
    { scale: 'bounded' },
    { scale: 'sigmoid' },
    { scale: 'gate' },
    { scale: 'softplus', offset: 0.5, minimum: 0.01, maximum: 1.2 },
  ];

  test.each(affines.flatMap((affine) => [false, true].map((inverse) => ({ affine, inverse }))))('%j', async (options) => {
    const one = { ...options, components: 3 };
    await agree(formula(one), inputsOf(one, [9]));
  });

  test.each([1, 2, 3, 4, 5, 7, 64])('%d elements', async (size) => {
    for (const inverse of [false, true]) {
      const one = { components: 2, inverse };
      await agree(formula(one), inputsOf(one, [size]));
    }
  });

  test('any shape', async () => {
    const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 });
    const arbitrary = fc.record({ shape: shapes, components: fc.integer({ min: 1, max: 9 }), inverse: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(arbitrary, async ({ shape, ...one }) => agree(formula(one), inputsOf(one, shape))),
      { seed: 5, numRuns: 10 },
    );
  });

  test.each([
    ['scales from the floor to wide ones', -9, 3, 1e-5],
    // Here an ulp of a scale, in which backends differ, is 1e-3 of a z.
    ['scales below the floor alone', -9, -7.1, 1e-3],
  ])('far in the tails: %s', async (_, low, high, value) => {
    for (const inverse of [false, true]) {
      const one = { components: 3, affine: false, inverse };
      await agree(formula(one), inputsOf(one, [50], { range: 30, low, high }), { value, gradient: 1e-3 });
    }
  });

  test('keeps the log-derivative of a component at the floor of the scales', async () => {
    const [x, p] = [tf.tensor1d([-30, 30, 1000]), tf.tensor2d([0, 0, -7, 0, 0, -9, 5, 0, -7], [3, 3])];
    const transformer = logisticMixtureTransformer({ components: 1, affine: false });
    const [y, logDerivative] = transformer.forwardAndLogDerivative(x, p);
    expect(errorOf([Array.from(await y.data())], [[-30, 30, 1000].map((at) => at * Math.exp(7))])).toBeLessThan(1e-6);
    expect(errorOf([Array.from(await logDerivative.data())], [[7, 7, 7]])).toBeLessThan(1e-6);
  });

  test('components without weight, and others with nearly all', async () => {
    const x: Values = [[-20, 0.3, 8, 60], [4]];
    const rows = [
      [100, -100, 3, -1, 2, 30, 0.3, -2, 1],
      [-1e4, 0, -50, -4, 0.5, 1, -1, 0.5, 2],
      [0, -80, -90, 40, 0, 9, -3, 0, -3],
      [5, -300, 4, -9, 70, 1, 0, -6, 0.4],
    ];
    for (const inverse of [false, true]) {
      await agree(formula({ components: 3, affine: false, inverse }), [x, [rows.flat(), [4, 9]]]);
    }
  });

  test('log-scales whose exponential is no float32 number, or not of their inverse', async () => {
    const rows = [
      [0.3, -0.4, 0.2, -1, 200, 200],
      [0.3, -0.4, 0.2, -1, -200, 200],
      [0.3, -0.4, 0.2, -1, 200, 0.5],
      [0.3, -0.4, 0.2, -1, 95, 92],
      [0.3, -0.4, 0.2, -1, -3, 100],
    ];
    const inputs: Values[] = [
      [[0.5, -30, 0.7, 1e4, -2], [5]],
      [rows.flat(), [5, 6]],
    ];
    const one = formula({ components: 2, affine: false, inverse: false });
    await agree(one, inputs);
    const [, logDerivative] = (await differentiated(one, inputs)).values as [number[], number[]];
    // Where all z are 0 dy/dx is 4 f. Left of the narrow component F = w / 2 and f = w e^-200 / 4 with the weight w of the wide one.
    const w = 1 / (1 + Math.exp(0.7));
    expect(errorOf([logDerivative.slice(0, 2)], [[-200, -200 - Math.log(2 * (1 - w / 2))]])).toBeLessThan(1e-6);
  });

  test('what is infinite or no number stays so', async () => {
    const inputs: Values[] = [
      [[Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 1, 1], [5]],
      [
        [0, 1, 0, 1, 0, 0.5, 0, 1, 0, 1, 0, 0.5, 0, 1, 0, 1, 0, 0.5, 0, Number.NaN, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0.5],
        [5, 6],
      ],
    ];
    const [y] = (await differentiated(formula({ components: 2, affine: false, inverse: false }), inputs)).values as [number[]];
    expect(y.slice(2, 4)).toEqual([Number.NaN, Number.NaN]);
    // Shaders' largest number stands for infinity.
    expect([y[0]! > 1e30, y[1]! < -1e30]).toEqual([true, true]);
    if (backendName === 'wasm') {
      expect(y.slice(0, 2)).toEqual([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
    }
    expect(Number.isFinite(y[4])).toBe(true);
    const [x] = (await differentiated(formula({ components: 2, affine: false, inverse: true }), inputs)).values as [number[]];
    expect(x.slice(2, 4)).toEqual([Number.NaN, Number.NaN]);
    expect(Number.isFinite(x[4])).toBe(true);
  });

  test.each([0, 1, 2])('finds x again, or an x with the same y, for |x| to 30: kind %d', async (kind) => {
    const K = 8;
    const one = { components: K, affine: false, inverse: false } as const;
    const [x, [data, shape]] = inputsOf(one, [200], { range: 30, low: -7, high: 3 }) as [Values, Values];
    const logScales = [(value: number) => value, () => -7, (value: number) => (value > -2 ? 3 : -7)][kind] as (
      value: number,
    ) => number;
    const parameters = Array.from(data, (value, i) => {
      const column = i % (3 * K);
      return column < K ? value : column < 2 * K ? value * (kind === 2 ? 10 : 1) : logScales(value);
    });
    const [at, p] = [tf.tensor1d(Array.from(x[0])), tf.tensor(parameters, [...shape])];
    const [y] = formula(one)(at, p) as [tf.Tensor, tf.Tensor];
    const [found, logDerivative] = formula({ ...one, inverse: true })(y, p) as [tf.Tensor, tf.Tensor];
    const [again, slope] = formula(one)(found, p) as [tf.Tensor, tf.Tensor];
    const [xs, ys, backs, agains] = await Promise.all([at, y, found, again].map((tensor) => tensor.data()));
    const worst = Array.from(xs as Float32Array, (value, i) =>
      Math.min(errorOf([[backs?.[i] as number]], [[value]]), errorOf([[agains?.[i] as number]], [[ys?.[i] as number]])),
    );
    expect(Math.max(...worst)).toBeLessThan(2e-6);
    const negated = Array.from(await logDerivative.data(), (value) => -value);
    expect(errorOf([negated], [Array.from(await slope.data())])).toBeLessThan(1e-5);
  });

  test('gives some point of a gap between narrow components, and no NaN, nor in the gradients', async () => {
    const inputs: Values[] = [
      [[0, 1e-7, 0.7], [3]],
      [Array.from({ length: 3 }, () => [0, 0, -1, 1, -7, -7]).flat(), [3, 6]],
    ];
    const { values, gradients } = await differentiated(formula({ components: 2, affine: false, inverse: true }), inputs);
    expect([...values, ...gradients].flat().every(Number.isFinite)).toBe(true);
    for (const x of values[0]?.slice(0, 2) as number[]) {
      expect(Math.abs(x)).toBeLessThan(1);
    }
  });

  test('an inverse at the root 0, at once in the middle of the bracket, and with an affine map that moves it', async () => {
    const inputs: Values[] = [
      [[0, 0.5, 0, -2], [4]],
      [
        [0.3, 0.3, -1, 1, 0, 0, 1, -1, 1, -1, 1, -1, 1, 1, 0, 2, 2, 2, -0.4, 0.8, -0.2, 0.1, 0, 0.5],
        [4, 6],
      ],
    ];
    await agree(formula({ components: 2, affine: false, inverse: true }), inputs);
  });

  test.each([false, true])('second derivatives, inverse %s', async (inverse) => {
    const one = { components: 2, inverse };
    const inputs = inputsOf(one, [3]);
    const slopes: Formula = (...at) => tf.grads((...again) => weighted(formula(one)(...again)))(at as tf.Tensor[]);
    await agree(slopes, inputs);
  });

  test('elements that share parameters, own or given with batch axes of their own', async () => {
    const K = 3;
    const cases = [
      { x: [5, 3], given: [3, K] },
      { x: [2, 3, 2], given: [2, K] },
      { x: [4, 3, 1], given: [3, 1, K] },
      { x: [4, 3], given: [4, 3, K] },
      { x: [4, 3], given: [1, 3, K] },
      { x: [7, 1], given: [1, K] },
      { x: [2, 2, 3], given: [2, 1, 3, K] },
    ];
    for (const { x, given } of cases) {
      const inputs = [spread(1, x, -3, 3), spread(2, given, -1, 1), spread(3, given, -2, 2), spread(4, given, -8, 1)];
      for (const method of ['forwardAndLogDet', 'inverseAndLogDet'] as const) {
        const map: Formula = (value, logits, means, logScales) => {
          const tensors = { logits, means, logScales } as Record<'logits' | 'means' | 'logScales', tf.Tensor>;
          const options = { dim: x.at(-1) as number, components: K, given: tensors, minLogScale: -1 };
          return logisticMixtureCdf(options)[method](value as tf.Tensor);
        };
        await agree(map, inputs);
      }
    }
  });

  test('leaves the two results alone', () => {
    const transformer = logisticMixtureTransformer({ components: 2 });
    const [x, p] = [tf.tensor1d([1, 2]), tf.ones([2, 8])];
    const before = tf.memory().numTensors;
    tf.dispose(transformer.forwardAndLogDerivative(x, p));
    tf.dispose(transformer.inverseAndLogDerivative(x, p));
    tf.dispose(tf.grad((at) => transformer.inverseAndLogDerivative(at, p)[0])(x));
    expect(tf.memory().numTensors).toBe(before);
  });
});

ofKernel(SPLINE, 'splines', () => {
  interface Case extends RationalQuadraticOptions {
    readonly inverse: boolean;
  }

  const formula = ({ inverse, ...options }: Case): Formula => {
    const transformer = splineTransformer(options);
    return (x, p) =>
      (inverse ? transformer.inverseAndLogDerivative : transformer.forwardAndLogDerivative)(x as tf.Tensor, p as tf.Tensor);
  };

  /** Points in the box and a bit beyond, every third one at 0, on an end or far away; parameters in [-scale, scale]. */
  const inputsOf = ({ inverse: _, ...options }: Case, shape: readonly number[], { scale = 1, seed = 1 } = {}): Values[] => {
    const { bound = 5 } = options;
    const special = [0, -bound, bound, 30, -30, 1.2 * bound];
    const [x] = spread(seed, shape, -1.1 * bound, 1.1 * bound);
    const points = Array.from(x, (value, i) => (i % 3 === 2 ? (special[((i - 2) / 3) % special.length] as number) : value));
    return [[points, shape], spread(seed + 1, [...shape, splineTransformer(options).parameterSize], -scale, scale)];
  };

  const settings: RationalQuadraticOptions[] = [
    {},
    { bins: 2, bound: 1, minBinWidth: 0.2, minBinHeight: 0.1, minDerivative: 0.3 },
    { bins: 5, bound: 3, constraint: 'original' },
    { bins: 4, bound: 2, constraint: 'bounded' },
    { bins: 3, bound: 3.25, boundary: 'circular' },
    { bins: 2, boundary: 'circular', constraint: 'bounded', minDerivative: 0.1 },
    { bins: 4, bound: 0.5, boundary: 'free' },
    { bins: 3, bound: 2, boundary: 'free', constraint: 'bounded', minDerivative: 0.2 },
  ];
  const cases: Case[] = settings.flatMap((options) => [false, true].map((inverse) => ({ ...options, inverse })));

  test.each(cases)('%j', async (options) => {
    await agree(formula(options), inputsOf(options, [40]));
  });

  test.each([1, 2, 3, 4, 5, 7, 64])('%d elements', async (size) => {
    for (const inverse of [false, true]) {
      const one = { bins: 3, inverse };
      await agree(formula(one), inputsOf(one, [size], { seed: size }));
    }
  });

  test('any shape', async () => {
    const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 });
    const arbitrary = fc.record({
      shape: shapes,
      bins: fc.integer({ min: 2, max: 9 }),
      boundary: fc.constantFrom('identity' as const, 'free' as const, 'circular' as const),
      inverse: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(arbitrary, async ({ shape, ...one }) => agree(formula(one), inputsOf(one, shape))),
      { seed: 5, numRuns: 10 },
    );
  });

  // Where bins are thin or slopes differ by powers of ten, an ulp of a corner, in which backends differ, is much of the bin.
  test.each(cases)('steep and flat bins: %j', async (options) => {
    await agree(formula(options), inputsOf(options, [60], { scale: 6 }), { value: 1e-3, gradient: 1e-2 });
  });

  test.each([false, true])('all but one bin has next to no share, inverse %s', async (inverse) => {
    const one = { bins: 3, bound: 1, inverse };
    const rows = [
      [200, -200, 0, 200, -200, 0, -300, 1],
      [0, 1e4, 0, 0, 1e4, 0, 2, -40],
      [-50, 0, 60, -50, 0, 60, 0.5, 30],
      [-1e9, -1e9, -1e9, 3, 3, 3, 0, 0.1],
    ];
    await agree(formula(one), [
      [[0.2, 0.1, -0.5, 0.4], [4]],
      [rows.flat(), [4, 8]],
    ]);
  });

  test.each(settings)('a corner is taken to a corner, with the slope on its right: %j', async (options) => {
    const transformer = splineTransformer({ ...options, bins: 2 });
    const { bound = 5 } = options;
    const p = tf.tensor1d(
      Array.from({ length: transformer.parameterSize }, (_, i) => [0.3, 0.3, -1, -1, 0.7, 0.2, -0.4][i] as number),
    );
    const x = tf.tensor1d([0, -bound, bound]);
    const all = tf.tile(tf.reshape(p, [1, -1]), [3, 1]);
    for (const method of ['forwardAndLogDerivative', 'inverseAndLogDerivative'] as const) {
      expect(errorOf([Array.from(await transformer[method](x, all)[0].data())], [[0, -bound, bound]])).toBeLessThan(1e-6);
    }
  });

  test('what is infinite or no number stays so', async () => {
    const row = [0.1, 0.2, 0.3, -0.4, 0.5];
    const inputs: Values[] = [
      [[Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 1, 1], [5]],
      [
        [...row, ...row, ...row, ...row, Number.NaN, 0, 0, 0, 0],
        [5, 5],
      ],
    ];
    for (const inverse of [false, true]) {
      const { values } = await differentiated(formula({ bins: 2, inverse }), inputs);
      expect(values.map((part) => part.slice(0, 2))).toEqual([
        [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
        [0, 0],
      ]);
      expect(values[0]?.[2]).toBe(Number.NaN);
      expect(values.map((part) => Number.isFinite(part[3]))).toEqual([true, true]);
      expect(values.map((part) => part[4])).toEqual([Number.NaN, Number.NaN]);
    }
  });

  test.each(cases)('comes back, for |x| to 30: %j', async ({ inverse: _, ...options }) => {
    const [[x, shape], [p, size]] = inputsOf({ ...options, inverse: false }, [60], { scale: 2 }) as [Values, Values];
    const [at, parameters] = [tf.tensor(Array.from(x), [...shape]), tf.tensor(Array.from(p), [...size])];
    const transformer = splineTransformer(options);
    const [y, slope] = transformer.forwardAndLogDerivative(at, parameters);
    const [back, inverseSlope] = transformer.inverseAndLogDerivative(y, parameters);
    const [xs, found, slopes, others] = await Promise.all([at, back, slope, tf.neg(inverseSlope)].map((one) => one.data()));
    expect(errorOf([Array.from(found as Float32Array)], [Array.from(xs as Float32Array)])).toBeLessThan(1e-4);
    expect(errorOf([Array.from(others as Float32Array)], [Array.from(slopes as Float32Array)])).toBeLessThan(1e-3);
  });

  test.each(['identity', 'free', 'circular'] as const)('second derivatives: %s', async (boundary) => {
    for (const inverse of [false, true]) {
      const one = { bins: 2, boundary, inverse };
      const slopes: Formula = (...at) => tf.grads((...again) => weighted(formula(one)(...again)))(at as tf.Tensor[]);
      await agree(slopes, inputsOf(one, [4]), { value: 1e-4, gradient: 1e-3 });
    }
  });

  test('elements that share parameters, own or given with batch axes of their own', async () => {
    const K = 3;
    const shapes = [
      { x: [5, 3], given: [3] },
      { x: [2, 3, 2], given: [2] },
      { x: [4, 3, 1], given: [3, 1] },
      { x: [4, 3], given: [4, 3] },
      { x: [4, 3], given: [1, 3] },
      { x: [7, 1], given: [1] },
      { x: [2, 9, 6], given: [9, 6] },
      { x: [2, 2, 3], given: [2, 1, 3] },
    ];
    for (const { x, given } of shapes) {
      const parts = [K, K, K].map((size, i) => spread(2 + i, [...given, size], -1, 1));
      for (const method of ['forwardAndLogDet', 'inverseAndLogDet'] as const) {
        const map: Formula = (value, widths, heights, derivatives) => {
          const own = { widths, heights, derivatives } as SplineParameters;
          const options = { dim: x.at(-1) as number, bins: K, bound: 2, boundary: 'circular', given: own } as const;
          return rationalQuadraticSpline(options)[method](value as tf.Tensor);
        };
        await agree(map, [spread(1, x, -3, 3), ...parts]);
      }
    }
  });

  test('leaves the two results alone', () => {
    const transformer = splineTransformer({ bins: 2 });
    const [x, p] = [tf.tensor1d([1, 2]), tf.ones([2, 5])];
    const before = tf.memory().numTensors;
    tf.dispose(transformer.forwardAndLogDerivative(x, p));
    tf.dispose(transformer.inverseAndLogDerivative(x, p));
    tf.dispose(tf.grad((at) => transformer.inverseAndLogDerivative(at, p)[0])(x));
    expect(tf.memory().numTensors).toBe(before);
  });
});

const rowsOf =
  (transformer: Transformer, method: TransformerMethod, moved: readonly number[]): Formula =>
  (x, p) =>
    moved.length < 5
      ? rowsTransformer(transformer, 5, moved)(method, x as tf.Tensor, p as tf.Tensor)
      : transformAll(transformer, method, x as tf.Tensor, p as tf.Tensor);

for (const [name, make] of ROW_KERNELS) {
  ofKernel(name + ROWS, `some elements of each row: ${name}`, () => {
    const transformer = make();
    const cases = (['forwardAndLogDerivative', 'inverseAndLogDerivative'] as const).flatMap((method) =>
      [[0], [1, 2, 4], [0, 1, 2, 3, 4]].map((moved) => ({ method, moved })),
    );

    test.each(cases)('%j', async ({ method, moved }) => {
      const formula = rowsOf(transformer, method, moved);
      for (const rows of [1, 6]) {
        const inputs = [spread(1, [rows, 5], -3, 3), spread(2, [rows, moved.length * transformer.parameterSize], -1, 1)];
        await agree(formula, inputs);
      }
    });

    test.each(cases)('a gradient that is given stays as it is: %j', async ({ method, moved }) => {
      const [x, p, dy] = [
        [2, 5],
        [2, moved.length * transformer.parameterSize],
        [2, 5],
      ].map((shape, seed) => tf.tensor(Array.from(spread(seed, shape, -1, 1)[0]), shape)) as [tf.Tensor, tf.Tensor, tf.Tensor];
      const before = await dy.array();
      const map = (at: tf.Tensor): tf.Tensor => rowsTransformer(transformer, 5, moved)(method, at, p)[0] as tf.Tensor;
      const dx = tf.grad(map)(x, dy);
      await dx.data();
      expect(await dy.array()).toEqual(before);
      tf.dispose([x, p, dy, dx]);
    });

    test.each(cases)('second derivatives: %j', async ({ method, moved }) => {
      const formula = rowsOf(transformer, method, moved);
      const slopes: Formula = (...at) => tf.grads((...again) => weighted(formula(...again)))(at as tf.Tensor[]);
      const inputs = [spread(1, [2, 5], -3, 3), spread(2, [2, moved.length * transformer.parameterSize], -1, 1)];
      await agree(slopes, inputs, { value: 1e-4, gradient: 1e-3 });
    });
  });
}
