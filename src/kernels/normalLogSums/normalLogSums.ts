/**
 * The name of the fused kernel: of points [M, D] and N normals it makes [M, 2], for each point the largest of its N log-densities and
 * the sum of all densities relative to that. Inputs are the points, the means, the inverse scales, both [N / 8, D, 8], and the
 * log-densities at the means [N], -Infinity where there is no normal; N divides by 8.
 */
export const NORMAL_LOG_SUMS = 'FlowsNormalLogSums';

/** What it is told. */
export interface NormalLogSumsAttributes {
  /** For each point a normal to leave out, or -1. */
  readonly skipped: readonly number[];
}
