import type { Tensor } from '@tensorflow/tfjs-core';
import { cast, floor, tidy, zeros } from '@tensorflow/tfjs-core';
import type { Dequantizer } from '../core/dequantizer.js';
import { checkInteger, checkOptions, invalid } from '../core/errors.js';
import { defineModule } from '../core/module.js';
import { createRng } from '../core/rng.js';
import { batchShapeOf, checkEvent } from '../core/shapes.js';
import { addNoise, canReadSync, checkDiscrete, checkLevelCount, checkValues } from './levels.js';

/** What `uniformDequantizer` takes. */
export interface UniformDequantizerOptions {
  /** How many values x can take: 0 ... levels - 1. From 2 to 65536; 256 for bytes. */
  readonly levels: number;
  /** Trailing axes of x that form one example. Default 1. */
  readonly eventRank?: number;
  /**
   * Whether every call reads x and throws where a value is none of the levels. Default true. It costs nothing to speak of on
   * the CPU and WASM backends; on WebGL it waits for the device unless x is fresh from the host; on WebGPU, which cannot
   * read synchronously, it is not done. With or without it the result is NaN where x is none of the levels, on every backend,
   * and `await dequantizer.check(x)` tells everywhere.
   */
  readonly validate?: boolean;
}

/** A uniform dequantizer: `Dequantizer` and a check of the data. */
export interface UniformDequantizer extends Dequantizer {
  /** Resolves where x holds integers of 0 ... levels - 1 only, on any backend. @throws (rejects) naming the first that is not. */
  check(x: Tensor): Promise<void>;
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
export function uniformDequantizer(options: UniformDequantizerOptions): UniformDequantizer {
  checkOptions('uniformDequantizer', options, ['levels', 'eventRank', 'validate']);
  const { levels, eventRank = 1, validate = true } = options;
  checkLevelCount('uniformDequantizer', levels);
  checkInteger('uniformDequantizer', 'options.eventRank', eventRank, 0);
  if (typeof validate !== 'boolean') {
    throw invalid('uniformDequantizer', 'options.validate', 'true or false', validate);
  }

  return {
    ...defineModule({}),
    name: 'uniformDequantizer',
    levels,
    eventRank,
    sampleAndLogProb: (x, { shape = [], rng = createRng() } = {}) => {
      const where = 'uniformDequantizer.sampleAndLogProb';
      checkDiscrete(where, x, eventRank);
      if (validate && canReadSync()) {
        checkValues(where, x.dataSync(), levels);
      }
      return tidy((): [Tensor, Tensor] => [
        addNoise(cast(x, 'float32'), rng.uniform([...shape, ...x.shape]), levels),
        zeros([...shape, ...batchShapeOf(x, eventRank)]),
      ]);
    },
    quantize: (y) => {
      checkEvent(
        'uniformDequantizer.quantize',
        'y',
        y,
        Array.from({ length: eventRank }, () => null),
      );
      return floor(y);
    },
    check: async (x) => {
      checkDiscrete('uniformDequantizer.check', x, eventRank);
      checkValues('uniformDequantizer.check', await x.data(), levels);
    },
  };
}
