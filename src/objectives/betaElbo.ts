import type { Tensor } from '@tensorflow/tfjs-core';
import { mean, mul, sub } from '@tensorflow/tfjs-core';
import { checkNumber, checkOptions } from '../core/errors.js';
import type { ObjectiveWithTerms } from '../core/objective.js';
import type { KlEstimator, VariationalOptions } from './draws.js';
import { checkVariational, draw, objectiveOf } from './draws.js';

/** What `betaElbo` takes. */
export interface BetaElboOptions extends VariationalOptions {
  /** The weight of the KL term, at least 0; or a function that is asked for it at every call, for a warm-up. */
  readonly beta: number | (() => number);
  /** As for `elbo`. Default 'auto'. */
  readonly kl?: KlEstimator;
}

/** What an ELBO is made of, each [...batch], in nats. */
export type ElboTerms = {
  /** reconstruction - beta kl. */
  readonly value: Tensor;
  /** 1/S sum_s log p(x | z_s). */
  readonly reconstruction: Tensor;
  /** KL(q(z | x) || p(z)), or its estimate from the draws. */
  readonly kl: Tensor;
};

/**
 * The beta-ELBO, E_q log p(x | z) - beta KL(q(z | x) || p(z)): `elbo` with a weight on the KL term.
 *
 * It is a lower bound of log p(x) for beta of at least 1 only. Everything else is as in `elbo`: draws, KL, shapes, terms.
 *
 * @throws for a beta that is negative or no number (when it is made, or at the call where `beta` is a function), and as `elbo`.
 * Source: Higgins et al. 2017, "beta-VAE: learning basic visual concepts with a constrained variational framework".
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { betaElbo, createRng, mlp, vae } from 'tfjs-flows';
 *
 * const rng = createRng(0);
 * const model = vae({
 *   encoder: mlp({ inputDim: 6, hidden: [8], outputDim: 4, rng }),
 *   decoder: mlp({ inputDim: 2, hidden: [8], outputDim: 6, rng }),
 * });
 * let step = 0;
 * const objective = betaElbo({ model, beta: () => Math.min(1, step / 1000) }); // warms up over 1000 steps
 * const { value, reconstruction } = objective.terms(tf.ones([3, 6]), { rng });
 * console.log(tf.max(tf.abs(tf.sub(value, reconstruction))).dataSync()[0]); // => 0
 * step += 1;
 * ```
 */
export function betaElbo(options: BetaElboOptions): ObjectiveWithTerms<ElboTerms> {
  checkOptions('betaElbo', options, ['model', 'beta', 'samples', 'kl']);
  const { beta } = options;
  const weight = (): number => {
    const value = typeof beta === 'function' ? beta() : beta;
    checkNumber('betaElbo', 'options.beta', value, { least: 0 });
    return value;
  };
  if (typeof beta !== 'function') {
    weight();
  }
  return weightedElbo('betaElbo', options, weight);
}

/** `elbo` and `betaElbo`: the same but for the weight. */
export function weightedElbo(
  where: string,
  options: VariationalOptions & { readonly kl?: KlEstimator },
  beta: () => number,
): ObjectiveWithTerms<ElboTerms> {
  checkVariational(where, options);
  return objectiveOf((x, call) => {
    const draws = draw(options, options.kl ?? 'auto', x, call);
    const reconstruction = mean(draws.logLikelihood, 0);
    const kl = mean(draws.kl, 0);
    return { value: sub(reconstruction, mul(kl, beta())), reconstruction, kl };
  });
}
