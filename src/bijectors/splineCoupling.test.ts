import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { createRng } from '../core/rng.js';
import { checkBijector } from '../testing/checkBijector.js';
import { randomizeParameters } from '../testing/randomizeParameters.js';
import type { SplineCouplingOptions } from './splineCoupling.js';
import { splineCoupling } from './splineCoupling.js';

describe('splineCoupling', () => {
  test('starts as the identity, and not where zeroOutput is off', () => {
    const x = createRng(1).normal([3, 4]);
    const [y, logDet] = splineCoupling({ dim: 4 }).forwardAndLogDet(x);
    expect(tf.max(tf.abs(tf.sub(y, x))).dataSync()[0]).toBeLessThan(2e-6);
    expect(tf.max(tf.abs(logDet)).dataSync()[0]).toBeLessThan(2e-6);
    const other = splineCoupling({ dim: 4, zeroOutput: false, rng: createRng(2) }).forwardAndLogDet(x)[1];
    expect(Math.abs(other.dataSync()[0]!)).toBeGreaterThan(1e-3);
  });

  test('obeys the laws of a bijector with every option', async () => {
    const bijector = splineCoupling({
      dim: 3,
      hidden: [6],
      activation: 'softplus',
      mask: 'alternating',
      flip: true,
      contextDim: 2,
      bins: 3,
      bound: 2.5,
      boundary: 'free',
      constraint: 'original',
      minBinWidth: 0.1,
      minBinHeight: 0.05,
      minDerivative: 0.2,
      rng: createRng(1),
    });
    expect(bijector.parameters['conditioner.output.kernel']!.shape).toEqual([6, 2 * 10]);
    randomizeParameters(bijector, { rng: createRng(2), scale: 0.5 });
    await checkBijector({ bijector, x: createRng(3).normal([4, 3]), context: createRng(4).normal([4, 2]) });
  });

  test('passes the bound on: what lies outside is left alone', () => {
    const bijector = splineCoupling({ dim: 2, bins: 3, bound: 1, hidden: [3] });
    randomizeParameters(bijector, { rng: createRng(0) });
    expect([...bijector.forward(tf.tensor1d([0.3, 1.5])).dataSync()]).toEqual([0.3, 1.5].map(Math.fround));
    expect(bijector.forward(tf.tensor1d([0.3, 0.5])).dataSync()[1]).not.toBeCloseTo(0.5, 3);
  });

  test.each([
    [{ dim: 3, scale: 'exp' }, "splineCoupling: unknown option 'scale'"],
    [{ dim: 3, bins: 0 }, 'splineTransformer: options.bins'],
    [{ dim: 1 }, 'splineCoupling: options.dim'],
  ])('refuses %j', (options, message) => {
    expect(() => splineCoupling(options as SplineCouplingOptions)).toThrow(message);
  });
});
