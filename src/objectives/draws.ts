import type { Tensor } from '@tensorflow/tfjs-core';
import { sub, tidy } from '@tensorflow/tfjs-core';
import type { Distribution } from '../core/distribution.js';
import { checkCall, checkInteger, invalid } from '../core/errors.js';
import type { ObjectiveOptions, ObjectiveWithTerms } from '../core/objective.js';
import { repeat } from '../core/repeat.js';
import { createRng } from '../core/rng.js';
import { withShape } from '../core/withShape.js';
import { analyticKl } from './analyticKl.js';
import type { GradientOptions } from './gradientEstimators.js';
import { checkGradient, drawFrom } from './gradientEstimators.js';
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

/** What bounds with a KL term take. */
export interface KlOptions extends VariationalOptions, GradientOptions {
  /**
   * The KL term: 'auto' (default) by formula where `klDivergence` has one, from the draws otherwise; 'analytic' by formula, an
   * error where there is none; 'monteCarlo' always 1/S sum_s (log q(z_s | x) - log p(z_s)). A gradient other than
   * 'reparameterised' is one of the draws' log q, so that 'auto' is then 'monteCarlo'.
   */
  readonly kl?: KlEstimator;
}

/** The names of what `KlOptions` has. */
export const KL_OPTIONS = ['model', 'samples', 'kl', 'gradient', 'pathIterations'] as const;

/** Throws for a model and samples that are none. */
export function checkVariational(where: string, { model, samples = 1 }: VariationalOptions): void {
  checkModel(where, model);
  checkInteger(where, 'options.samples', samples, 1);
}

/** Throws for a kl or gradient that is none, or both where they do not go together. */
export function checkKl(where: string, options: KlOptions): void {
  checkVariational(where, options);
  const { kl = 'auto', gradient = 'reparameterised' } = options;
  if (kl !== 'auto' && kl !== 'analytic' && kl !== 'monteCarlo') {
    throw invalid(where, 'options.kl', "'auto', 'analytic' or 'monteCarlo'", kl);
  }
  checkGradient(where, options, ['reparameterised', 'stickingTheLanding', 'path']);
  if (kl === 'analytic' && gradient !== 'reparameterised') {
    throw invalid(where, 'options.gradient', "'reparameterised' where kl is 'analytic'", gradient);
  }
}

/** What the variational objectives are averages of. */
export interface Draws {
  /** q(z | x). */
  readonly posterior: Distribution;
  /** z_s, [S, ...batch, ...event]. */
  readonly z: Tensor;
  /** log p(x | z_s), [S, ...batch]. */
  readonly logLikelihood: Tensor;
  /** log q(z_s | x) - log p(z_s), [S, ...batch]; or KL(q(z | x) || p(z)), [1, ...batch], where it was asked for and has a formula. */
  readonly kl: Tensor;
}

/** Draws z_1 ... z_S from q(z | x) and evaluates what every objective with a KL term needs: once, here. */
export function draw(where: string, options: KlOptions, x: Tensor, call: ObjectiveOptions): Draws {
  const { model, samples = 1, kl: estimator = 'auto', gradient = 'reparameterised' } = options;
  const { rng = createRng(), ...rest } = call;
  const at = { ...rest, rng };
  const posterior = model.posterior(x, at);
  // A single draw has no axis of its own on the way, so that networks and flows see no more axes than they have to.
  const isSingle = samples === 1;
  const sampling = { shape: isSingle ? [] : [samples], rng };
  const drawsOf = (result: Tensor): Tensor => (isSingle ? withShape(result, [1, ...result.shape]) : result);
  const likelihood = (z: Tensor): Tensor => drawsOf(likelihoodOf(model, z, x, at, isSingle));
  const byFormula = estimator !== 'monteCarlo' && gradient === 'reparameterised';
  const analytic = byFormula ? analyticKl(posterior, model.prior, estimator, at) : undefined;
  if (analytic !== undefined) {
    const z = posterior.sample(sampling);
    return { posterior, z: drawsOf(z), logLikelihood: likelihood(z), kl: analytic };
  }
  const { z, density } = drawFrom(where, posterior, sampling, options);
  const kl = sub(density(z), model.prior.logProb(z, at));
  return { posterior, z: drawsOf(z), logLikelihood: likelihood(z), kl: drawsOf(kl) };
}

/** log p(x | z), [S, ...batch], of draws z [S, ...batch, ...event]; without S where it is a single one. */
export function likelihoodOf(
  model: LatentVariableModel,
  z: Tensor,
  x: Tensor,
  options: ObjectiveOptions,
  isSingle = false,
): Tensor {
  // Without the call's options: a frozen call freezes the decoder, but not the likelihood that was built from z.
  return model.likelihood(z, options).logProb(isSingle ? x : repeat(x, z.shape[0] as number));
}

/** An objective from the function that computes its terms, `value` among them. Checks the options of a call. */
export function objectiveOf<Terms extends Record<string, Tensor> & { value: Tensor }>(
  where: string,
  terms: (x: Tensor, call: ObjectiveOptions) => Terms,
): ObjectiveWithTerms<Terms> {
  const checked = (x: Tensor, call: ObjectiveOptions): Terms => {
    checkCall(where, call);
    return terms(x, call);
  };
  return Object.assign((x: Tensor, call: ObjectiveOptions = {}) => tidy(() => checked(x, call).value), {
    terms: (x: Tensor, call: ObjectiveOptions = {}) => tidy(() => checked(x, call)),
  });
}
