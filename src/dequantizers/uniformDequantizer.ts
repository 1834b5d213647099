import { zeros } from '@tensorflow/tfjs-core';
import { checkInteger, checkOptions } from '../core/errors.js';
import { batchShapeOf } from '../core/shapes.js';
import type { CheckingDequantizer, LevelsOptions } from './defineDequantizer.js';
import { defineDequantizer } from './defineDequantizer.js';

/** What `uniformDequantizer` takes. */
export interface UniformDequantizerOptions extends LevelsOptions {
  /** Trailing axes of x that form one example. Default 1. */
  readonly eventRank?: number;
}

/**
 * Uniform dequantization: y = x + u with u uniform on [0, 1), and so log q(u | x) = 0.
 *
 * With it E_u log p(x + u) is a lower bound of log P(x), where P(x) is the integral of p over the unit cube above x; the gap is
 * KL(q || p(u | x)), and `dequantizedLogProb` estimates the bound.
 *
 * Shapes: x [...batch, ...event], of dtype float32 or int32, gives y [...shape, ...batch, ...event] in x units, that is in
 * [0, levels), and log q [...shape, ...batch] in nats. floor(y) = x always: where float32 rounds x + u up to x + 1, a number
 * just below is taken. `quantize` is the floor.
 *
 * @throws for levels that are no integer of 2 ... 65536, a negative eventRank, an unknown option; at a call for an x of the
 * wrong dtype or rank and, as `validate` says, for a value that is none of the levels (negative, too large, fractional, NaN).
 * Source: Theis, van den Oord and Bethge 2016, "A note on the evaluation of generative models", section 3.1.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { createRng, uniformDequantizer } from 'tfjs-flows';
 *
 * const dequantizer = uniformDequantizer({ levels: 256 });
 * const x = tf.tensor2d([[0, 128, 255]]);
 * const [y, logQ] = dequantizer.sampleAndLogProb(x, { rng: createRng(0) });
 * console.log(y.shape, logQ.shape); // => [ 1, 3 ] [ 1 ]
 * console.log(dequantizer.quantize(y).dataSync().join()); // => 0,128,255
 * ```
 */
export function uniformDequantizer(options: UniformDequantizerOptions): CheckingDequantizer {
  checkOptions('uniformDequantizer', options, ['levels', 'eventRank', 'validate']);
  const { eventRank = 1 } = options;
  checkInteger('uniformDequantizer', 'options.eventRank', eventRank, 0);
  return defineDequantizer({
    ...options,
    name: 'uniformDequantizer',
    event: Array.from({ length: eventRank }, () => null),
    noise: (x, { shape, rng }) => [rng.uniform([...shape, ...x.shape]), zeros([...shape, ...batchShapeOf(x, eventRank)])],
  });
}
