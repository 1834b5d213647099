import type { AffineAttributes } from '../affine/affine.js';

/**
 * The name of the fused kernel of logistic mixtures. Inputs are x [...s] and parameters [...s, 3 K] or, with an affine map after it,
 * [...s, 3 K + 2]; or x [...r, ...s] and logits, means and log-scales [...s, K].
 */
export const LOGISTIC_MIXTURE = 'FlowsLogisticMixture';

/** What it is told. */
export interface LogisticMixtureAttributes {
  /** K. */
  readonly components: number;
  /** Log-scales below are raised to it. */
  readonly floor: number;
  /** The affine map that follows. */
  readonly after?: AffineAttributes | undefined;
}
