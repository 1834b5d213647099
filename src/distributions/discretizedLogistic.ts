import type { Tensor } from '@tensorflow/tfjs-core';
import { add, mul, zeros } from '@tensorflow/tfjs-core';
import type { CallOptions } from '../core/bijector.js';
import { defineDistribution } from '../core/defineDistribution.js';
import type { Distribution } from '../core/distribution.js';
import type { Parameter } from '../core/parameterShapes.js';
import { sumTrailing } from '../core/shapes.js';
import { untaped } from '../core/stopGradient.js';
import type { LevelOptions } from './levels.js';
import { checkLevels, levelLogMass, levelProperties, toLevel } from './levels.js';
import type { ScaleOptions } from './locationScale.js';
import { checkScaleOptions, readParameters } from './locationScale.js';
import { standardLogistic } from './logistic.js';

/** What `discretizedLogistic` takes: `location` with `logScale` or `scale`, or `trainable` with an `eventShape`; and the levels. */
export interface DiscretizedLogisticOptions extends ScaleOptions, LevelOptions {
  /** Broadcasts with the scale to [...batch, ...event]. */
  readonly location?: Parameter;
}

/**
 * Independent logistic distributions rounded to levels: P(x) is the mass on the bin of level x, for integers x = 0 ... levels - 1, whose
 * places low + x (high - low) / (levels - 1) are half a bin from the bin's ends; the bins of the first and the last level go on for ever.
 *
 * log P(x) = sum over the event of log(sigma(a) - sigma(b)) in nats, with b < a the bin's ends minus location over scale (a is infinite
 * in the last bin, -b in the first). It is computed without a difference of sigmoids: exact to float32, with finite gradients, in the
 * far tails, for narrow and wide scales alike (e^-60 to e^60). -Infinity for an x that is none of the levels. Mean, mode, entropy and the
 * KL divergence (to any distribution of this kind, `categorical` among them, over as many levels) are sums over the levels, `levels`
 * times as many numbers as the event has.
 *
 * Shapes: parameters [...batch, ...event], values and draws [...shape, ...batch, ...event] of dtype float32, log-probabilities
 * [...batch]. Draws are NOT reparameterised: they are constants. Given tensors stay the caller's; with `trainable` the distribution
 * has its own `location` and `logScale`.
 *
 * @throws where location or scale is missing, both scales are given, parameters are neither numbers nor float32 tensors or do
 * not broadcast, a number for the scale is not above 0, for levels below 2, a high that is not above low, a wrong eventShape or
 * eventRank, an unknown option.
 * Source: Kingma et al. 2016, "Improving variational inference with inverse autoregressive flow", appendix; Salimans et al. 2017,
 * "PixelCNN++", section 2.1.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { discretizedLogistic } from 'tfjs-flows';
 *
 * const pixels = discretizedLogistic({ location: tf.tensor1d([0, -0.9]), logScale: -2 }); // bytes, on the scale from -1 to 1
 * console.log(pixels.logProb(tf.tensor1d([127, 0])).dataSync()[0]!.toFixed(4)); // => -5.3445
 * const dice = discretizedLogistic({ location: 2.5, scale: 100, levels: 6, low: 0, high: 5 });
 * console.log(Math.exp(dice.logProb(tf.scalar(2)).dataSync()[0]!).toFixed(4)); // => 0.0025
 * ```
 */
export function discretizedLogistic(options: DiscretizedLogisticOptions): Distribution {
  checkScaleOptions('discretizedLogistic', 'location', options, 'levels', 'low', 'high');
  const levels = checkLevels('discretizedLogistic', options);
  const { eventShape, batchShape, parameters, at } = readParameters('discretizedLogistic', 'location', options);
  const rank = eventShape.length;
  const shape = [...batchShape, ...eventShape];
  // Of the full shape, whatever broadcasts to it.
  const logMass = (value: Tensor, call: CallOptions): Tensor => add(levelLogMass(value, at(call), levels), zeros(shape));
  return defineDistribution({
    name: 'discretizedLogistic',
    eventShape,
    batchShape: () => batchShape,
    parameters,
    sample: (size, { rng, ...call }) =>
      untaped(() => {
        const { location, scale } = at(call);
        return toLevel(add(location, mul(scale, standardLogistic.noise(rng, size, call))), levels);
      }),
    logProb: (value, call) => sumTrailing(logMass(value, call), rank),
    ...levelProperties(levels, shape, rank, logMass),
  });
}
