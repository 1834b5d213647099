import type { Distribution } from '../core/distribution.js';
import { checkOptions } from '../core/errors.js';
import type { DiagNormalOptions } from './diagNormal.js';
import { independentNormals } from './independentNormals.js';

/** What `normal` takes: `mean` with `logScale` or `scale`, or `trainable`. */
export type NormalOptions = Omit<DiagNormalOptions, 'eventShape' | 'eventRank'>;

/**
 * Normal distributions of numbers: x = mean + scale z, z ~ N(0, 1). It is `diagNormal` with events of shape []: of tensors every
 * element is a distribution by itself, and log-probabilities have the shape of the values.
 *
 * log p(x) = -((x - mean) / scale)^2 / 2 - log scale - log(2 pi) / 2, in nats; entropy log scale + (1 + log(2 pi)) / 2. Mean and mode are
 * `mean`.
 *
 * Shapes: parameters [...batch], draws [...shape, ...batch], log-probabilities [...batch]. Draws are reparameterised. Given tensors
 * stay the caller's; with `trainable` the distribution has its own `mean` and `logScale`, one of each.
 *
 * @throws where mean or scale is missing, both scales are given, parameters are neither numbers nor float32 tensors or do not
 * broadcast, a number for the scale is not above 0, for an unknown option.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { normal } from 'tfjs-flows';
 *
 * const p = normal({ mean: tf.tensor1d([0, 1]), scale: 1 });
 * const logProb = p.logProb(tf.tensor1d([0, 2]));
 * console.log(Array.from(logProb.dataSync(), (value) => value.toFixed(4))); // => [ '-0.9189', '-1.4189' ]
 * ```
 */
export function normal(options: NormalOptions): Distribution {
  checkOptions('normal', options, ['mean', 'logScale', 'scale', 'trainable']);
  return independentNormals('normal', { ...options, eventShape: [] });
}
