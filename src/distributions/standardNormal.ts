import type { Tensor } from '@tensorflow/tfjs-core';
import { fill, zeros } from '@tensorflow/tfjs-core';
import type { CallOptions } from '../core/bijector.js';
import { defineDistribution } from '../core/defineDistribution.js';
import type { Distribution } from '../core/distribution.js';
import { checkOptions } from '../core/errors.js';
import { checkEventShape } from '../core/parameterShapes.js';
import { sizeOf } from '../core/shapes.js';
import { logDensity } from '../kernels/logDensity/logDensity.js';
import { normalFamily, standardNormalDensity } from './normalFamily.js';

/** What `standardNormal` takes. */
export interface StandardNormalOptions {
  /** Shape of an event: [2] for the plane, [] for the line. */
  readonly eventShape: readonly number[];
}

/**
 * Standard normal, N(0, I): log p(x) = -|x|^2 / 2 - D log(2 pi) / 2, in nats; entropy D (1 + log(2 pi)) / 2.
 *
 * Shapes: draws [...shape, ...event], log-probabilities [...batch].
 *
 * @throws for a wrong eventShape, an unknown option; at a call for a value of another shape.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { createRng, standardNormal } from 'tfjs-flows';
 *
 * const p = standardNormal({ eventShape: [2] });
 * const logProb = p.logProb(tf.tensor2d([[0, 0], [3, 4]]));
 * console.log(Array.from(logProb.dataSync(), (value) => value.toFixed(4))); // => [ '-1.8379', '-14.3379' ]
 * console.log(p.sample({ shape: [5], rng: createRng(0) }).shape); // => [ 5, 2 ]
 * ```
 */
export function standardNormal(options: StandardNormalOptions): Distribution {
  checkOptions('standardNormal', options, ['eventShape']);
  const { eventShape } = options;
  checkEventShape('standardNormal', eventShape);
  const { kind, noise, logDensity: composed, logConstant, entropy } = standardNormalDensity;
  const [rank, count] = [eventShape.length, sizeOf(eventShape)];
  const origin = (): Tensor => zeros([...eventShape]);
  const logProb = (value: Tensor, call: CallOptions): Tensor =>
    logDensity({ kind, constant: count * logConstant, composed: (z) => composed(z as Tensor, call) }, [value], rank);
  return defineDistribution({
    name: 'standardNormal',
    eventShape,
    sample: (size, { rng, ...call }) => noise(rng, size, call),
    logProb,
    mean: origin,
    mode: origin,
    entropy: () => fill([], count * entropy),
    ...normalFamily(() => ({ mean: origin(), logScale: origin() }), rank),
  });
}
