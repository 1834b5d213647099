import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { affine } from '../../test/setup/affineFlow.js';
import { diagNormal } from '../distributions/diagNormal.js';
import { flow } from '../distributions/flow.js';
import { standardNormal } from '../distributions/standardNormal.js';
import { negativeLogLikelihood } from './negativeLogLikelihood.js';

describe('negativeLogLikelihood', () => {
  it('is -log p(x) of the batch, with its gradients, and passes on what a call says', () => {
    const mean = tf.tensor1d([1, -2]);
    const loss = negativeLogLikelihood({ distribution: diagNormal({ mean, scale: 1 }) });
    const x = tf.tensor3d([[[1, -2]], [[2, 1]]]);
    expect(loss(x).shape).toEqual([2, 1]);
    expect(loss(x).dataSync()[0]).toBeCloseTo(Math.log(2 * Math.PI), 5);
    expect(loss(x).dataSync()[1]).toBeCloseTo(Math.log(2 * Math.PI) + 5, 5);
    expect([
      ...tf
        .grad((at: tf.Tensor) => tf.sum(loss(at)))(x)
        .dataSync(),
    ]).toEqual([0, 0, 1, 3]);
    const conditional = negativeLogLikelihood({
      distribution: flow({ base: standardNormal({ eventShape: [1] }), bijector: affine(1) }),
    });
    expect(conditional(tf.tensor1d([3]), { context: tf.tensor1d([3, 0]) }).dataSync()[0]).toBeCloseTo(
      0.5 * Math.log(2 * Math.PI),
      5,
    );
  });

  it('refuses what is wrong, by name, and leaves only its result', () => {
    expect(() => negativeLogLikelihood({ distribution: {} as never })).toThrow(
      'negativeLogLikelihood: options.distribution should be a distribution, but got {}.',
    );
    expect(() => negativeLogLikelihood({ model: 1 } as never)).toThrow("negativeLogLikelihood: unknown option 'model'");
    const loss = negativeLogLikelihood({ distribution: standardNormal({ eventShape: [2] }) });
    expect(() => loss(tf.zeros([2]), { contxt: 1 } as never)).toThrow("negativeLogLikelihood: unknown option 'contxt'");
    const x = tf.zeros([3, 2]);
    const before = tf.memory().numTensors;
    const value = loss(x);
    expect(tf.memory().numTensors).toBe(before + 1);
    value.dispose();
  });
});
