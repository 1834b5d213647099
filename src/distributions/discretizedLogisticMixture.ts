import type { Tensor } from '@tensorflow/tfjs-core';
import type { CallOptions } from '../core/bijector.js';
import { defineDistribution } from '../core/defineDistribution.js';
import type { Distribution } from '../core/distribution.js';
import { checkOptions, invalid } from '../core/errors.js';
import { splitAxes } from '../core/parameterShapes.js';
import { broadcastShapes, checkEvent, sumTrailing } from '../core/shapes.js';
import { discretizedLogistic } from './discretizedLogistic.js';
import type { LevelOptions } from './levels.js';
import { checkLevels, levelProperties } from './levels.js';
import { mixture } from './mixture.js';

/** What `discretizedLogisticMixture` takes: a mixture of K for each element, and the levels. */
export interface DiscretizedLogisticMixtureOptions extends LevelOptions {
  /** Unnormalised log-weights, [...batch, ...event, K], or what broadcasts to it. */
  readonly logits: Tensor;
  /** Locations, which broadcast with the log-scales to [...batch, ...event, K]. */
  readonly means: Tensor;
  readonly logScales: Tensor;
  /** Trailing axes before K that form one event. Default: min(1, their number). */
  readonly eventRank?: number;
}

/**
 * Independent mixtures of K logistic distributions rounded to levels, the likelihood of PixelCNN++: log P(x) = sum over the event of
 * log sum_k w_k P_k(x), w = softmax(logits), in nats, with the masses P_k of `discretizedLogistic`, as exact as those.
 *
 * Elements are independent: the linear dependence between the channels of a pixel, where it is wanted, belongs to the network that
 * gives the means. -Infinity for an x that is none of the levels. Mean, mode, entropy and KL divergence are sums over the levels, K times
 * `levels` times as many numbers as the event has.
 *
 * Shapes: parameters [...batch, ...event, K], values and draws [...shape, ...batch, ...event] of dtype float32, log-probabilities
 * [...batch]. Draws are NOT reparameterised: they are constants. Given tensors stay the caller's.
 *
 * @throws where parameters are no float32 tensors with one K, do not broadcast, or the logits have axes that means and log-scales lack;
 * for levels below 2, a high that is not above low, a wrong eventRank, an unknown option.
 * Source: Salimans et al. 2017, "PixelCNN++", section 2.1, whose code has an approximation where a bin holds less than 1e-5.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { discretizedLogisticMixture } from 'tfjs-flows';
 *
 * const p = discretizedLogisticMixture({
 *   logits: tf.tensor2d([[0, 1]]),
 *   means: tf.tensor2d([[-0.5, 0.5]]),
 *   logScales: tf.tensor2d([[-3, -2]]),
 * });
 * const logProb = p.logProb(tf.tensor2d([[0], [64], [255]]));
 * console.log(Array.from(logProb.dataSync(), (value) => value.toFixed(3))); // => [ '-10.628', '-4.546', '-4.004' ]
 * ```
 */
export function discretizedLogisticMixture(options: DiscretizedLogisticMixtureOptions): Distribution {
  const where = 'discretizedLogisticMixture';
  checkOptions(where, options, ['logits', 'means', 'logScales', 'levels', 'low', 'high', 'eventRank']);
  const { logits, means, logScales, levels = 256, low = -1, high = 1 } = options;
  const checked = checkLevels(where, { levels, low, high });
  checkEvent(where, 'options.logits', logits, [null]);
  const count = logits.shape.at(-1) as number;
  checkEvent(where, 'options.means', means, [count]);
  checkEvent(where, 'options.logScales', logScales, [count]);
  const own = broadcastShapes(where, means.shape, logScales.shape);
  const full = broadcastShapes(where, own, logits.shape);
  if (`${own}` !== `${full}`) {
    throw invalid(
      where,
      'options.logits',
      `of a shape that broadcasts to that of means and log-scales, [${own.join(', ')}]`,
      logits,
    );
  }
  const shape = full.slice(0, -1);
  const { eventShape, batchShape } = splitAxes(where, shape, options.eventRank);
  const rank = eventShape.length;
  const elements = mixture({
    logits,
    components: discretizedLogistic({ location: means, logScale: logScales, eventRank: 0, levels, low, high }),
  });
  const logMass = (value: Tensor, call: CallOptions): Tensor => elements.logProb(value, call);
  return defineDistribution({
    name: where,
    eventShape,
    batchShape: () => batchShape,
    sample: (_, draw) => elements.sample(draw),
    logProb: (value, call) => sumTrailing(logMass(value, call), rank),
    ...levelProperties(checked, shape, rank, logMass),
  });
}
