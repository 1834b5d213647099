import type { Tensor } from '@tensorflow/tfjs-core';
import type { CallOptions } from '../core/bijector.js';
import type { Distribution } from '../core/distribution.js';
import { invalid } from '../core/errors.js';
import { checkDistributionLike } from '../core/structural.js';

/**
 * p(x, z) = p(x | z) p(z) with an approximate posterior q(z | x): what the variational objectives and diagnostics take. `vae`
 * makes one; any object of this form will do.
 */
export interface LatentVariableModel {
  /** p(z). */
  readonly prior: Distribution;
  /** q(z | x): x [...batch, ...event] -> a batch of distributions over z. */
  posterior(x: Tensor, options?: CallOptions): Distribution;
  /** p(x | z): z [...batch, ...latent] -> a batch of distributions over x. */
  likelihood(z: Tensor, options?: CallOptions): Distribution;
}

/** Throws unless `model` has a prior, a posterior and a likelihood. */
export function checkModel(where: string, model: unknown): asserts model is LatentVariableModel {
  const candidate = model as Partial<LatentVariableModel> | null | undefined;
  if (typeof candidate?.posterior !== 'function' || typeof candidate.likelihood !== 'function') {
    throw invalid(where, 'options.model', 'a model with prior, posterior(x) and likelihood(z)', model);
  }
  checkDistributionLike(where, 'options.model.prior', candidate.prior);
}
