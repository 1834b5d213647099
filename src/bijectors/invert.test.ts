import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import type { Bijector } from '../core/bijector.js';
import { defineBijector } from '../core/bijector.js';
import { createRng } from '../core/rng.js';
import { checkBijector, randomizeParameters } from '../testing/index.js';
import { invert } from './invert.js';
import { planar } from './planar.js';

describe('invert', () => {
  it('swaps directions, log-dets, costs and ranks', async () => {
    const given = planar({ dim: 2, rng: createRng(1) });
    randomizeParameters(given, { rng: createRng(2) });
    const bijector = invert(given);
    const x = createRng(3).normal([5, 2]);
    const [y, logDet] = bijector.forwardAndLogDet(x);
    const [expected, expectedLogDet] = given.inverseAndLogDet(x);
    expect(y.arraySync()).toEqual(expected.arraySync());
    expect(logDet.arraySync()).toEqual(expectedLogDet.arraySync());
    expect(bijector.forward(x).arraySync()).toEqual(given.inverse(x).arraySync());
    expect(bijector.inverse(x).arraySync()).toEqual(given.forward(x).arraySync());
    expect([bijector.forwardCost, bijector.inverseCost]).toEqual(['iterative', 'parallel']);
    expect(bijector.name).toBe('invert(planar)');
    await checkBijector({ bijector, x });

    const fold = defineBijector({
      name: 'fold',
      forwardEvent: [4],
      inverseEvent: [2, 2],
      forwardAndLogDet: (v) => [tf.reshape(v, [...v.shape.slice(0, -1), 2, 2]), tf.zeros(v.shape.slice(0, -1))],
      inverseAndLogDet: (v) => [tf.reshape(v, [...v.shape.slice(0, -2), 4]), tf.zeros(v.shape.slice(0, -2))],
    });
    expect([invert(fold).forwardEventRank, invert(fold).inverseEventRank]).toEqual([2, 1]);
  });

  it('passes the context on and keeps the names of parameters', async () => {
    const bijector = invert(planar({ dim: 2, contextDim: 3, rng: createRng(1) }));
    expect(Object.keys(bijector.parameters)).toEqual(['kernel', 'bias']);
    await checkBijector({ bijector, x: createRng(2).normal([4, 2]), context: createRng(3).normal([4, 3]) });
  });

  it('frees the given bijector, and has no initialisation', () => {
    const before = tf.memory().numTensors;
    const bijector = invert({ ...planar({ dim: 2 }), initialize: () => {} });
    expect('initialize' in bijector).toBe(false);
    bijector.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses what is no bijector', () => {
    expect(() => invert(3 as unknown as Bijector)).toThrow('invert: bijector should be a bijector, but got 3.');
    expect(() => invert(null as unknown as Bijector)).toThrow('invert: bijector should be a bijector');
  });
});
