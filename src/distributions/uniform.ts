import type { Tensor } from '@tensorflow/tfjs-core';
import { add, fill, greaterEqual, log, mul, sub, where, zeros, zerosLike } from '@tensorflow/tfjs-core';
import type { CallOptions } from '../core/bijector.js';
import { defineDistribution } from '../core/defineDistribution.js';
import type { Distribution } from '../core/distribution.js';
import { checkNumber, checkOptions } from '../core/errors.js';
import type { Parameter, ParameterShapeOptions } from '../core/parameterShapes.js';
import { parameterAt, parameterShapes } from '../core/parameterShapes.js';
import { sizeOf, sumTrailing } from '../core/shapes.js';
import { relatives } from './relatives.js';

/** What `uniform` takes. */
export interface UniformOptions extends ParameterShapeOptions {
  readonly low: Parameter;
  /** Above `low`; of tensors this is not checked, since that would mean reading them. */
  readonly high: Parameter;
}

/**
 * Uniform on a box: log p(x) = -sum over the event of log(high - low) where low <= x <= high in every element, -infinity
 * elsewhere, in nats. Entropy sum(log(high - low)); the mean is the middle; no mode is told, since no point stands out.
 *
 * Shapes: low and high broadcast to [...batch, ...event], draws [...shape, ...batch, ...event], log-probabilities [...batch].
 * Draws are reparameterised, low + (high - low) u. Gradients of the log-probability are finite everywhere: that in x is zero, and
 * those in low and high are the ones of log(high - low), outside the box too.
 *
 * @throws where high is not above low (numbers), parameters are neither numbers nor float32 tensors or do not broadcast, for
 * a wrong eventShape or eventRank, an unknown option.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { uniform } from 'tfjs-flows';
 *
 * const p = uniform({ low: -1, high: 1, eventShape: [2] });
 * const logProb = p.logProb(tf.tensor2d([[0, 0.5], [0, 1.5]]));
 * console.log(Array.from(logProb.dataSync(), (value) => value.toFixed(4))); // => [ '-1.3863', '-Infinity' ]
 * ```
 */
export function uniform(options: UniformOptions): Distribution {
  checkOptions('uniform', options, ['low', 'high', 'eventShape', 'eventRank']);
  const { low, high } = options;
  const { eventShape, batchShape } = parameterShapes('uniform', { low, high }, options);
  if (typeof low === 'number' && typeof high === 'number') {
    checkNumber('uniform', 'options.high', high, { above: low });
  }
  const rank = eventShape.length;
  const at = (call: CallOptions): Bounds => ({
    low: parameterAt('uniform', low, call),
    high: parameterAt('uniform', high, call),
  });
  // Of the full shape, whatever broadcasts to it.
  const spread = (value: Tensor): Tensor => add(zeros([...batchShape, ...eventShape]), value);
  const logVolume = (call: CallOptions): Tensor => {
    if (typeof low === 'number' && typeof high === 'number') {
      return fill([...batchShape], sizeOf(eventShape) * Math.log(high - low));
    }
    return sumTrailing(spread(logWidth(at(call))), rank);
  };
  return defineDistribution({
    name: 'uniform',
    eventShape,
    batchShape: () => batchShape,
    sample: (size, { rng, ...call }) => {
      const bounds = at(call);
      return add(bounds.low, mul(sub(bounds.high, bounds.low), rng.uniform(size)));
    },
    logProb: (value, call) => {
      const bounds = at(call);
      const penalty = whereWithin(value, value, bounds, zerosLike(value), Number.NEGATIVE_INFINITY);
      return sub(sumTrailing(penalty, rank), logVolume(call));
    },
    mean: (call) => {
      const bounds = at(call);
      return spread(mul(add(bounds.low, bounds.high), 0.5));
    },
    entropy: logVolume,
    ...relatives('uniform', at, (p, q) => {
      // log(volume ratio) where q covers p, infinity where it does not.
      const ratio = spread(sub(logWidth(q), logWidth(p)));
      return sumTrailing(whereWithin(p.low, p.high, q, ratio, Number.POSITIVE_INFINITY), rank);
    }),
  });
}

interface Bounds {
  readonly low: Tensor;
  readonly high: Tensor;
}

const logWidth = ({ low, high }: Bounds): Tensor => log(sub(high, low));

/** `inside` where bounds.low <= least and most <= bounds.high, `outside` elsewhere. */
const whereWithin = (least: Tensor, most: Tensor, bounds: Bounds, inside: Tensor, outside: number): Tensor =>
  where(greaterEqual(least, bounds.low), where(greaterEqual(bounds.high, most), inside, outside), outside);
