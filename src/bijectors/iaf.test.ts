import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { createRng } from '../core/rng.js';
import { checkBijector } from '../testing/checkBijector.js';
import { randomizeParameters } from '../testing/randomizeParameters.js';
import type { IafOptions } from './iaf.js';
import { iaf } from './iaf.js';

describe('iaf', () => {
  test('gives the known numbers of the gate', () => {
    const bijector = iaf({ dim: 3, hidden: [4] });
    bijector.parameters['conditioner.output.bias']!.assign(tf.tensor1d([0, 0.1, 0.5, -0.4, -0.2, 1]));
    const [y, logDet] = bijector.forwardAndLogDet(tf.tensor1d([0.3, -1.2, 0.8]));
    [0.2250780317, -0.5976157206, 0.680797078].forEach((value, i) => {
      expect(y.dataSync()[i]).toBeCloseTo(value, 6);
    });
    expect(logDet.dataSync()[0]).toBeCloseTo(-0.8517512866, 6);
  });

  test('starts as a contraction by the gate, and as the identity with another scale', () => {
    const x = tf.tensor2d([[1, -2, 0.5]]);
    const gated = iaf({ dim: 3, offset: 2 }).forward(x).dataSync();
    [1, -2, 0.5].forEach((value, i) => {
      expect(gated[i]).toBeCloseTo(value / (1 + Math.exp(-2)), 6);
    });
    expect(iaf({ dim: 3, scale: 'bounded' }).forward(x).arraySync()).toEqual(x.arraySync());
  });

  test('is parallel forward and sequential backward, and obeys the laws with every option', async () => {
    const bijector = iaf({
      dim: 3,
      hidden: [6, 6],
      activation: 'tanh',
      order: 'random',
      residual: true,
      contextDim: 2,
      contextLayers: 'all',
      zeroOutput: false,
      rng: createRng(1),
    });
    expect([bijector.forwardCost, bijector.inverseCost]).toEqual(['parallel', 'sequential']);
    expect(Object.keys(bijector.parameters)).toContain('conditioner.hidden1.inner.context');
    randomizeParameters(bijector, { rng: createRng(2), scale: 0.5 });
    await checkBijector({ bijector, x: createRng(3).normal([4, 3]), context: createRng(4).normal([4, 2]) });
  });

  test('refuses what it does not know', () => {
    expect(() => iaf({ dim: 3, mask: 'half' } as IafOptions)).toThrow("iaf: unknown option 'mask'");
    expect(() => iaf({ dim: 3, minimum: 0.1 })).toThrow('affineTransformer: options.minimum');
  });
});
