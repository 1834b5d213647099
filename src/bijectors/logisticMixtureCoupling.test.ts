import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { createRng } from '../core/rng.js';
import { checkBijector } from '../testing/checkBijector.js';
import { randomizeParameters } from '../testing/randomizeParameters.js';
import type { LogisticMixtureCouplingOptions } from './logisticMixtureCoupling.js';
import { logisticMixtureCoupling } from './logisticMixtureCoupling.js';

describe('logisticMixtureCoupling', () => {
  test('runs the mixture from data to base', () => {
    const bijector = logisticMixtureCoupling({ dim: 2, components: 3, hidden: [4], affine: false, rng: createRng(1) });
    expect([bijector.forwardCost, bijector.inverseCost]).toEqual(['iterative', 'parallel']);
    bijector.parameters['conditioner.output.bias']!.assign(tf.tensor1d([0.1, 0.2, 4, -1, 0, 1, -5, 0, 0.2]));
    const [x, logDet] = bijector.inverseAndLogDet(tf.tensor1d([7, 30]));
    expect(x.dataSync()[1]).toBeCloseTo(23.7848787058, 4);
    expect(logDet.dataSync()[0]).toBeCloseTo(-0.1999905039, 5);
    const y = bijector.forward(x).dataSync();
    expect(y[0]).toBe(7);
    expect(y[1]).toBeCloseTo(30, 4);
  });

  test('starts near the identity, with components that learn apart', () => {
    const bijector = logisticMixtureCoupling({ dim: 4, components: 4, hidden: [4], contextDim: 1, rng: createRng(1) });
    const context = tf.ones([6, 1]);
    const y = createRng(2).normal([6, 4]);
    expect(tf.max(tf.abs(tf.sub(bijector.inverse(y, { context }), y))).dataSync()[0]).toBeLessThan(0.3);
    const bias = bijector.parameters['conditioner.output.bias']!;
    const loss = (): tf.Scalar => tf.sum(tf.square(bijector.inverse(y, { context })));
    const gradient = tf.variableGrads(loss, [bias]).grads[bias.name]!.dataSync();
    // [logits 4, means 4, log-scales 4, shift, raw] of the first element: four different gradients for four means.
    expect(new Set(gradient.slice(4, 8)).size).toBe(4);
  });

  test('has eight components by default, whose means start apart and all else at zero', () => {
    const bijector = logisticMixtureCoupling({ dim: 256, rng: createRng(1) });
    const bias = tf.reshape(bijector.parameters['conditioner.output.bias']!, [128, 26]);
    const columns = (from: number, count: number): tf.Tensor => tf.slice(bias, [0, from], [128, count]);
    const means = columns(8, 8);
    expect(Math.sqrt(tf.mean(tf.square(means)).dataSync()[0]!)).toBeCloseTo(0.1, 2);
    expect(new Set(means.dataSync()).size).toBe(128 * 8);
    expect(tf.max(tf.abs(tf.concat([columns(0, 8), columns(16, 10)], 1))).dataSync()[0]).toBe(0);
  });

  test('raises log-scales to the floor that is told, and leaves the means where the output is drawn', () => {
    const logDet = (options: Partial<LogisticMixtureCouplingOptions>): number => {
      const bijector = logisticMixtureCoupling({ dim: 2, components: 1, hidden: [], affine: false, ...options });
      bijector.parameters['conditioner.output.bias']!.assign(tf.tensor1d([0, 0, -9]));
      return bijector.inverseAndLogDet(tf.ones([2]))[1].dataSync()[0]!;
    };
    expect([logDet({}), logDet({ minLogScale: -8 }), logDet({ minLogScale: -2 })]).toEqual([7, 8, 2]);
    const drawn = logisticMixtureCoupling({ dim: 2, components: 2, hidden: [], zeroOutput: false, rng: createRng(1) });
    expect(tf.max(tf.abs(drawn.parameters['conditioner.output.bias']!)).dataSync()[0]).toBe(0);
  });

  test('obeys the laws of a bijector with every option', async () => {
    const bijector = logisticMixtureCoupling({
      dim: 3,
      components: 2,
      hidden: [5],
      activation: 'tanh',
      mask: 'alternating',
      flip: true,
      contextDim: 2,
      affine: { scale: 'bounded' },
      minLogScale: -5,
      zeroOutput: false,
      rng: createRng(1),
    });
    randomizeParameters(bijector, { rng: createRng(2), scale: 0.7 });
    await checkBijector({ bijector, x: createRng(3).normal([4, 3]), context: createRng(4).normal([4, 2]) });
  });

  test.each([
    [{ dim: 3, components: 0 }, 'logisticMixtureTransformer: options.components'],
    [{ dim: 3, scale: 'exp' }, "logisticMixtureCoupling: unknown option 'scale'"],
  ])('refuses %j', (options, message) => {
    expect(() => logisticMixtureCoupling(options as LogisticMixtureCouplingOptions)).toThrow(message);
  });
});
