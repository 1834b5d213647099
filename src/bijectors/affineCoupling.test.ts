import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { createRng } from '../core/rng.js';
import { checkBijector } from '../testing/checkBijector.js';
import { randomizeParameters } from '../testing/randomizeParameters.js';
import type { AffineCouplingOptions } from './affineCoupling.js';
import { affineCoupling } from './affineCoupling.js';

describe('affineCoupling', () => {
  test('starts as the identity, and not where zeroOutput is off', () => {
    const x = createRng(1).normal([3, 4]);
    const [y, logDet] = affineCoupling({ dim: 4 }).forwardAndLogDet(x);
    expect(y.arraySync()).toEqual(x.arraySync());
    expect(logDet.arraySync()).toEqual([0, 0, 0]);
    const other = affineCoupling({ dim: 4, zeroOutput: false, rng: createRng(2) }).forwardAndLogDet(x)[1];
    expect(Math.abs(other.dataSync()[0]!)).toBeGreaterThan(1e-3);
  });

  test('obeys the laws of a bijector with every option', async () => {
    const bijector = affineCoupling({
      dim: 3,
      hidden: [6],
      activation: 'softplus',
      mask: 'alternating',
      flip: true,
      contextDim: 2,
      scale: 'softplus',
      offset: 0.5,
      minimum: 0.1,
      rng: createRng(1),
    });
    expect(bijector.parameters['conditioner.hidden0.kernel']!.shape).toEqual([1, 6]);
    randomizeParameters(bijector, { rng: createRng(2) });
    await checkBijector({ bijector, x: createRng(3).normal([4, 3]), context: createRng(4).normal([4, 2]) });
  });

  test('passes the scale on: its log-det is the raw number of the bias where the scale is exp', () => {
    const bijector = affineCoupling({ dim: 2, hidden: [3], scale: 'exp' });
    bijector.parameters['conditioner.output.bias']!.assign(tf.tensor1d([1, 2.5]));
    const [y, logDet] = bijector.forwardAndLogDet(tf.tensor1d([7, 2]));
    expect(y.dataSync()[1]).toBeCloseTo(2 * Math.exp(2.5) + 1, 4);
    expect(logDet.dataSync()[0]).toBe(2.5);
  });

  test.each([
    [{ dim: 3, width: 8 }, "affineCoupling: unknown option 'width'"],
    [{ dim: 3, scale: 'exp', offset: 1 }, 'affineTransformer: options.offset'],
    [{ dim: 1 }, 'affineCoupling: options.dim'],
    [{ dim: 3, activation: 'cube' }, 'affineCoupling: options.activation'],
  ])('refuses %j', (options, message) => {
    expect(() => affineCoupling(options as AffineCouplingOptions)).toThrow(message);
  });
});
