import type { Tensor } from '@tensorflow/tfjs-core';
import { neg, tidy } from '@tensorflow/tfjs-core';
import type { Distribution } from '../core/distribution.js';
import { checkCall, checkOptions } from '../core/errors.js';
import type { Objective, ObjectiveOptions } from '../core/objective.js';
import { checkDistributionLike } from '../core/structural.js';

/** What `negativeLogLikelihood` takes. */
export interface NegativeLogLikelihoodOptions {
  readonly distribution: Distribution;
}

/**
 * -log p(x): unlike the other objectives to be minimised, as it stands, by `fit`. Its mean over data is the forward KL divergence
 * from the data to p, but for a constant.
 *
 * Shapes: x [...batch, ...event] -> [...batch], nats.
 *
 * @throws for an unknown option or what is no distribution, and at a call for whatever the distribution refuses.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { createRng, diagNormal, negativeLogLikelihood } from 'tfjs-flows';
 * import { adam, fit } from 'tfjs-flows/training';
 *
 * const rng = createRng(0);
 * const data = tf.add(rng.normal([200, 1]), 3);
 * const distribution = diagNormal({ eventShape: [1], trainable: true });
 * const loss = negativeLogLikelihood({ distribution });
 * await fit({ model: distribution, data, loss, steps: 200, rng, optimizer: adam({ learningRate: 0.05 }) });
 * console.log(distribution.parameters.mean!.dataSync()[0]!.toFixed(0)); // => 3
 * ```
 */
export function negativeLogLikelihood(options: NegativeLogLikelihoodOptions): Objective {
  checkOptions('negativeLogLikelihood', options, ['distribution']);
  const { distribution } = options;
  checkDistributionLike('negativeLogLikelihood', 'options.distribution', distribution);
  return (x: Tensor, call: ObjectiveOptions = {}) => {
    checkCall('negativeLogLikelihood', call);
    return tidy(() => neg(distribution.logProb(x, call)));
  };
}
