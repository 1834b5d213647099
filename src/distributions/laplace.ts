import type { Tensor } from '@tensorflow/tfjs-core';
import { abs, add, div, exp, expm1, log, mul, neg, sign, sub } from '@tensorflow/tfjs-core';
import type { Distribution } from '../core/distribution.js';
import type { Parameter } from '../core/parameterShapes.js';
import { sumTrailing } from '../core/shapes.js';
import type { ScaleOptions, StandardDensity } from './locationScale.js';
import { checkScaleOptions, locationScale } from './locationScale.js';
import { relatives } from './relatives.js';

/** What `laplace` takes: `location` with `logScale` or `scale`; or `trainable` with an `eventShape`. */
export interface LaplaceOptions extends ScaleOptions {
  /** Broadcasts with the scale to [...batch, ...event]. */
  readonly location?: Parameter;
}

/**
 * Independent Laplace distributions: x = location + scale z, z = -sign(v) log(1 - |v|), v uniform on (-1, 1).
 *
 * log p(x) = sum over the event of -|x - location| / scale - log(2 scale), in nats; entropy sum(log scale + 1 + log 2). Mean and mode
 * are `location`, where the density has a corner: the gradient there is one of those beside it. `klDivergence` between two of them is
 * analytic.
 *
 * Shapes: parameters [...batch, ...event], draws [...shape, ...batch, ...event], log-probabilities [...batch]. Draws are
 * reparameterised, and end at |z| of 15.9 (v has 23 bits). Given tensors stay the caller's; with `trainable` the distribution
 * has its own `location` and `logScale`.
 *
 * @throws where location or scale is missing, both scales are given, parameters are neither numbers nor float32 tensors or do
 * not broadcast, a number for the scale is not above 0, for a wrong eventShape or eventRank, an unknown option.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { laplace } from 'tfjs-flows';
 *
 * const p = laplace({ location: tf.tensor1d([0, 1]), scale: 2 });
 * console.log(p.logProb(tf.tensor1d([0, 5])).dataSync()[0]!.toFixed(4)); // => -4.7726
 * console.log(p.entropy!().dataSync()[0]!.toFixed(4)); // => 4.7726
 * ```
 */
export function laplace(options: LaplaceOptions): Distribution {
  checkScaleOptions('laplace', 'location', options);
  return locationScale('laplace', standardLaplace, options, (at, eventRank) =>
    relatives(
      'laplace',
      (call): LaplaceParameters => {
        const { location, logScale } = at(call);
        return { location, logScale };
      },
      (p, q) => sumTrailing(elementwiseKl(p, q), eventRank),
    ),
  );
}

interface LaplaceParameters {
  readonly location: Tensor;
  readonly logScale: Tensor;
}

const standardLaplace: StandardDensity = {
  location: 'location',
  noise: (rng, size) => {
    const v = rng.uniform(size, -1, 1);
    return neg(mul(sign(v), log(sub(1, abs(v)))));
  },
  logDensity: (z) => neg(abs(z)),
  logConstant: -Math.LN2,
  entropy: 1 + Math.LN2,
};

/**
 * (e^d - 1 - d) + e^d (e^-r - 1 + r) with d = log s - log s' and r = |m - m'| / s: `expm1` keeps small divergences from
 * cancelling.
 */
function elementwiseKl(p: LaplaceParameters, q: LaplaceParameters): Tensor {
  const d = sub(p.logScale, q.logScale);
  const r = div(abs(sub(p.location, q.location)), exp(p.logScale));
  return add(sub(expm1(d), d), mul(exp(d), add(expm1(neg(r)), r)));
}
