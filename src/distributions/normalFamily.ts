import type { Tensor } from '@tensorflow/tfjs-core';
import { add, div, exp, expm1, mul, square, sub } from '@tensorflow/tfjs-core';
import type { CallOptions } from '../core/bijector.js';
import type { Distribution } from '../core/distribution.js';
import { LOG_TWO_PI } from '../core/math.js';
import { sumTrailing } from '../core/shapes.js';
import type { StandardDensity } from './locationScale.js';

/** Mean and log-scale of independent normals, broadcastable to [...batch, ...event]. */
export interface NormalParameters {
  readonly mean: Tensor;
  readonly logScale: Tensor;
}

/** N(0, 1). */
export const standardNormalDensity: StandardDensity = {
  location: 'mean',
  noise: (rng, size) => rng.normal(size),
  logDensity: (z) => mul(square(z), -0.5),
  logConstant: -0.5 * LOG_TWO_PI,
  entropy: 0.5 * (1 + LOG_TWO_PI),
};

/** What makes a distribution one of independent normals to `klDivergence`. */
export function normalFamily(
  at: (call: CallOptions) => NormalParameters,
  eventRank: number,
): Required<Pick<Distribution, 'family' | 'klTo'>> {
  return {
    family: { name: 'normal', parameters: (call = {}) => ({ ...at(call) }) },
    klTo: (other, call = {}) =>
      other.family?.name === 'normal'
        ? sumTrailing(elementwiseKl(at(call), other.family.parameters(call) as unknown as NormalParameters), eventRank)
        : undefined,
  };
}

/** ((e^(2d) - 1) - 2d + ((m - m') / s')^2) / 2 with d = log s - log s': `expm1` keeps small divergences from cancelling. */
function elementwiseKl(p: NormalParameters, q: NormalParameters): Tensor {
  const twice = mul(sub(p.logScale, q.logScale), 2);
  const distance = square(div(sub(p.mean, q.mean), exp(q.logScale)));
  return mul(add(sub(expm1(twice), twice), distance), 0.5);
}
