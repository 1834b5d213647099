import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { createRng } from '../core/rng.js';
import { checkBijector } from '../testing/checkBijector.js';
import { randomizeParameters } from '../testing/randomizeParameters.js';
import type { LogisticMixtureCdfOptions } from './logisticMixtureCdf.js';
import { logisticMixtureCdf } from './logisticMixtureCdf.js';

describe('logisticMixtureCdf', () => {
  test('gives the known numbers, each dimension its own mixture', () => {
    const given = {
      logits: tf.tensor2d([
        [0.1, 0.2, 4],
        [0, 0, 0],
      ]),
      means: tf.tensor2d([
        [-1, 0, 1],
        [0, 0, 0],
      ]),
      logScales: tf.tensor2d([
        [-5, 0, 0.2],
        [0, 0, 0],
      ]),
    };
    const bijector = logisticMixtureCdf({ dim: 2, components: 3, given });
    const [y, logDet] = bijector.forwardAndLogDet(tf.tensor2d([[30, 0.5]]));
    expect(y.dataSync()[0]).toBeCloseTo(23.7848787058, 4);
    expect(y.dataSync()[1]).toBeCloseTo(0.5, 6);
    expect(logDet.dataSync()[0]).toBeCloseTo(-0.1999905039, 5);
    const [x, inverse] = bijector.inverseAndLogDet(y);
    expect(x.dataSync()[0]).toBeCloseTo(30, 4);
    expect(inverse.dataSync()[0]).toBeCloseTo(0.1999905039, 5);
    expect(bijector.parameters).toEqual({});
    bijector.dispose();
    expect(given.means.isDisposed).toBe(false);
    const short = { ...given, logScales: tf.zeros([2, 2]) };
    expect(() => logisticMixtureCdf({ dim: 2, components: 3, given: short })).toThrow('options.given.logScales should be');
  });

  test('obeys the laws of a bijector with parameters of its own', async () => {
    const bijector = logisticMixtureCdf({ dim: 2, components: 3, rng: createRng(1) });
    expect(Object.keys(bijector.parameters)).toEqual(['logits', 'means', 'logScales']);
    expect(new Set(bijector.parameters.means!.dataSync()).size).toBe(6);
    for (const name of ['logits', 'logScales']) {
      expect(bijector.parameters[name]!.arraySync()).toEqual(Array(2).fill([0, 0, 0]));
    }
    randomizeParameters(bijector, { rng: createRng(2) });
    await checkBijector({ bijector, x: createRng(3).normal([4, 2]) });
  });

  test('takes parameters for each example, with gradients that a frozen call stops', () => {
    const [logits, means, logScales] = [1, 2, 3].map((seed) => createRng(seed).normal([4, 2, 3])) as [
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
    ];
    const x = createRng(4).normal([5, 4, 2]);
    const loss = (frozen: boolean) => (input: tf.Tensor, m: tf.Tensor) => {
      const given = { logits, means: m, logScales };
      const [y, logDet] = logisticMixtureCdf({ dim: 2, components: 3, given }).forwardAndLogDet(input, { frozen });
      expect([y.shape, logDet.shape]).toEqual([
        [5, 4, 2],
        [5, 4],
      ]);
      return tf.add(tf.sum(y), tf.sum(logDet)) as tf.Scalar;
    };
    const [inX, inMeans] = tf.grads(loss(false))([x, means]);
    expect(tf.min(tf.abs(inMeans!)).dataSync()[0]).toBeGreaterThan(0);
    const stopped = tf.grad((input) => loss(true)(input, means))(x);
    expect(stopped.arraySync()).toEqual(inX!.arraySync());
    expect(() => tf.grad((m) => loss(true)(tf.ones([5, 4, 2]), m))(means)).toThrow();
  });

  test('keeps the batch axes of given parameters apart, and makes one of many where they have none', async () => {
    const given = { logits: tf.zeros([4, 2, 1]), means: createRng(5).normal([4, 2, 1]), logScales: tf.zeros([4, 2, 1]) };
    const x = createRng(6).normal([2, 5, 4, 2]);
    const y = logisticMixtureCdf({ dim: 2, components: 1, given }).forward(x);
    const shifted = tf.sub(x, tf.squeeze(given.means, [2]));
    expect(tf.max(tf.abs(tf.sub(y, shifted))).dataSync()[0]).toBeLessThan(1e-5);
    const own = logisticMixtureCdf({ dim: 2, components: 3, rng: createRng(1) });
    const { kernels } = await tf.profile(() => own.forward(x));
    expect(Math.max(...kernels.map(({ inputShapes }) => Math.max(...inputShapes.map((shape) => shape?.length ?? 0))))).toBe(4);
  });

  test('takes the parameters of each example from its context', async () => {
    const bijector = logisticMixtureCdf({ dim: 2, components: 3, contextDim: 4, rng: createRng(1) });
    expect(Object.entries(bijector.parameters).map(([name, { shape }]) => [name, ...shape])).toEqual([
      ['kernel', 4, 18],
      ['bias', 18],
    ]);
    const means = createRng(1);
    means.normal([4, 18]);
    expect(Array.from(bijector.parameters.bias!.dataSync().slice(6, 12))).toEqual(Array.from(means.normal([6]).dataSync()));
    expect(() => bijector.forward(tf.zeros([5, 2]))).toThrow('logisticMixtureCdf.forward: options.context should be');
    randomizeParameters(bijector, { rng: createRng(2) });
    const rng = createRng(3);
    await checkBijector({ bijector, x: rng.normal([5, 2]), context: tf.mul(0.2, rng.normal([5, 4])) });
  });

  test('raises log-scales to the floor', () => {
    const given = { logits: tf.zeros([1, 1]), means: tf.zeros([1, 1]), logScales: tf.fill([1, 1], -9) };
    const logDet = (minLogScale?: number): number =>
      logisticMixtureCdf({ dim: 1, components: 1, given, ...(minLogScale === undefined ? {} : { minLogScale }) })
        .forwardAndLogDet(tf.ones([1]))[1]
        .dataSync()[0]!;
    expect([logDet(), logDet(-8), logDet(-20)]).toEqual([7, 8, 9]);
  });

  test.each([
    [{ dim: 0, components: 2 }, 'logisticMixtureCdf: options.dim'],
    [{ dim: 2, components: 0 }, 'logisticMixtureCdf: options.components'],
    [{ dim: 2, components: 2, minLogScale: Number.NaN }, 'logisticMixtureCdf: options.minLogScale'],
    [{ dim: 2, components: 2, given: { logits: 1 } }, 'logisticMixtureCdf: options.given.logits should be'],
    [{ dim: 2, components: 2, contextDim: 0 }, 'logisticMixtureCdf: options.contextDim'],
    [{ dim: 2, components: 2, width: 1 }, "logisticMixtureCdf: unknown option 'width'"],
  ])('refuses %j', (options, message) => {
    expect(() => logisticMixtureCdf(options as unknown as LogisticMixtureCdfOptions)).toThrow(message);
  });
});
