import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { createRng } from '../core/rng.js';
import type { SplineAttributes } from '../kernels/spline/spline.js';
import { SPLINE } from '../kernels/spline/spline.js';
import { expectNoLeak } from '../testing/expectNoLeak.js';
import type { RationalQuadraticOptions } from './rationalQuadratic.js';
import { splineTransformer } from './splineTransformer.js';

/** The formulas of the paper in float64, for one element; the inverse by bisection. */
function reference(parameters: readonly number[], { bins: K = 8, bound: B = 5, boundary, constraint }: RationalQuadraticOptions) {
  const least = constraint === 'bounded' ? 0 : 0.001;
  const soft = (v: number, limit: number): number => v / (1 + Math.abs(v) / limit);
  const sides = (raw: readonly number[]): number[] => {
    const powers = raw.map((v) => Math.exp(constraint === 'bounded' ? soft(v, Math.log(1000) / 2) : v));
    const total = powers.reduce((a, b) => a + b);
    return powers.map((v) => 2 * B * (least + ((1 - least * K) * v) / total));
  };
  const slope = (v: number): number => {
    if (constraint === 'bounded') return Math.exp(soft(v, Math.log(1000)));
    return least + Math.log1p(Math.exp(v + (constraint === 'original' ? 0 : Math.log(Math.expm1(1 - least)))));
  };
  const [w, h, raw] = [parameters.slice(0, K), parameters.slice(K, 2 * K), parameters.slice(2 * K).map(slope)] as const;
  const [widths, heights] = [sides(w), sides(h)];
  const slopes = { identity: [1, ...raw, 1], circular: [...raw, raw[0]!], free: raw }[boundary ?? 'identity'];
  const xs = [-B];
  const ys = [-B];
  for (let k = 0; k < K; k++) {
    xs.push(xs[k]! + widths[k]!);
    ys.push(ys[k]! + heights[k]!);
  }
  const forward = (x: number): [y: number, logDerivative: number] => {
    if (Math.abs(x) > B) {
      const end = boundary === 'free' ? (x > 0 ? slopes[K]! : slopes[0]!) : 1;
      return [Math.sign(x) * (B + end * (Math.abs(x) - B)), Math.log(end)];
    }
    let k = 0;
    while (k < K - 1 && x >= xs[k + 1]!) k++;
    const [d, e, s, t] = [slopes[k]!, slopes[k + 1]!, heights[k]! / widths[k]!, (x - xs[k]!) / widths[k]!];
    const below = s + (d + e - 2 * s) * t * (1 - t);
    const y = ys[k]! + (heights[k]! * (s * t * t + d * t * (1 - t))) / below;
    return [y, Math.log((s * s * (e * t * t + 2 * s * t * (1 - t) + d * (1 - t) ** 2)) / below ** 2)];
  };
  const inverse = (y: number): number => {
    let [low, high] = [-1e4, 1e4];
    for (let i = 0; i < 100; i++) {
      const middle = (low + high) / 2;
      [low, high] = forward(middle)[0] < y ? [middle, high] : [low, middle];
    }
    return (low + high) / 2;
  };
  return { forward, inverse };
}

const expectClose = (got: tf.Tensor, want: readonly number[], tolerance: number): void => {
  Array.from(got.dataSync()).forEach((value, i) => {
    expect(Math.abs(value - want[i]!), `${i}: ${value} against ${want[i]}`).toBeLessThanOrEqual(
      tolerance * (1 + Math.abs(want[i]!)),
    );
  });
};

const options: RationalQuadraticOptions[] = [
  {},
  { bins: 2, bound: 1 },
  { bins: 5, bound: 3, constraint: 'original' },
  { bins: 4, bound: 2, constraint: 'bounded' },
  { bins: 3, bound: 3.25, boundary: 'circular' },
  { bins: 4, bound: 0.5, boundary: 'free' },
];

