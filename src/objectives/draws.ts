import type { Tensor } from '@tensorflow/tfjs-core';
import { broadcastTo, sub, tidy } from '@tensorflow/tfjs-core';
import type { CallOptions } from '../core/bijector.js';
import { checkInteger, invalid } from '../core/errors.js';
import type { ObjectiveWithTerms } from '../core/objective.js';
import { createRng } from '../core/rng.js';
import { analyticKl } from './analyticKl.js';
import type { LatentVariableModel } from './latentVariableModel.js';
import { checkModel } from './latentVariableModel.js';

/** What all variational objectives take. */
export interface VariationalOptions {
  /** What `vae` makes, or any object with prior, posterior(x) and likelihood(z). */
  readonly model: LatentVariableModel;
  /** Draws of z an example, S. Default 1. */
  readonly samples?: number;
}

/** How a KL term is had: by formula where there is one, by formula or not at all, or from the draws. */
export type KlEstimator = 'auto' | 'analytic' | 'monteCarlo';

/** Throws for a model, samples or kl that are none. */
export function checkVariational(
  where: string,
  { model, samples = 1, kl = 'auto' }: VariationalOptions & { kl?: KlEstimator },
): void {
  checkModel(where, model);
  checkInteger(where, 'options.samples', samples, 1);
  if (kl !== 'auto' && kl !== 'analytic' && kl !== 'monteCarlo') {
    throw invalid(where, 'options.kl', "'auto', 'analytic' or 'monteCarlo'", kl);
  }
}

/** What the variational objectives are averages of. */
export interface Draws {
  /** log p(x | z_s), [S, ...batch]. */
  readonly logLikelihood: Tensor;
  /** log q(z_s | x) - log p(z_s), [S, ...batch]; or KL(q(z | x) || p(z)), [1, ...batch], where it was asked for and has a formula. */
  readonly kl: Tensor;
}

/** Draws z_1 ... z_S from q(z | x) and evaluates what every objective needs: once, here. */
export function draw({ model, samples = 1 }: VariationalOptions, kl: KlEstimator, x: Tensor, call: CallOptions): Draws {
  const options = { ...call, rng: call.rng ?? createRng() };
  const posterior = model.posterior(x, options);
  const analytic = kl === 'monteCarlo' ? undefined : analyticKl(posterior, model.prior, kl, options);
  const sampling = { shape: [samples], rng: options.rng };
  if (analytic !== undefined) {
    return { logLikelihood: likelihoodOf(model, posterior.sample(sampling), x, options), kl: analytic };
  }
  const [z, logPosterior] = posterior.sampleAndLogProb(sampling);
  return {
    logLikelihood: likelihoodOf(model, z, x, options),
    kl: sub(logPosterior, model.prior.logProb(z, options)),
  };
}

function likelihoodOf(model: LatentVariableModel, z: Tensor, x: Tensor, options: CallOptions): Tensor {
  // Without the call's options: a frozen call freezes the decoder, but not the likelihood that was built from z.
  return model.likelihood(z, options).logProb(broadcastTo(x, [z.shape[0] as number, ...x.shape]));
}

/** An objective from the function that computes its terms, `value` among them. */
export function objectiveOf<Terms extends Record<string, Tensor> & { value: Tensor }>(
  terms: (x: Tensor, call: CallOptions) => Terms,
): ObjectiveWithTerms<Terms> {
  return Object.assign((x: Tensor, call: CallOptions = {}) => tidy(() => terms(x, call).value), {
    terms: (x: Tensor, call: CallOptions = {}) => tidy(() => terms(x, call)),
  });
}
