import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { createRng } from '../core/rng.js';
import { checkBijector } from '../testing/index.js';
import { identityBijector } from './identityBijector.js';

describe('identityBijector', () => {
  it('is the identity with a log-det of the batch shape', async () => {
    for (const [eventRank, shape] of [
      [0, [3]],
      [1, [1, 3]],
      [2, [2, 3, 2, 2]],
    ] as const) {
      const bijector = identityBijector({ eventRank });
      const x = createRng(1).normal(shape);
      const [y, logDet] = bijector.forwardAndLogDet(x);
      expect(y.arraySync()).toEqual(x.arraySync());
      expect(y.id).not.toBe(x.id);
      expect(logDet.shape).toEqual(shape.slice(0, shape.length - eventRank));
      await checkBijector({ bijector, x });
    }
    expect(identityBijector().forwardEventRank).toBe(0);
  });

  it('names what is wrong', () => {
    expect(() => identityBijector({ eventRank: -1 })).toThrow(
      'identityBijector: options.eventRank should be an integer of at least 0',
    );
    expect(() => identityBijector({ rank: 1 } as object)).toThrow("identityBijector: unknown option 'rank'");
    expect(() => identityBijector({ eventRank: 2 }).inverse(tf.ones([3]))).toThrow('identityBijector.inverse: y should be');
  });
});
