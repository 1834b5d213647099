import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { createRng } from '../core/rng.js';
import { registerKernels } from '../kernels/register.js';
import { SPLINE } from '../kernels/spline/spline.js';
import { checkBijector } from '../testing/checkBijector.js';
import { expectNoLeak } from '../testing/expectNoLeak.js';
import { randomizeParameters } from '../testing/randomizeParameters.js';
import type { SplineParameters } from '../transformers/rationalQuadratic.js';
import { splineTransformer } from '../transformers/splineTransformer.js';
import type { RationalQuadraticSplineOptions } from './rationalQuadraticSpline.js';
import { rationalQuadraticSpline } from './rationalQuadraticSpline.js';

const difference = (a: tf.Tensor, b: tf.Tensor): number => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]!;

function withoutKernelAfter<T>(work: () => T): T {
  try {
    return work();
  } finally {
    tf.unregisterKernel(SPLINE, 'cpu');
  }
}

describe('rationalQuadraticSpline', () => {
  test('is the transformer with its own parameters, and sums over the event', () => {
    const bijector = rationalQuadraticSpline({ dim: 3, bins: 4, bound: 2 });
    randomizeParameters(bijector, { rng: createRng(1) });
    const x = createRng(2).normal([5, 3]);
    const { widths, heights, derivatives } = bijector.parameters as Record<string, tf.Tensor>;
    const row = tf.concat([widths!, heights!, derivatives!], -1);
    const transformer = splineTransformer({ bins: 4, bound: 2 });
    const parameters = tf.tile(tf.expandDims(row, 0), [5, 1, 1]);
    for (const [method, element] of [
      ['forwardAndLogDet', 'forwardAndLogDerivative'],
      ['inverseAndLogDet', 'inverseAndLogDerivative'],
    ] as const) {
      const [y, logDet] = bijector[method](x);
      const [expected, logDerivative] = transformer[element](x, parameters);
      expect(difference(y, expected)).toBeLessThan(1e-6);
      expect(difference(logDet, tf.sum(logDerivative, -1))).toBeLessThan(1e-5);
    }
  });

  test('starts as the identity', () => {
    const x = tf.tensor2d([[-7, -3, 0.1, 4.9]]);
    const [y, logDet] = rationalQuadraticSpline({ dim: 4 }).forwardAndLogDet(x);
    expect(difference(y, x)).toBeLessThan(2e-6);
    expect(Math.abs(logDet.dataSync()[0]!)).toBeLessThan(3e-6);
  });

  test.each([
    ['identity', 4],
    ['circular', 5],
    ['free', 6],
  ] as const)('obeys the laws of a bijector with given parameters of a batch, boundary %s', async (boundary, slopes) => {
    const rng = createRng(3);
    const given = {
      widths: rng.normal([3, 2, 5]),
      heights: rng.normal([2, 5]),
      derivatives: rng.normal([3, 2, slopes]),
    };
    const bijector = rationalQuadraticSpline({ dim: 2, bins: 5, bound: 3, boundary, given });
    expect(Object.keys(bijector.parameters)).toEqual([]);
    const x = tf.mul(rng.normal([4, 3, 2]), 2);
    const [y, logDet] = bijector.forwardAndLogDet(x);
    expect(logDet.shape).toEqual([4, 3]);
    expect(difference(bijector.inverse(y), x)).toBeLessThan(1e-4);
    await expectNoLeak(() => bijector.forwardAndLogDet(x));
    // Frozen, they are constants; else they have gradients.
    const loss = (frozen: boolean) => (widths: tf.Tensor) =>
      tf.add(
        tf.sum(rationalQuadraticSpline({ dim: 2, bins: 5, boundary, given: { ...given, widths } }).forward(x, { frozen })),
        tf.mul(tf.sum(widths), 0),
      );
    expect(tf.max(tf.abs(tf.grad(loss(false))(given.widths))).dataSync()[0]).toBeGreaterThan(0.01);
    expect(tf.max(tf.abs(tf.grad(loss(true))(given.widths))).dataSync()[0]).toBe(0);
    const single = {
      widths: tf.slice(given.widths, 0, 1),
      heights: given.heights,
      derivatives: tf.slice(given.derivatives, 0, 1),
    };
    const row = Object.fromEntries(Object.entries(single).map(([name, value]) => [name, tf.reshape(value, [2, -1])]));
    const unbatched = rationalQuadraticSpline({ dim: 2, bins: 5, bound: 3, boundary, given: row as unknown as typeof single });
    await checkBijector({ bijector: unbatched, x: rng.normal([3, 2]) });
  });

  test.each(['identity', 'circular', 'free'] as const)('takes four batch axes, boundary %s', (boundary) => {
    const bijector = rationalQuadraticSpline({ dim: 2, bins: 3, bound: 1, boundary });
    randomizeParameters(bijector, { rng: createRng(6) });
    const x = createRng(7).normal([2, 1, 2, 3, 2]);
    for (const method of ['forwardAndLogDet', 'inverseAndLogDet'] as const) {
      const [y, logDet] = bijector[method](x);
      const [rows, rowLogDet] = bijector[method](tf.reshape(x, [12, 2]));
      expect([y.shape, logDet.shape]).toEqual([
        [2, 1, 2, 3, 2],
        [2, 1, 2, 3],
      ]);
      expect(difference(tf.reshape(y, [12, 2]), rows)).toBe(0);
      expect(difference(tf.reshape(logDet, [12]), rowLogDet)).toBe(0);
    }
  });

  test('leaves its elements to a kernel where there is one, unless the parameters broadcast in other ways', () => {
    const rng = createRng(8);
    const x = rng.normal([4, 3, 2]);
    const sizes = { widths: 5, heights: 5, derivatives: 4 };
    const parametersOf = (axes: Record<keyof typeof sizes, number[]>) =>
      Object.fromEntries(
        Object.entries(sizes).map(([name, size]) => [name, rng.normal([...axes[name as keyof typeof sizes], size])]),
      ) as unknown as SplineParameters;
    const cases: [axes: Record<keyof typeof sizes, number[]>, kernel: boolean][] = [
      [{ widths: [2], heights: [2], derivatives: [2] }, true],
      [{ widths: [3, 2], heights: [3, 2], derivatives: [3, 2] }, true],
      [{ widths: [3, 2], heights: [2], derivatives: [3, 2] }, false],
      [{ widths: [2], heights: [2], derivatives: [4, 3, 2] }, false],
      [{ widths: [1, 2], heights: [1, 2], derivatives: [1, 2] }, false],
    ];
    const settings = { bins: 5, bound: 3, boundary: 'identity', minBinWidth: 0.001, minBinHeight: 0.001, minDerivative: 0.001 };
    for (const [axes, isKernel] of cases) {
      const bijector = rationalQuadraticSpline({ dim: 2, bins: 5, bound: 3, given: parametersOf(axes) });
      for (const method of ['forwardAndLogDet', 'inverseAndLogDet'] as const) {
        const [y, logDet] = bijector[method](x);
        let told: object | undefined;
        // The same, moved so that it is seen.
        const run = (backend: tf.MathBackendCPU, inputs: readonly tf.Tensor[], attributes: object): tf.TensorInfo[] => {
          const { composed, ...rest } = attributes as { composed: (...all: unknown[]) => tf.Tensor[] };
          told = rest;
          return composed(...inputs).map((value) =>
            backend.makeTensorInfo(
              value.shape,
              'float32',
              value.dataSync().map((each) => each + 100),
            ),
          );
        };
        registerKernels('cpu', { [SPLINE]: run }, (backend) => backend as tf.MathBackendCPU);
        const [made, madeLogDet] = withoutKernelAfter(() => bijector[method](x));
        expect(difference(made, tf.add(y, isKernel ? 100 : 0))).toBeLessThan(1e-4);
        expect(difference(madeLogDet, tf.add(logDet, isKernel ? 200 : 0))).toBeLessThan(1e-4);
        expect(told === undefined).toBe(!isKernel);
        if (isKernel) {
          expect(told).toMatchObject({ ...settings, inverse: method === 'inverseAndLogDet' });
        }
      }
    }
  });

  test('is a density: it takes a uniform grid of the box to cells that fill the box', () => {
    const bijector = rationalQuadraticSpline({ dim: 1, bins: 6, bound: 2 });
    randomizeParameters(bijector, { rng: createRng(5) });
    const cells = 4000;
    const x = tf.reshape(tf.linspace(-2 + 2 / cells, 2 - 2 / cells, cells), [cells, 1]);
    const volume = tf.mean(tf.exp(bijector.forwardAndLogDet(x)[1])).dataSync()[0]!;
    expect(volume).toBeCloseTo(1, 4);
  });

  test.each([
    [{ dim: 0 }, 'rationalQuadraticSpline: options.dim should be a positive integer, but got 0.'],
    [{ dim: 2, bins: 1 }, 'rationalQuadraticSpline: options.bins'],
    [{ dim: 2, knots: 1 }, "rationalQuadraticSpline: unknown option 'knots'"],
  ])('refuses %j', (options, message) => {
    expect(() => rationalQuadraticSpline(options as RationalQuadraticSplineOptions)).toThrow(message);
  });

  test('refuses given parameters of a wrong shape', () => {
    const given = { widths: tf.zeros([2, 3]), heights: tf.zeros([2, 3]), derivatives: tf.zeros([2, 3]) };
    expect(() => rationalQuadraticSpline({ dim: 2, bins: 3, given })).toThrow(
      'rationalQuadraticSpline: options.given.derivatives should be a float32 tensor of shape [...batch, 2, 2], but got a',
    );
  });
});
