import type { Tensor } from '@tensorflow/tfjs-core';
import { add, exp, mean, mul, sub, sum, tidy } from '@tensorflow/tfjs-core';
import { checkCall, checkOptions } from '../core/errors.js';
import type { ObjectiveOptions, ObjectiveWithTerms } from '../core/objective.js';
import { createRng } from '../core/rng.js';
import { untaped } from '../core/stopGradient.js';
import type { VariationalOptions } from './draws.js';
import { checkVariational, likelihoodOf, objectiveOf } from './draws.js';
import type { GradientEstimator, GradientOptions } from './gradientEstimators.js';
import { checkGradient, drawFrom, normalisedWeights, scaleGradient, withGradientOf } from './gradientEstimators.js';
import { logMeanExp } from './logMeanExp.js';

/**
 * Estimators of the gradient of an importance-weighted bound, beyond those of `GradientEstimator`.
 *
 * 'doublyReparameterised' weights the path of draw s with the square of its normalised weight. It is unbiased, and its
 * signal-to-noise ratio does not fall with the number of draws, as that of 'reparameterised' does. 'path' is the same without an
 * inverse of q. 'stickingTheLanding' is biased for more than one draw, and here for comparison.
 */
export type IwaeGradientEstimator = GradientEstimator | 'doublyReparameterised';

/** What `iwae` takes. */
export interface IwaeOptions extends VariationalOptions, GradientOptions<IwaeGradientEstimator> {}

/** What an importance-weighted bound tells, each [...batch]. */
export type IwaeTerms = {
  /** log 1/S sum_s w_s, in nats. */
  readonly value: Tensor;
  /** 1/S sum_s log w_s, in nats: the ELBO of the same draws, never above the value. */
  readonly elbo: Tensor;
  /** (sum_s w_s)^2 / sum_s w_s^2, from 1 (one draw has all the weight) to S. */
  readonly effectiveSampleSize: Tensor;
};

/** What `iwae` makes. */
export interface Iwae extends ObjectiveWithTerms<IwaeTerms> {
  /** log w_s of every draw, [S, ...batch], in nats; its gradient is that of the formula, or sticks the landing. */
  logWeights(x: Tensor, options?: ObjectiveOptions): Tensor;
}

/**
 * The importance-weighted bound, log 1/S sum_s w_s with log w_s = log p(x | z_s) + log p(z_s) - log q(z_s | x) and S draws
 * z_s ~ q(z | x). In expectation it lies between the ELBO (S = 1) and log p(x), and grows with S.
 *
 * `gradient` says how the parameters of q get theirs; those of decoder and prior have sum_s w~_s d log w_s, w~ the normalised
 * weights, whatever it says. 'reparameterised' (default): the formula's. 'doublyReparameterised': sum_s w~_s^2 (d log w_s / dz)
 * dz/dparameters, for one more evaluation of decoder and prior; the other terms have no gradient then. 'path': the same without
 * an inverse of q. 'stickingTheLanding': with w~_s in place of its square, which is biased for S > 1.
 *
 * Shapes: x [...batch, ...event] -> [...batch], nats; `logWeights` [S, ...batch]; memory grows with S.
 *
 * @throws for an unknown option, a model without prior, posterior and likelihood, samples below 1, an unknown estimator; at a call
 * for whatever the model refuses.
 * Source: Burda, Grosse and Salakhutdinov 2016, "Importance weighted autoencoders", equation 8; Tucker, Lawson, Gu and Maddison
 * 2018, "Doubly reparameterized gradient estimators for Monte Carlo objectives", equation 8; Rainforth et al. 2018, "Tighter
 * variational bounds are not necessarily better".
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
export function iwae(options: IwaeOptions): Iwae {
  checkOptions('iwae', options, ['model', 'samples', 'gradient', 'pathIterations']);
  checkVariational('iwae', options);
  checkGradient('iwae', options, ['reparameterised', 'stickingTheLanding', 'doublyReparameterised', 'path']);
  const { model, samples = 1, gradient } = options;
  const isDouble = gradient === 'doublyReparameterised' || gradient === 'path';

  const draw = (x: Tensor, { rng = createRng(), ...call }: ObjectiveOptions) => {
    const at = { ...call, rng };
    const drawn = drawFrom('iwae', model.posterior(x, at), { shape: [samples], rng }, options);
    const joint = (z: Tensor): Tensor => add(likelihoodOf(model, z, x, at), model.prior.logProb(z, at));
    return { ...drawn, joint, rng };
  };
  const direct = (x: Tensor, call: ObjectiveOptions): Tensor => {
    const { z, density, joint } = draw(x, call);
    return sub(joint(z), density(z));
  };
  /** The log-weights as constants, and the value with its gradient. */
  const doubly = (x: Tensor, call: ObjectiveOptions): [logWeights: Tensor, value: Tensor] => {
    const { z, logProb, density, joint, rng } = draw(x, call);
    const state = rng.save();
    const logWeights = untaped(() => sub(joint(z), logProb));
    // Whatever decoder and prior draw themselves is the same in the pass for the gradient.
    rng.restore(state);
    const weights = normalisedWeights(logWeights);
    const slowed = scaleGradient(z, weights);
    const surrogate = sum(mul(weights, sub(joint(slowed), density(slowed))), 0);
    return [logWeights, withGradientOf(logMeanExp(logWeights), surrogate)];
  };

  const objective = objectiveOf('iwae', (x, call) => {
    const [logWeights, differentiable] = isDouble ? doubly(x, call) : [direct(x, call)];
    const value = differentiable ?? logMeanExp(logWeights);
    const concentration = sub(mul(value, 2), logMeanExp(mul(logWeights, 2)));
    return { value, elbo: mean(logWeights, 0), effectiveSampleSize: mul(exp(concentration), samples) };
  });
  return Object.assign(objective, {
    logWeights: (x: Tensor, call: ObjectiveOptions = {}) => {
      checkCall('iwae.logWeights', call);
      return tidy(() => direct(x, call));
    },
  });
}