describe.each(options)('splineTransformer(%j)', (settings) => {
  const transformer = splineTransformer(settings);
  const { bound = 5 } = settings;
  const count = 200;
  const parameters = createRng(1).normal([count, transformer.parameterSize]);
  const rows = parameters.arraySync() as number[][];
  const drawn = [
    ...createRng(2)
      .uniform([count], -1.3 * bound, 1.3 * bound)
      .dataSync(),
  ];
  const xs = drawn.map((x, i) => ({ 0: 30, 1: -30, 2: Math.fround(bound), 3: -Math.fround(bound) })[i] ?? x);
  const x = tf.tensor1d(xs);

  test('is the formula of the paper, inside and outside the box', () => {
    const [y, logDerivative] = transformer.forwardAndLogDerivative(x, parameters);
    const want = xs.map((value, i) => reference(rows[i]!, settings).forward(value));
    expectClose(
      y,
      want.map(([value]) => value),
      5e-6,
    );
    expectClose(
      logDerivative,
      want.map(([, value]) => value),
      2e-5,
    );
  });

  test('has the inverse, with its log-derivative', () => {
    const [back, logDerivative] = transformer.inverseAndLogDerivative(x, parameters);
    const want = xs.map((value, i) => reference(rows[i]!, settings).inverse(value));
    expectClose(back, want, 2e-5);
    // At the ends of the box, the slope outside is another one.
    expectClose(
      logDerivative,
      want.map((value, i) => -reference(rows[i]!, settings).forward(i === 2 || i === 3 ? value * (1 - 1e-9) : value)[1]),
      1e-4,
    );
  });

  test('has the derivative exp(log-derivative) in both directions, at the ends and outside too', () => {
    for (const method of ['forwardAndLogDerivative', 'inverseAndLogDerivative'] as const) {
      const [, logDerivative] = transformer[method](x, parameters);
      const slope = tf.grad((value) => tf.sum(transformer[method](value, parameters)[0]))(x);
      expectClose(slope, [...tf.exp(logDerivative).dataSync()], 1e-3);
    }
  });

  test('has finite gradients in x and parameters, 30 outside and on the ends', () => {
    for (const method of ['forwardAndLogDerivative', 'inverseAndLogDerivative'] as const) {
      for (const part of [0, 1] as const) {
        const both = tf.grads((a, b) => tf.sum(transformer[method](a, b)[part]));
        for (const gradient of both([x, parameters])) {
          expect([...gradient.dataSync()].every(Number.isFinite)).toBe(true);
        }
      }
    }
  });
});

