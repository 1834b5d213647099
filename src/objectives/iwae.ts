import type { Tensor } from '@tensorflow/tfjs-core';
import { exp, mean, mul, sub } from '@tensorflow/tfjs-core';
import { checkOptions } from '../core/errors.js';
import type { ObjectiveWithTerms } from '../core/objective.js';
import type { VariationalOptions } from './draws.js';
import { checkVariational, draw, objectiveOf } from './draws.js';
import { logMeanExp } from './logMeanExp.js';

/** What an importance-weighted bound tells, each [...batch]. */
export type IwaeTerms = {
  /** log 1/S sum_s w_s, in nats. */
  readonly value: Tensor;
  /** 1/S sum_s log w_s, in nats: the ELBO of the same draws, never above the value. */
  readonly elbo: Tensor;
  /** (sum_s w_s)^2 / sum_s w_s^2, from 1 (one draw has all the weight) to S. */
  readonly effectiveSampleSize: Tensor;
};

/**
 * The importance-weighted bound, log 1/S sum_s w_s with log w_s = log p(x | z_s) + log p(z_s) - log q(z_s | x) and S draws
 * z_s ~ q(z | x). In expectation it lies between the ELBO (S = 1) and log p(x), and grows with S.
 *
 * Shapes: x [...batch, ...event] -> [...batch], nats; memory grows with S. Its gradient is that of the formula, through
 * everything.
 *
 * @throws for an unknown option, a model without prior, posterior and likelihood, samples below 1; at a call for whatever
 * the model refuses.
 * Source: Burda, Grosse and Salakhutdinov 2016, "Importance weighted autoencoders", equation 8.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { createRng, diagNormal, iwae, standardNormal } from 'tfjs-flows';
 *
 * // z ~ N(0, 1), x ~ N(z, 1), hence x ~ N(0, 2); the posterior N(x / 2, 1 / 2) is given too wide.
 * const model = {
 *   prior: standardNormal({ eventShape: [1] }),
 *   posterior: (x: tf.Tensor) => diagNormal({ mean: tf.mul(x, 0.5), scale: tf.ones(x.shape) }),
 *   likelihood: (z: tf.Tensor) => diagNormal({ mean: z, scale: tf.ones(z.shape) }),
 * };
 * const bound = iwae({ model, samples: 5000 })(tf.tensor2d([[1]]), { rng: createRng(0) });
 * console.log(bound.dataSync()[0]!.toFixed(1), (-0.25 - 0.5 * Math.log(4 * Math.PI)).toFixed(1)); // => -1.5 -1.5
 * ```
 */
export function iwae(options: VariationalOptions): ObjectiveWithTerms<IwaeTerms> {
  checkOptions('iwae', options, ['model', 'samples']);
  checkVariational('iwae', options);
  const { samples = 1 } = options;
  return objectiveOf((x, call) => {
    const { logLikelihood, kl } = draw(options, 'monteCarlo', x, call);
    const logWeights = sub(logLikelihood, kl);
    const value = logMeanExp(logWeights);
    const concentration = sub(mul(value, 2), logMeanExp(mul(logWeights, 2)));
    return { value, elbo: mean(logWeights, 0), effectiveSampleSize: mul(exp(concentration), samples) };
  });
}
