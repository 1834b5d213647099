import {
  abs,
  add,
  cast,
  greater,
  isFinite,
  lessEqual,
  log,
  logicalAnd,
  maximum,
  mean,
  min,
  mul,
  ones,
  onesLike,
  reshape,
  sqrt,
  square,
  sub,
  where,
  zeros,
} from '@tensorflow/tfjs-core';
import type { Bijector } from '../core/bijector.js';
import { checkInteger, checkOptions } from '../core/errors.js';
import { buffer, parameter } from '../core/module.js';
import { channelAffine } from './channelAffine.js';

/** What `actNorm` takes. */
export interface ActNormOptions {
  /** Channels C: the size of the last axis. */
  readonly dim: number;
  /** Trailing axes that form one event, the channels last: 1 (default) for vectors, 3 for images [height, width, C]. */
  readonly eventRank?: number;
}

/**
 * Activation normalisation: y = exp(logScale) x + shift, one scale and one shift a channel.
 *
 * log|det| = (elements of an event / C) sum(logScale): an image counts each channel once a pixel.
 *
 * Both parameters `logScale`[C] and `shift`[C] are 0 at first: the identity. `initialize(data)` sets them so that
 * `inverse(data)` has mean 0 and variance 1 in each channel, over all the other axes: shift is the mean and logScale the
 * logarithm of the (biased) standard deviation. A channel that does not vary (one single value, or a spread
 * within rounding of its mean) keeps the scale 1. The buffer `initialized` is saved with the weights: from then on, after a load
 * too, `initialize` does nothing; to do it anew, assign 0 to the buffer first.
 * Data with NaN, or so large that their variance overflows, are not taken: all stays as it was, the flag included.
 *
 * Shapes: x and y [...batch, ...event] with an event [..., C], log-det [...batch].
 *
 * @throws for a wrong dim or eventRank, an unknown option; at a call for a wrong shape.
 * Source: Kingma and Dhariwal 2018, "Glow", section 3.1 (there in the direction from data to base).
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { actNorm } from 'tfjs-flows';
 *
 * const norm = actNorm({ dim: 1 });
 * const data = tf.tensor2d([[1], [5]]);
 * norm.initialize!(data);
 * console.log(norm.inverse(data).arraySync()); // => [ [ -1 ], [ 1 ] ]
 * ```
 */
export function actNorm(options: ActNormOptions): Bijector {
  checkOptions('actNorm', options, ['dim', 'eventRank']);
  const { dim, eventRank = 1 } = options;
  checkInteger('actNorm', 'options.dim', dim, 1);
  checkInteger('actNorm', 'options.eventRank', eventRank, 1);
  const logScale = parameter(() => zeros([dim]));
  const shift = parameter(() => zeros([dim]));
  const initialized = buffer(() => zeros([]));

  return channelAffine({
    name: 'actNorm',
    dim,
    eventRank,
    logScale,
    shift,
    buffers: { initialized },
    initialize: (data) => {
      const rows = reshape(data, [-1, dim]);
      const centre = mean(rows, 0);
      const deviation = sqrt(mean(square(sub(rows, centre)), 0));
      const varies = greater(deviation, mul(maximum(abs(centre), 1), ROUNDING));
      const spread = where(varies, deviation, onesLike(deviation));
      // Chosen on the device: neither the flag nor the data can be read synchronously on every backend.
      const sound = min(cast(isFinite(add(centre, spread)), 'float32'));
      const now = logicalAnd(lessEqual(initialized, 0), greater(sound, 0));
      logScale.assign(where(now, log(spread), logScale));
      shift.assign(where(now, centre, shift));
      initialized.assign(where(now, ones([]), initialized));
    },
  });
}

/** What float32 may leave of a spread that is none, relative to the mean. */
const ROUNDING = 1e-6;
