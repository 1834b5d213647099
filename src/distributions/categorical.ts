import type { Tensor } from '@tensorflow/tfjs-core';
import { add, cast, equal, expandDims, mul, range, sum } from '@tensorflow/tfjs-core';
import type { CallOptions } from '../core/bijector.js';
import { defineDistribution } from '../core/defineDistribution.js';
import type { Distribution } from '../core/distribution.js';
import { checkOptions } from '../core/errors.js';
import { logSoftmax } from '../core/math.js';
import { parameterAt, splitAxes } from '../core/parameterShapes.js';
import { checkEvent, sumTrailing } from '../core/shapes.js';
import { untaped } from '../core/stopGradient.js';
import { classProperties, drawClass, outsidePenalty } from './classes.js';

/** What `categorical` takes. */
export interface CategoricalOptions {
  /** Unnormalised log-probabilities of the K classes, [...batch, ...event, K]; finite: -1e9 rules a class out, -Infinity gives NaN. */
  readonly logits: Tensor;
  /** Trailing axes before the classes that form one event. Default: min(1, their number). */
  readonly eventRank?: number;
}

/**
 * Independent variables with classes 0 ... K - 1: log p(x) = sum over the event of log softmax(logits)[x], in nats, and -Infinity where
 * a value is none of the classes. Entropy -sum p log p; the mode is the likeliest class; no mean, since classes are names. The KL
 * divergence from one to another with as many classes is analytic.
 *
 * Shapes: logits [...batch, ...event, K], values and draws [...shape, ...batch, ...event] of dtype float32, log-probabilities
 * [...batch]. Draws (the largest of logits plus Gumbel noise) are NOT reparameterised: they are constants, no gradient flows through
 * them into the logits.
 *
 * @throws where the logits are no float32 tensor with an axis of classes, for a wrong eventRank, an unknown option.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { categorical } from 'tfjs-flows';
 *
 * const p = categorical({ logits: tf.tensor1d([0, Math.log(2), Math.log(5)]) });
 * const logProb = p.logProb(tf.tensor1d([0, 2, 3]));
 * console.log(Array.from(logProb.dataSync(), (value) => value.toFixed(4))); // => [ '-2.0794', '-0.4700', '-Infinity' ]
 * console.log(p.mode!().dataSync()[0]); // => 2
 * ```
 */
export function categorical(options: CategoricalOptions): Distribution {
  checkOptions('categorical', options, ['logits', 'eventRank']);
  const { logits } = options;
  checkEvent('categorical', 'options.logits', logits, [null]);
  const { eventShape, batchShape } = splitAxes('categorical', logits.shape.slice(0, -1), options.eventRank);
  const [rank, count] = [eventShape.length, logits.shape.at(-1) as number];
  const logitsAt = (call: CallOptions): Tensor => parameterAt('categorical', logits, call);
  return defineDistribution({
    name: 'categorical',
    eventShape,
    batchShape: () => batchShape,
    sample: (size, { rng }) => drawClass(logitsAt({}), size, rng),
    logProb: (value, call) => {
      const chosen = untaped(() => cast(equal(expandDims(value, -1), range(0, count)), 'float32'));
      const logP = sum(mul(chosen, logSoftmax(logitsAt(call))), -1);
      return sumTrailing(add(logP, outsidePenalty(value, count)), rank);
    },
    ...classProperties(logitsAt, rank),
  });
}
