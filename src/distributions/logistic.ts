import { add, log, log1p, neg, softplus, sub } from '@tensorflow/tfjs-core';
import type { Distribution } from '../core/distribution.js';
import type { Parameter } from '../core/parameterShapes.js';
import type { ScaleOptions, StandardDensity } from './locationScale.js';
import { checkScaleOptions, locationScale } from './locationScale.js';

/** What `logistic` takes: `location` with `logScale` or `scale`; or `trainable` with an `eventShape`. */
export interface LogisticOptions extends ScaleOptions {
  /** Broadcasts with the scale to [...batch, ...event]. */
  readonly location?: Parameter;
}

/**
 * Independent logistic distributions: x = location + scale z, z = logit(u), u uniform on (0, 1).
 *
 * log p(x) = sum over the event of -softplus(z) - softplus(-z) - log scale with z = (x - location) / scale, in nats; entropy
 * sum(log scale + 2). Mean and mode are `location`.
 *
 * Shapes: parameters [...batch, ...event], draws [...shape, ...batch, ...event], log-probabilities [...batch]. Draws are
 * reparameterised, and end at |z| of 16.6 (u has 24 bits). Given tensors stay the caller's; with `trainable` the distribution
 * has its own `location` and `logScale`.
 *
 * @throws where location or scale is missing, both scales are given, parameters are neither numbers nor float32 tensors or do
 * not broadcast, a number for the scale is not above 0, for a wrong eventShape or eventRank, an unknown option.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { logistic } from 'tfjs-flows';
 *
 * const p = logistic({ location: tf.tensor1d([0, 1]), scale: 2 });
 * console.log(p.logProb(tf.tensor1d([0, 1])).dataSync()[0]!.toFixed(4)); // => -4.1589
 * console.log(p.entropy!().dataSync()[0]!.toFixed(4)); // => 5.3863
 * ```
 */
export function logistic(options: LogisticOptions): Distribution {
  checkScaleOptions('logistic', 'location', options);
  return locationScale('logistic', standardLogistic, options);
}

/** Location 0, scale 1. */
export const standardLogistic: StandardDensity = {
  location: 'location',
  noise: (rng, size) => {
    const u = rng.uniform(size);
    return sub(log(u), log1p(neg(u)));
  },
  logDensity: (z) => neg(add(softplus(z), softplus(neg(z)))),
  logConstant: 0,
  entropy: 2,
};
