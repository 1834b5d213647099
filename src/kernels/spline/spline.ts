/** The name of the fused kernel of rational-quadratic splines; the parameters' leading axes may be only the last ones of x. */
export const SPLINE = 'FlowsSpline';

/** What it is told; see `RationalQuadraticOptions`. */
export interface SplineAttributes {
  readonly bins: number;
  readonly bound: number;
  readonly boundary: 'identity' | 'free' | 'circular';
  readonly minBinWidth: number;
  readonly minBinHeight: number;
  readonly minDerivative: number;
  /** Whether the parameters are held softly within bounds. */
  readonly isBounded: boolean;
  /** Added to what slopes are the softplus of. */
  readonly offset: number;
}

/** Their numbers in math.ts. */
export const BOUNDARIES: readonly SplineAttributes['boundary'][] = ['identity', 'free', 'circular'];