describe('splineTransformer', () => {
  test.each([
    {},
    { constraint: 'bounded' },
    { constraint: 'bounded', minDerivative: 0.5 },
    { boundary: 'circular' },
    { boundary: 'free' },
    { minDerivative: 0.5 },
  ] as const)('is the identity at zero: %j', (settings) => {
    const transformer = splineTransformer({ bins: 7, bound: 3, ...settings });
    const xs = [-30, -3, -2.5, -0.1, 0, 1, 2.9, 3, 3.1];
    const zero = tf.zeros([xs.length, transformer.parameterSize]);
    for (const method of ['forwardAndLogDerivative', 'inverseAndLogDerivative'] as const) {
      const [y, logDerivative] = transformer[method](tf.tensor1d(xs), zero);
      expectClose(y, xs, 1e-6);
      expectClose(logDerivative, Array(xs.length).fill(0), 2e-6);
    }
  });

  test('with the original constraint, zero is no identity', () => {
    const transformer = splineTransformer({ bins: 8, bound: 3, constraint: 'original' });
    const [y] = transformer.forwardAndLogDerivative(tf.tensor1d([-2.7392578125]), tf.zeros([1, 23]));
    expect(y.dataSync()[0]).toBeCloseTo(-2.719823425, 5);
  });

  test('takes knots to knots, with the slopes there, from either side', () => {
    // Widths 1, 1, 2 and heights 2, 1, 1 of a box of side 4, to the bit.
    const settings = { bins: 3, bound: 2, minBinWidth: 0, minBinHeight: 0, minDerivative: 0, constraint: 'original' } as const;
    const transformer = splineTransformer(settings);
    const two = Math.log(2);
    const slope = (d: number): number => Math.log(Math.expm1(d));
    const row = [0, 0, two, two, 0, 0, slope(0.5), slope(3)];
    const [xs, ys, slopes] = [
      [-2, -1, 0, 2],
      [-2, 0, 1, 2],
      [1, 0.5, 3, 1],
    ] as const;
    const near = xs.flatMap((v) => [v - 1e-6, v, v + 1e-6]).slice(1, -1);
    const parameters = tf.tile(tf.tensor2d([row]), [near.length, 1]);
    const [y, logDerivative] = transformer.forwardAndLogDerivative(tf.tensor1d(near), parameters);
    const [back, inverseLog] = transformer.inverseAndLogDerivative(y, parameters);
    const knot = (list: readonly number[]): number[] => list.flatMap((v) => [v, v, v]).slice(1, -1);
    expectClose(y, knot(ys), 5e-6);
    expectClose(back, near, 2e-6);
    expectClose(logDerivative, knot(slopes).map(Math.log), 2e-5);
    expectClose(
      inverseLog,
      knot(slopes).map((d) => -Math.log(d)),
      2e-5,
    );
  });

  test('inverts where the slopes at a bin differ by 1e6 and where the quadratic is a straight line', () => {
    const transformer = splineTransformer({ bins: 2, bound: 1, constraint: 'original' });
    const steep = [0, 0, 0, 0, 1000];
    const flat = [0, 9, 9, 0, -30];
    const even = [0, 0, 0, 0, Math.log(Math.expm1(0.999))];
    for (const row of [steep, flat, even]) {
      const x = tf.linspace(-1, 1, 41);
      const parameters = tf.tile(tf.tensor2d([row]), [41, 1]);
      const [y] = transformer.forwardAndLogDerivative(x, parameters);
      const [back] = transformer.inverseAndLogDerivative(y, parameters);
      const [again] = transformer.forwardAndLogDerivative(back, parameters);
      expectClose(again, [...y.dataSync()], 2e-6);
    }
  });

  test('tells its kernel the settings, minima and the offset of slopes included', () => {
    const minima = { minBinWidth: 0.001, minBinHeight: 0.001, minDerivative: 0.001 };
    const { name, attributes } = splineTransformer().kernel!;
    const { offset, ...rest } = attributes as SplineAttributes;
    expect([name, rest]).toEqual([SPLINE, { bins: 8, bound: 5, boundary: 'identity', ...minima, isBounded: false }]);
    expect(offset).toBeCloseTo(Math.log(Math.expm1(0.999)), 6);
    const told = { bins: 4, bound: 2, boundary: 'free', minBinWidth: 0.1, minBinHeight: 0.05, minDerivative: 0.2 } as const;
    expect(splineTransformer({ ...told, constraint: 'original' }).kernel!.attributes).toEqual({
      ...told,
      isBounded: false,
      offset: 0,
    });
    expect(splineTransformer({ ...told, constraint: 'bounded' }).kernel!.attributes).toEqual({
      ...told,
      isBounded: true,
      offset: 0,
    });
  });

  test('takes any number of axes, and leaves two tensors', async () => {
    const transformer = splineTransformer({ bins: 3 });
    expect(transformer.parameterSize).toBe(8);
    expect(splineTransformer({ bins: 3, boundary: 'circular' }).parameterSize).toBe(9);
    expect(splineTransformer({ bins: 3, boundary: 'free' }).parameterSize).toBe(10);
    for (const shape of [[], [1], [2, 3], [2, 1, 2, 2]]) {
      const [x, parameters] = [tf.ones(shape), createRng(0).normal([...shape, 8])];
      const [y, logDerivative] = transformer.forwardAndLogDerivative(x, parameters);
      expect([y.shape, logDerivative.shape]).toEqual([shape, shape]);
      await expectNoLeak(() => transformer.forwardAndLogDerivative(x, parameters));
      await expectNoLeak(() => transformer.inverseAndLogDerivative(x, parameters));
    }
  });

  test.each([
    [{ bins: 1 }, 'splineTransformer: options.bins should be an integer of at least 2, but got 1.'],
    [{ bound: 0 }, 'splineTransformer: options.bound should be a finite number above 0, but got 0.'],
    [{ boundary: 'open' }, "splineTransformer: options.boundary should be 'identity', 'free' or 'circular', but got 'open'."],
    [
      { constraint: 'none' },
      "splineTransformer: options.constraint should be 'centred', 'original' or 'bounded', but got 'none'.",
    ],
    [{ bins: 4, minBinWidth: 0.25 }, 'options.minBinWidth should be a finite number at least 0 and below 0.25, but got 0.25.'],
    [{ minBinHeight: -1 }, 'options.minBinHeight should be'],
    [{ bins: 4, minBinHeight: 0.25 }, 'options.minBinHeight should be a finite number at least 0 and below 0.25, but got 0.25.'],
    [{ minDerivative: 1 }, 'options.minDerivative should be'],
    [{ knots: 3 }, "splineTransformer: unknown option 'knots'"],
  ])('refuses %j', (settings, message) => {
    expect(() => splineTransformer(settings as RationalQuadraticOptions)).toThrow(message);
  });
});
