import type { Tensor } from '@tensorflow/tfjs-core';
import { add, div, exp, expm1, mul, square, sub } from '@tensorflow/tfjs-core';
import type { CallOptions } from '../core/bijector.js';
import type { Distribution } from '../core/distribution.js';
import { LOG_TWO_PI } from '../core/math.js';
import { sumTrailing } from '../core/shapes.js';
import type { StandardDensity } from './locationScale.js';
import { relatives } from './relatives.js';

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
  kind: 'normal',
  logConstant: -0.5 * LOG_TWO_PI,
  entropy: 0.5 * (1 + LOG_TWO_PI),
};

/** What makes a distribution one of independent normals to `klDivergence`. */
export function normalFamily(
  at: (call: CallOptions) => NormalParameters,
  eventRank: number,
): Required<Pick<Distribution, 'family' | 'klTo'>> {
  return relatives('normal', at, (p, q) => sumTrailing(elementwiseKl(p, q), eventRank));
}

/** KL between N(m, s^2) and N(m', s'^2), element by element. */
function elementwiseKl(p: NormalParameters, q: NormalParameters): Tensor {
  const distance = square(div(sub(p.mean, q.mean), exp(q.logScale)));
  return add(scaleKl(sub(p.logScale, q.logScale)), mul(distance, 0.5));
}

/** What two scales add to the divergence, ((e^(2d) - 1) - 2d) / 2 with d = log s - log s': `expm1` keeps small ones from cancelling. */
export function scaleKl(d: Tensor): Tensor {
  const twice = mul(d, 2);
  return mul(sub(expm1(twice), twice), 0.5);
}
