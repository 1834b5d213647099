import type { Tensor } from '@tensorflow/tfjs-core';
import { abs, add, mean, mul, sub, tidy, zerosLike } from '@tensorflow/tfjs-core';
import { checkCall, checkOptions } from '../core/errors.js';
import type { ObjectiveOptions, ObjectiveWithTerms } from '../core/objective.js';
import type { KlOptions } from './draws.js';
import { checkKl, draw, KL_OPTIONS, objectiveOf } from './draws.js';
import type { Scheduled } from './scheduled.js';
import { scheduled } from './scheduled.js';

/** What `betaElbo` takes. */
export interface BetaElboOptions extends KlOptions {
  /**
   * The weight of the KL term, at least 0; or a function that is asked for it at every call, and is given the call's `step`: any
   * schedule of `tfjs-flows/training`, say.
   */
  readonly beta: Scheduled;
  /**
   * C, in nats, at least 0, or a function as for beta. The KL term is then beta |KL - C|, with the KL averaged over the batch.
   * Default: none.
   */
  readonly capacity?: Scheduled;
}

/** What an ELBO is made of, each [...batch], in nats. */
export type ElboTerms = {
  /** reconstruction - kl, the latter as the objective weighs it. */
  readonly value: Tensor;
  /** 1/S sum_s log p(x | z_s). */
  readonly reconstruction: Tensor;
  /** KL(q(z | x) || p(z)), or its estimate from the draws. */
  readonly kl: Tensor;
};

/** An ELBO of any weight. */
export interface ElboObjective extends ObjectiveWithTerms<ElboTerms> {
  /** The terms of every draw by itself, each [S, ...batch]; a KL by formula is the same for all. */
  perDraw(x: Tensor, options?: ObjectiveOptions): ElboTerms;
}

/**
 * The beta-ELBO, E_q log p(x | z) - beta KL(q(z | x) || p(z)): `elbo` with a weight on the KL term, or, with a `capacity` C,
 *
 *   E_q log p(x | z) - beta |mean KL(q(z | x) || p(z)) - C|,
 *
 * where the mean over all batch axes makes the second term the same for each example, so that the mean of the result is what one
 * maximises. It is a lower bound of log p(x) for beta of at least 1 and no capacity only. Everything else is as in `elbo`: draws,
 * KL, gradients, shapes, terms.
 *
 * Schedules are functions of the step, from 1: `warmupSchedule({ steps, then: 1 })`, `cyclicalSchedule`, `linearSchedule` of
 * `tfjs-flows/training`. `fit` hands the step to its loss; pass it on, as `objective(x, call)`.
 *
 * @throws for a beta or capacity that is negative or no number (when it is made, or at the call where it is a function), a call
 * without `step` where it is a function of that, and as `elbo`.
 * Source: Higgins et al. 2017, "beta-VAE: learning basic visual concepts with a constrained variational framework"; Burgess et al.
 * 2018, "Understanding disentangling in beta-VAE", equation 8, for the capacity.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { betaElbo, createRng, mlp, vae } from 'tfjs-flows';
 * import { warmupSchedule } from 'tfjs-flows/training';
 *
 * const rng = createRng(0);
 * const model = vae({
 *   encoder: mlp({ inputDim: 6, hidden: [8], outputDim: 4, rng }),
 *   decoder: mlp({ inputDim: 2, hidden: [8], outputDim: 6, rng }),
 * });
 * const objective = betaElbo({ model, beta: warmupSchedule({ steps: 1000, then: 1 }) });
 * const { value, reconstruction, kl } = objective.terms(tf.ones([3, 6]), { rng, step: 250 });
 * const weighted = tf.sub(reconstruction, tf.mul(kl, 0.25));
 * console.log(tf.max(tf.abs(tf.sub(value, weighted))).dataSync()[0]! < 1e-6); // => true
 * ```
 */
export function betaElbo(options: BetaElboOptions): ElboObjective {
  checkOptions('betaElbo', options, [...KL_OPTIONS, 'beta', 'capacity']);
  const beta = scheduled('betaElbo', 'beta', options.beta);
  if (options.capacity === undefined) {
    return penalisedElbo('betaElbo', options, (kl, step) => mul(kl, beta(step)));
  }
  const capacity = scheduled('betaElbo', 'capacity', options.capacity);
  return penalisedElbo('betaElbo', options, (kl, step) => mul(abs(sub(mean(kl), capacity(step))), beta(step)));
}

/** `elbo` and `betaElbo`: the same but for what they make of the KL term, which has to broadcast with it. */
export function penalisedElbo(
  where: string,
  options: KlOptions,
  penalty: (kl: Tensor, step: number | undefined) => Tensor,
): ElboObjective {
  checkKl(where, options);
  const termsOf = (reconstruction: Tensor, kl: Tensor, { step }: ObjectiveOptions): ElboTerms => ({
    value: sub(reconstruction, penalty(kl, step)),
    reconstruction,
    kl,
  });
  const objective = objectiveOf(where, (x, call) => {
    const { logLikelihood, kl } = draw(where, options, x, call);
    return termsOf(mean(logLikelihood, 0), mean(kl, 0), call);
  });
  return Object.assign(objective, {
    perDraw: (x: Tensor, call: ObjectiveOptions = {}) => {
      checkCall(`${where}.perDraw`, call);
      return tidy(() => {
        const { logLikelihood, kl } = draw(where, options, x, call);
        return termsOf(logLikelihood, add(kl, zerosLike(logLikelihood)), call);
      });
    },
  });
}
