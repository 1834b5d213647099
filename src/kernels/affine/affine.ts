/** The name of the fused kernel of affine transformers. */
export const AFFINE = 'FlowsAffine';

/** What it is told; see `affineTransformer`. */
export interface AffineAttributes {
  readonly kind: 'bounded' | 'exp' | 'tanh' | 'softplus' | 'sigmoid' | 'gate';
  readonly offset: number;
  readonly minimum: number;
  readonly maximum: number;
}

/** Their numbers in math.ts. */
export const KINDS: readonly AffineAttributes['kind'][] = ['bounded', 'exp', 'tanh', 'softplus', 'sigmoid', 'gate'];
