import type { Tensor } from '@tensorflow/tfjs-core';
import { add, concat, exp, expandDims, max, maximum, min, mul, neg, softplus, sub } from '@tensorflow/tfjs-core';
import { fused } from '../core/fused.js';
import { logSoftmax, logSumExp } from '../core/math.js';
import { monotoneRoot } from '../core/root.js';
import type { LogisticMixtureAttributes } from '../kernels/logisticMixture/logisticMixture.js';
import { LOGISTIC_MIXTURE } from '../kernels/logisticMixture/logisticMixture.js';

/** A mixture of K logistic distributions for each element: tensors [...s, K] that broadcast to those of x [...s]. */
export interface LogisticMixture {
  /** Unnormalised log-weights. */
  readonly logits: Tensor;
  readonly means: Tensor;
  readonly logScales: Tensor;
}

/** The published floor of log-scales (Flow++). */
export const MIN_LOG_SCALE = -7;

/** Raises log-scales to the floor; below it no gradient comes. */
export function withFloor(mixture: LogisticMixture, floor: number): LogisticMixture {
  return { ...mixture, logScales: maximum(mixture.logScales, floor) };
}

/** How a mixture is used. */
export interface LogisticMixtureOptions {
  /** Log-scales below are raised to it. */
  readonly floor: number;
  /** From y to x. */
  readonly inverse: boolean;
}

/** y = logit F(x) and log dy/dx or, for the inverse, x and log dx/dy, by a fused kernel where there is one. */
export function logisticMixtureMap(
  x: Tensor,
  { logits, means, logScales }: LogisticMixture,
  { floor, inverse }: LogisticMixtureOptions,
): [result: Tensor, logDerivative: Tensor] {
  const composed = (at: Tensor, ...[l, m, s]: [Tensor, Tensor, Tensor]): [Tensor, Tensor] => {
    const mixture = withFloor({ logits: l, means: m, logScales: s }, floor);
    if (!inverse) {
      return logisticMixtureLogit(at, mixture);
    }
    const [found, logDerivative] = logisticMixtureLogitInverse(at, mixture);
    return [found, neg(logDerivative)];
  };
  const attributes: LogisticMixtureAttributes = { components: logits.shape.at(-1) as number, floor };
  return fused(LOGISTIC_MIXTURE, [x, logits, means, logScales], composed, { ...attributes, inverse });
}

/**
 * y = logit F(x) = log F - log S of the mixture's distribution function F and S = 1 - F, and log dy/dx; x [...s].
 *
 * F is never formed. With z_k = (x - mean_k) e^-s_k and normalised log-weights l_k,
 *
 *   log F = LSE(l_k - softplus(-z_k)), log S = LSE(l_k - softplus(z_k)),
 *
 * and since 1 / (F S) = 1 / F + 1 / S, the derivative f / (F S) is the sum of the two hazards f / S and f / F, each a weighted
 * mean of those of the components: with log-weights v_k = l_k - softplus(z_k) - log S and w_k = l_k - softplus(-z_k) - log F,
 *
 *   log dy/dx = LSE(v_k - s_k - softplus(-z_k), w_k - s_k - softplus(z_k)).
 *
 * Nothing large cancels: log f - log F - log S would lose 4 digits where z is 30000, as it is at the floor of the scales.
 *
 * Source: Ho et al. 2019, "Flow++", section 3.2, whose formula goes through F.
 */
export function logisticMixtureLogit(x: Tensor, mixture: LogisticMixture): [y: Tensor, logDerivative: Tensor] {
  return logit(x, prepare(mixture));
}

/**
 * The x with logit F(x) = y, root-found in the exact bracket [min_k, max_k] of mean_k + e^s_k y, and log dy/dx there (the
 * derivative of the forward map).
 *
 * Each component alone has its root at one of these points, and the mixture's logit lies between those of its components.
 */
export function logisticMixtureLogitInverse(y: Tensor, mixture: LogisticMixture): [x: Tensor, logDerivative: Tensor] {
  const roots = add(mixture.means, mul(exp(mixture.logScales), expandDims(y, -1)));
  const prepared = prepare(mixture);
  const x = monotoneRoot({
    residual: (candidate) => {
      const [value, logDerivative] = logit(candidate, prepared);
      return [sub(value, y), exp(logDerivative)];
    },
    low: min(roots, -1),
    high: max(roots, -1),
  });
  return [x, logit(x, prepared)[1]];
}

/** What does not depend on x: computed once for all steps of a search. */
interface Prepared {
  readonly means: Tensor;
  readonly logWeights: Tensor;
  readonly inverseScales: Tensor;
  /** Twice over, for both kinds of hazards. */
  readonly logScales: Tensor;
}

function prepare({ logits, means, logScales }: LogisticMixture): Prepared {
  return {
    means,
    logWeights: logSoftmax(logits),
    inverseScales: exp(neg(logScales)),
    logScales: concat([logScales, logScales], -1),
  };
}

function logit(x: Tensor, { means, logWeights, inverseScales, logScales }: Prepared): [y: Tensor, logDerivative: Tensor] {
  const z = mul(sub(expandDims(x, -1), means), inverseScales);
  const above = softplus(z);
  const below = softplus(neg(z));
  const upper = sub(logWeights, above);
  const lower = sub(logWeights, below);
  const logS = logSumExp(upper);
  const logF = logSumExp(lower);
  const hazards = concat([sub(sub(upper, expandDims(logS, -1)), below), sub(sub(lower, expandDims(logF, -1)), above)], -1);
  return [sub(logF, logS), logSumExp(sub(hazards, logScales))];
}
