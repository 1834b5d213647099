import type { Tensor } from '@tensorflow/tfjs-core';
import { add, concat, mean, relu, reshape, sub, sum, zerosLike } from '@tensorflow/tfjs-core';
import { checkInteger, checkNumber, checkOptions, invalid } from '../core/errors.js';
import type { ObjectiveWithTerms } from '../core/objective.js';
import { createRng } from '../core/rng.js';
import { sizeOf, sumTrailing } from '../core/shapes.js';
import { take } from '../kernels/take/take.js';
import type { ElboTerms } from './betaElbo.js';
import type { VariationalOptions } from './draws.js';
import { checkVariational, draw, likelihoodOf, objectiveOf } from './draws.js';
import { klPerDimension } from './klPerDimension.js';

/** What `freeBits` takes. */
export interface FreeBitsOptions extends VariationalOptions {
  /** Lambda: the nats that each group may have for nothing, at least 0. */
  readonly nats: number;
  /**
   * The latent dimensions of each group, by their place in an event that is read row by row; together they are all of them. 'each'
   * (default) makes every dimension a group of its own, 'all' all of them one group: the only one where q or p does not factorise.
   */
  readonly groups?: 'each' | 'all' | readonly (readonly number[])[];
}

/** What an objective with free bits is made of, each [...batch], in nats. */
export type FreeBitsTerms = ElboTerms & {
  /** sum_j max(lambda, mean KL_j): the same for every example, as it is one of the batch. */
  readonly penalty: Tensor;
};

/**
 * The ELBO with free bits,
 *
 *   E_q log p(x | z) - sum_j max(lambda, mean KL(q(z_j | x) || p(z_j))),
 *
 * with the latents in groups z_j and the mean over the batch, all its axes, taken before the maximum. A group whose KL is below
 * lambda has no reason to lose what it tells, which keeps it from being switched off early in training.
 *
 * Groups of dimensions need a q and a p that both are independent normals, and have their KL by formula. With groups: 'all' any
 * will do, with the KL from the S draws where there is no formula.
 *
 * Shapes: x [...batch, ...event] -> [...batch], nats. The second term is shared, so that the mean of the result over the batch is
 * what the paper maximises. `terms` also gives `kl`, unweighted, by example.
 *
 * @throws for an unknown option, nats below 0, groups that are no partition; at a call where q or p has no KL by dimension.
 * Source: Kingma et al. 2016, "Improving variational inference with inverse autoregressive flow", equation 15.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { createRng, freeBits, mlp, vae } from 'tfjs-flows';
 *
 * const rng = createRng(0);
 * const model = vae({
 *   encoder: mlp({ inputDim: 6, hidden: [8], outputDim: 4, rng }),
 *   decoder: mlp({ inputDim: 2, hidden: [8], outputDim: 6, rng }),
 * });
 * const { penalty } = freeBits({ model, nats: 2 }).terms(tf.ones([3, 6]), { rng });
 * console.log(penalty.arraySync()); // => [ 4, 4, 4 ]
 * ```
 */
export function freeBits(options: FreeBitsOptions): ObjectiveWithTerms<FreeBitsTerms> {
  checkOptions('freeBits', options, ['model', 'samples', 'nats', 'groups']);
  checkVariational('freeBits', options);
  const { model, samples = 1, nats, groups = 'each' } = options;
  checkNumber('freeBits', 'options.nats', nats, { least: 0 });
  const size = sizeOf(model.prior.eventShape);
  const sets = groups === 'each' || groups === 'all' ? groups : checkGroups(groups, size);

  /** log p(x | z) [S, ...batch], the KL [...batch], and the mean KL of every group, [J] or a scalar. */
  const parts: (...of: Parameters<Parameters<typeof objectiveOf>[1]>) => [Tensor, Tensor, Tensor] = (x, call) => {
    if (sets === 'all') {
      const { logLikelihood, kl } = draw('freeBits', { model, samples }, x, call);
      return [logLikelihood, mean(kl, 0), mean(kl)];
    }
    const at = { ...call, rng: call.rng ?? createRng() };
    const posterior = model.posterior(x, at);
    const elements = klPerDimension('freeBits', posterior, model.prior, at);
    const byDimension = mean(reshape(elements, [-1, size]), 0);
    const kl = sumTrailing(elements, model.prior.eventShape.length);
    const z = posterior.sample({ shape: [samples], rng: at.rng });
    const byGroup = sets === 'each' ? byDimension : concat(sets.map((places) => sum(take(byDimension, places), 0, true)));
    return [likelihoodOf(model, z, x, at), kl, byGroup];
  };

  return objectiveOf('freeBits', (x, call) => {
    const [logLikelihood, kl, byGroup] = parts(x, call);
    const reconstruction = mean(logLikelihood, 0);
    const penalty = add(zerosLike(reconstruction), sum(add(relu(sub(byGroup, nats)), nats)));
    return { value: sub(reconstruction, penalty), reconstruction, kl, penalty };
  });
}

/** Throws unless every place from 0 to size - 1 is in just one group. */
function checkGroups(groups: unknown, size: number): readonly (readonly number[])[] {
  const areLists = Array.isArray(groups) && groups.every((places) => Array.isArray(places) && places.length > 0);
  const places = areLists ? (groups.flat() as unknown[]) : [];
  if (places.length !== size || new Set(places).size !== size) {
    const expected = `'each', 'all' or lists that hold each of the ${size} latent dimensions once`;
    throw invalid('freeBits', 'options.groups', expected, groups);
  }
  for (const [i, place] of places.entries()) {
    checkInteger('freeBits', `entry ${i} of options.groups`, place, 0);
    if (place >= size) {
      throw invalid('freeBits', `entry ${i} of options.groups`, `below ${size}`, place);
    }
  }
  return groups as number[][];
}
