import type { Tensor } from '@tensorflow/tfjs-core';
import { add, mean, mul, reshape, squeeze, stack, sub, sum } from '@tensorflow/tfjs-core';
import { checkChoice } from '../core/checkChoice.js';
import { checkInteger, checkOptions } from '../core/errors.js';
import type { ObjectiveWithTerms } from '../core/objective.js';
import { createRng } from '../core/rng.js';
import { diagNormal } from '../distributions/diagNormal.js';
import { splitRows } from '../kernels/splitRows/splitRows.js';
import type { ElboTerms } from './betaElbo.js';
import type { VariationalOptions } from './draws.js';
import { checkVariational, likelihoodOf, objectiveOf } from './draws.js';
import { minibatchNormals, minibatchOf } from './minibatch.js';
import type { MinibatchEstimator } from './minibatchAggregate.js';
import { MINIBATCH_ESTIMATORS, minibatchAggregate } from './minibatchAggregate.js';
import type { Scheduled } from './scheduled.js';
import { scheduled } from './scheduled.js';

/** What `betaTcVae` takes. The weights are numbers of at least 0, or functions of the call's `step`, as in `betaElbo`. */
export interface BetaTcVaeOptions extends VariationalOptions {
  /** N: how many data points there are in all. */
  readonly dataCount: number;
  /** The weight of the total correlation. */
  readonly beta: Scheduled;
  /** The weight of the mutual information. Default 1. */
  readonly alpha?: Scheduled;
  /** The weight of the dimension-wise KL. Default 1. */
  readonly gamma?: Scheduled;
  /** How a minibatch stands for all data; both ways are biased. Default 'stratified'. */
  readonly estimator?: MinibatchEstimator;
}

/** What it is made of, each [...batch], in nats. */
export type BetaTcVaeTerms = ElboTerms & {
  /** log q(z | x) - log q(z), averaged over the draws. */
  readonly mutualInformation: Tensor;
  /** log q(z) - sum_d log q(z_d). */
  readonly totalCorrelation: Tensor;
  /** sum_d log q(z_d) - log p(z). */
  readonly dimensionWiseKl: Tensor;
};

/**
 * beta-TCVAE: the ELBO with its KL term in three parts, each with a weight,
 *
 *   E_q log p(x | z) - alpha I_q[x; z] - beta KL(q(z) || prod_d q(z_d)) - gamma sum_d KL(q(z_d) || p(z_d)),
 *
 * so that total correlation can be penalised without the mutual information. q(z) and q(z_d) are those of `minibatchAggregate`: the
 * B examples of the call stand for the N data points. **The three terms are biased**; they add up to the `kl` of the draws all the
 * same, so that weights of 1 give `elbo` with kl: 'monteCarlo' to the last bit. To report them take `totalCorrelation`.
 *
 * Shapes: x [...batch, ...event] -> [...batch], nats, B the product of all batch axes; `terms` gives all of them. Cost B^2 S D.
 *
 * @throws for an unknown option, weights below 0, an estimator that is none; at a call for posteriors that are not independent
 * normals, B above N, and B = 1 unless the estimator is 'weighted': `fit` gives a last batch of one where that is what is left.
 * Source: Chen et al. 2018, "Isolating sources of disentanglement in VAEs", equation 4.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { betaTcVae, createRng, mlp, vae } from 'tfjs-flows';
 *
 * const rng = createRng(0);
 * const model = vae({
 *   encoder: mlp({ inputDim: 6, hidden: [8], outputDim: 4, rng }),
 *   decoder: mlp({ inputDim: 2, hidden: [8], outputDim: 6, rng }),
 * });
 * const x = rng.uniform([16, 6]);
 * const objective = betaTcVae({ model, dataCount: 1000, beta: 6 });
 * const { value, reconstruction, kl, totalCorrelation } = objective.terms(x, { rng });
 * const expected = tf.sub(tf.sub(reconstruction, kl), tf.mul(totalCorrelation, 5));
 * console.log(tf.max(tf.abs(tf.sub(value, expected))).dataSync()[0]! < 1e-5); // => true
 * ```
 */
export function betaTcVae(options: BetaTcVaeOptions): ObjectiveWithTerms<BetaTcVaeTerms> {
  const where = 'betaTcVae';
  checkOptions(where, options, ['model', 'samples', 'dataCount', 'alpha', 'beta', 'gamma', 'estimator']);
  checkVariational(where, options);
  const { model, samples = 1, dataCount, estimator = 'stratified' } = options;
  checkInteger(where, 'options.dataCount', dataCount, 1);
  checkChoice(where, 'options.estimator', estimator, MINIBATCH_ESTIMATORS);
  const alpha = scheduled(where, 'alpha', options.alpha ?? 1);
  const beta = scheduled(where, 'beta', options.beta);
  const gamma = scheduled(where, 'gamma', options.gamma ?? 1);

  return objectiveOf(where, (x, { rng = createRng(), ...call }) => {
    const at = { ...call, rng };
    const posterior = model.posterior(x, at);
    const [z, logPosterior] = posterior.sampleAndLogProb({ shape: [samples], rng });
    const logPrior = model.prior.logProb(z, at);
    const reconstruction = mean(likelihoodOf(model, z, x, at), 0);
    const kl = mean(sub(logPosterior, logPrior), 0);

    const minibatch = minibatchOf(where, x, z, model.prior.eventShape, estimator === 'stratified' ? 2 : 1);
    checkInteger(where, 'options.dataCount', dataCount, minibatch.size);
    const normals = diagNormal({ ...minibatchNormals(where, posterior, z, minibatch) });
    const aggregates = splitRows(minibatch.z, Array(samples).fill(1)).map((draw) =>
      minibatchAggregate({ posterior: normals, z: squeeze(draw, [0]), dataCount, estimator }),
    );
    const average = (logs: Tensor[]): Tensor => reshape(mean(stack(logs), 0), reconstruction.shape);
    const aggregate = average(aggregates.map(({ logAggregate }) => logAggregate));
    const product = average(aggregates.map(({ logMarginals }) => sum(logMarginals, 1)));
    const mutualInformation = sub(mean(logPosterior, 0), aggregate);
    const totalCorrelation = sub(aggregate, product);
    const dimensionWiseKl = sub(product, mean(logPrior, 0));

    // What weights other than 1 add to the ELBO: its KL does not pass through the estimates of a minibatch.
    const extra = [
      mul(mutualInformation, alpha(call.step) - 1),
      mul(totalCorrelation, beta(call.step) - 1),
      mul(dimensionWiseKl, gamma(call.step) - 1),
    ].reduce(add);
    const value = sub(sub(reconstruction, kl), extra);
    return { value, reconstruction, kl, mutualInformation, totalCorrelation, dimensionWiseKl };
  });
}
