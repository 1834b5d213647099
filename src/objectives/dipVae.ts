import type { Tensor } from '@tensorflow/tfjs-core';
import { add, div, exp, eye, matMul, mean, mul, square, sub, sum, transpose, zerosLike } from '@tensorflow/tfjs-core';
import { checkChoice } from '../core/checkChoice.js';
import { checkNumber, checkOptions } from '../core/errors.js';
import type { ObjectiveWithTerms } from '../core/objective.js';
import type { ElboTerms } from './betaElbo.js';
import type { KlOptions } from './draws.js';
import { checkKl, draw, KL_OPTIONS, objectiveOf } from './draws.js';
import { minibatchNormals, minibatchOf } from './minibatch.js';

/** What `dipVae` takes. */
export interface DipVaeOptions extends KlOptions {
  /** The covariance that is held to the identity: 'I' that of the posteriors' means (default), 'II' that of the codes. */
  readonly variant?: 'I' | 'II';
  /** The weight of the squares off the diagonal, at least 0. */
  readonly lambdaOd: number;
  /** The weight of the squares of the diagonal less 1, at least 0. */
  readonly lambdaD: number;
}

/** What it is made of, each [...batch], in nats. */
export type DipVaeTerms = ElboTerms & {
  /** The two weighted sums of squares: the same for every example, as they are of the batch. */
  readonly penalty: Tensor;
};

/**
 * DIP-VAE: the ELBO with a penalty on the covariance C of the aggregated posterior ("disentangled inferred prior"),
 *
 *   E_q log p(x | z) - KL(q(z | x) || p(z)) - lambdaOd sum_{i != j} C_ij^2 - lambdaD sum_i (C_ii - 1)^2,
 *
 * with C = Cov_x[mean(x)] in variant I, and C = Cov_x[mean(x)] + E_x[diag(scale(x)^2)] = Cov_q(z)[z] in variant II: the expectation
 * and the covariance (its mean square, divided by B) are over the B examples of the call, all batch axes.
 *
 * The paper takes lambdaD = 10 lambdaOd in variant I and lambdaD = lambdaOd in II, with lambdaOd from 1 to 500 by the data.
 *
 * Shapes: x [...batch, ...event] -> [...batch], nats. The penalty is shared, so that the mean of the result over the batch is what
 * the paper maximises.
 *
 * @throws for an unknown option or variant, weights below 0; at a call for posteriors that are not independent normals, and for a
 * single example, which has no covariance.
 * Source: Kumar, Sattigeri and Balakrishnan 2018, "Variational inference of disentangled latent concepts from unlabeled
 * observations", equations 6 and 7.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { createRng, diagNormal, dipVae, standardNormal } from 'tfjs-flows';
 *
 * // The code is the data, whose covariance is 5 and 1 on the diagonal, 1 off it.
 * const model = {
 *   prior: standardNormal({ eventShape: [2] }),
 *   posterior: (x: tf.Tensor) => diagNormal({ mean: x, scale: 0.5 }),
 *   likelihood: (z: tf.Tensor) => diagNormal({ mean: z, scale: 1 }),
 * };
 * const x = tf.tensor2d([[3, 1], [1, -1], [-1, 1], [-3, -1]]);
 * const { penalty } = dipVae({ model, lambdaOd: 10, lambdaD: 1 }).terms(x);
 * console.log(penalty.dataSync()[0]!.toFixed(2)); // => 36.00
 * ```
 */
export function dipVae(options: DipVaeOptions): ObjectiveWithTerms<DipVaeTerms> {
  const where = 'dipVae';
  checkOptions(where, options, [...KL_OPTIONS, 'variant', 'lambdaOd', 'lambdaD']);
  checkKl(where, options);
  const { model, variant = 'I', lambdaOd, lambdaD } = options;
  checkChoice(where, 'options.variant', variant, ['I', 'II']);
  checkNumber(where, 'options.lambdaOd', lambdaOd, { least: 0 });
  checkNumber(where, 'options.lambdaD', lambdaD, { least: 0 });

  return objectiveOf(where, (x, call) => {
    const { posterior, z, logLikelihood, kl: divergence } = draw(where, options, x, call);
    const minibatch = minibatchOf(where, x, z, model.prior.eventShape, 2);
    const normals = minibatchNormals(where, posterior, z, minibatch);
    const centred = sub(normals.mean, mean(normals.mean, 0));
    const ofMeans = div(matMul(transpose(centred), centred), minibatch.size);
    const identity = eye(minibatch.dim);
    const noise = mul(identity, mean(exp(mul(normals.logScale, 2)), 0));
    const covariance = variant === 'I' ? ofMeans : add(ofMeans, noise);
    const weights = add(mul(identity, lambdaD - lambdaOd), lambdaOd);
    const [reconstruction, kl] = [mean(logLikelihood, 0), mean(divergence, 0)];
    const penalty = add(zerosLike(reconstruction), sum(mul(square(sub(covariance, identity)), weights)));
    return { value: sub(sub(reconstruction, kl), penalty), reconstruction, kl, penalty };
  });
}
