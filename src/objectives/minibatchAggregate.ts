import type { Tensor } from '@tensorflow/tfjs-core';
import { add, div, exp, expandDims, mul, square, sub, sum, tensor2d, tidy, transpose } from '@tensorflow/tfjs-core';
import { checkChoice } from '../core/checkChoice.js';
import type { Distribution } from '../core/distribution.js';
import { checkInteger, checkOptions, invalid } from '../core/errors.js';
import { LOG_TWO_PI, logSumExp } from '../core/math.js';
import { checkEvent } from '../core/shapes.js';
import { checkDistributionLike } from '../core/structural.js';
import type { NormalParameters } from '../distributions/normalFamily.js';

/** How a minibatch stands for all data: see `minibatchAggregate`. */
export type MinibatchEstimator = 'stratified' | 'weighted';

export const MINIBATCH_ESTIMATORS: readonly MinibatchEstimator[] = ['stratified', 'weighted'];

/** What `minibatchAggregate` takes. */
export interface MinibatchAggregateOptions {
  /** The posteriors q(z | x_i) of a minibatch of B data points: independent normals over D latents, as `diagNormal` makes them. */
  readonly posterior: Distribution;
  /** One draw from each: [B, D]. */
  readonly z: Tensor;
  /** N: how many data points there are in all, at least B. */
  readonly dataCount: number;
  /** Default 'stratified'. */
  readonly estimator?: MinibatchEstimator;
}

/** Estimates of the aggregated posterior's log-density at each draw. */
export interface MinibatchAggregate {
  /** log q(z_i), [B]. */
  readonly logAggregate: Tensor;
  /** log q(z_id) of each latent by itself, [B, D]. */
  readonly logMarginals: Tensor;
}

/**
 * The aggregated posterior q(z) = 1/N sum_n q(z | x_n) of N data points as a minibatch of B of them tells it, z_i drawn from
 * q(z | x_i):
 *
 *   log q(z_i) ~ log sum_j W_ij q(z_i | x_j),   and of each latent likewise, with the same weights.
 *
 * 'stratified': W_ii = 1/N, W_i,(i+1 mod B) = (N - M) / (N M), and 1/M otherwise, M = B - 1. Its q(z_i) is right on average, its
 * logarithm is too low (Jensen). With B = N the exact weights are 1/N; these are near them where N is large. 'weighted': W = 1 / (B N)
 * throughout, far too low where posteriors overlap. **Both are biased**, and so are all terms made of them: they are for training, where
 * every pair of data points cannot be had. To report, take `elboSurgery` and `totalCorrelation`, which are exact over the data.
 *
 * Differentiable in z and in the parameters of the posterior. The two tensors are the caller's.
 *
 * @throws for posteriors that are not independent normals, one minibatch of which z has a draw each; B = 1 for 'stratified'; N < B.
 * Source: Chen et al. 2018, "Isolating sources of disentanglement in VAEs", section 4.1 and appendix C. The weights are the
 * paper's: released code that puts W_ii and W_i,i+1 into the first two columns of every row, or leaves -log(B N) out, has others.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { diagNormal, minibatchAggregate } from 'tfjs-flows';
 *
 * const posterior = diagNormal({ mean: tf.tensor2d([[-1, 0], [1, 0]]), scale: tf.ones([2, 2]) });
 * const z = tf.tensor2d([[-1, 0.5], [1, -0.5]]);
 * const { logAggregate, logMarginals } = minibatchAggregate({ posterior, z, dataCount: 2 });
 * console.log(Array.from(logAggregate.dataSync(), (value) => value.toFixed(3))); // => [ '-2.529', '-2.529' ]
 * console.log(logMarginals.shape); // => [ 2, 2 ]
 * ```
 */
export function minibatchAggregate(options: MinibatchAggregateOptions): MinibatchAggregate {
  const where = 'minibatchAggregate';
  checkOptions(where, options, ['posterior', 'z', 'dataCount', 'estimator']);
  const { posterior, z, dataCount, estimator = 'stratified' } = options;
  checkDistributionLike(where, 'options.posterior', posterior);
  checkEvent(where, 'options.z', z, [null, null]);
  checkChoice(where, 'options.estimator', estimator, MINIBATCH_ESTIMATORS);
  const [size, dim] = z.shape as [number, number];
  if (z.rank !== 2 || (estimator === 'stratified' && size < 2)) {
    throw invalid(where, 'options.z', `of shape [B, D]${estimator === 'stratified' ? ', B at least 2' : ''}`, z);
  }
  if (
    posterior.family?.name !== 'normal' ||
    `${[...(posterior.batchShape?.() ?? []), ...posterior.eventShape]}` !== `${z.shape}`
  ) {
    throw invalid(where, 'options.posterior', `independent normals, a batch of [${size}] over [${dim}] latents`, posterior);
  }
  checkInteger(where, 'options.dataCount', dataCount, size);
  const { family } = posterior;
  return tidy(() => {
    const { mean, logScale } = family.parameters() as unknown as NormalParameters;
    // Draw i down, posterior j across: [B, B, D].
    const distance = square(div(sub(expandDims(z, 1), mean), exp(logScale)));
    const logs = sub(mul(distance, -0.5), add(logScale, 0.5 * LOG_TWO_PI));
    const weights = logWeights(size, dataCount, estimator);
    const joint = logSumExp(add(sum(logs, 2), weights));
    return { logAggregate: joint, logMarginals: logSumExp(transpose(add(logs, expandDims(weights, 2)), [0, 2, 1])) };
  });
}

/** log W, [B, B]. */
function logWeights(size: number, count: number, estimator: MinibatchEstimator): Tensor {
  const others = size - 1;
  const weight = (i: number, j: number): number => {
    if (estimator === 'weighted') {
      return 1 / (size * count);
    }
    return j === i ? 1 / count : j === (i + 1) % size ? (count - others) / (count * others) : 1 / others;
  };
  const rows = Array.from({ length: size }, (_, i) => Array.from({ length: size }, (_, j) => Math.log(weight(i, j))));
  return tensor2d(rows, [size, size]);
}
