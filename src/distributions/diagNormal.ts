import type { Distribution } from '../core/distribution.js';
import type { Parameter } from '../core/parameterShapes.js';
import { independentNormals } from './independentNormals.js';
import type { ScaleOptions } from './locationScale.js';
import { checkScaleOptions } from './locationScale.js';

/** What `diagNormal` takes: `mean` with `logScale` or `scale`; or `trainable` with an `eventShape`. */
export interface DiagNormalOptions extends ScaleOptions {
  /** Broadcasts with the scale to [...batch, ...event]. */
  readonly mean?: Parameter;
}

/**
 * Independent normals: x = mean + scale z, z ~ N(0, I).
 *
 * log p(x) = sum over the event of -((x - mean) / scale)^2 / 2 - log scale - log(2 pi) / 2, in nats; entropy
 * sum(log scale) + D (1 + log(2 pi)) / 2. Mean and mode are `mean`.
 *
 * Shapes: parameters [...batch, ...event], draws [...shape, ...batch, ...event], log-probabilities [...batch]. Draws are
 * reparameterised. Given tensors stay the caller's; with `trainable` the distribution has its own `mean` and `logScale`.
 *
 * @throws where mean or scale is missing, both scales are given, parameters are neither numbers nor float32 tensors or do not
 * broadcast, a number for the scale is not above 0, for a wrong eventShape or eventRank, an unknown option.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { diagNormal } from 'tfjs-flows';
 *
 * const p = diagNormal({ mean: tf.tensor1d([0, 1]), logScale: tf.tensor1d([0, 0]) });
 * const logProb = p.logProb(tf.tensor2d([[0, 1], [1, 1]]));
 * console.log(Array.from(logProb.dataSync(), (value) => value.toFixed(4))); // => [ '-1.8379', '-2.3379' ]
 * const learnable = diagNormal({ eventShape: [3], trainable: true });
 * console.log(Object.keys(learnable.parameters)); // => [ 'mean', 'logScale' ]
 * ```
 */
export function diagNormal(options: DiagNormalOptions): Distribution {
  checkScaleOptions('diagNormal', 'mean', options);
  return independentNormals('diagNormal', options);
}
