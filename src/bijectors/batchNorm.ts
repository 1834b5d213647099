import type { Tensor } from '@tensorflow/tfjs-core';
import { add, exp, log, mean, mul, neg, ones, reshape, square, sub, zeros } from '@tensorflow/tfjs-core';
import type { Bijector, CallOptions } from '../core/bijector.js';
import { defineBijector } from '../core/bijector.js';
import { checkInteger, checkNumber, checkOptions } from '../core/errors.js';
import { buffer, parameter } from '../core/module.js';
import { own } from '../core/stopGradient.js';
import { sumLogDerivative } from '../core/sumLogDerivative.js';

/** What `batchNorm` takes. */
export interface BatchNormOptions {
  /** Channels C: the size of the last axis. */
  readonly dim: number;
  /** Trailing axes that form one event, the channels last: 1 (default) for vectors, 3 for images [height, width, C]. */
  readonly eventRank?: number;
  /** The share of the batch's statistics in the running ones after a training call. Default 0.1. */
  readonly momentum?: number;
  /** Added to variances. Default 1e-5. */
  readonly epsilon?: number;
}

/**
 * Batch normalisation as a bijector. From data to base, with mean m and variance v of each channel:
 *
 *   inverse: x = (y - m) / sqrt(v + epsilon) e^logGamma + beta, log|det dx/dy| = (pixels) sum(logGamma - log(v + epsilon) / 2).
 *
 * - Without `training` (the default) m and v are the running statistics, and `forward` and `inverse` are each other's inverses.
 * - With `training: true`, `inverse` takes mean and (biased) variance of the batch that it is given, over all axes but the last, with
 *   gradients through both, and moves the running ones: r <- (1 - momentum) r + momentum (that of the batch), unless the call is
 *   `frozen`. A row then depends on the others, and the log-det is that of the map with m and v held constant, as is usual.
 * - `forward` takes the running statistics always: whoever draws samples has no batch of data. In training it is therefore not the
 *   inverse of `inverse`.
 *
 * Parameters `logGamma` and `beta` [C] start at 0, buffers `runningMean` [C] at 0 and `runningVariance` [C] at 1: the identity, up
 * to epsilon. With momentum 1 a single training call on the whole data sets exact statistics, as for MAF.
 *
 * Shapes: x and y [...batch, ...event] with an event [..., C], log-det [...batch]. Both directions parallel.
 *
 * @throws for wrong sizes, a momentum outside [0, 1], an epsilon that is not positive; at a call for a wrong shape.
 * Source: Dinh et al. 2017, "Real NVP", section 3.7; Papamakarios et al. 2017 (MAF), appendix B.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { batchNorm } from 'tfjs-flows';
 *
 * const norm = batchNorm({ dim: 1, momentum: 1 });
 * const data = tf.tensor2d([[10], [14]]);
 * console.log(Array.from(norm.inverse(data, { training: true }).dataSync(), Math.round)); // => [ -1, 1 ]
 * console.log(Array.from(norm.forward(tf.tensor2d([[-1], [1]])).dataSync(), Math.round)); // => [ 10, 14 ]
 * ```
 */
export function batchNorm(options: BatchNormOptions): Bijector {
  checkOptions('batchNorm', options, ['dim', 'eventRank', 'momentum', 'epsilon']);
  const { dim, eventRank = 1, momentum = 0.1, epsilon = 1e-5 } = options;
  checkInteger('batchNorm', 'options.dim', dim, 1);
  checkInteger('batchNorm', 'options.eventRank', eventRank, 1);
  checkNumber('batchNorm', 'options.momentum', momentum, { least: 0, most: 1 });
  checkNumber('batchNorm', 'options.epsilon', epsilon, { above: 0 });
  const logGamma = parameter(() => zeros([dim]));
  const beta = parameter(() => zeros([dim]));
  const runningMean = buffer(() => zeros([dim]));
  const runningVariance = buffer(() => ones([dim]));

  // By rows: on WebGPU the difference of a tensor of five axes and a vector came out wrong in tests.
  const rowsOf = (x: Tensor): Tensor => reshape(x, [-1, dim]);
  const running: Statistics = { centre: runningMean, variance: runningVariance };
  const ofBatch = (y: Tensor, call: CallOptions): Statistics => {
    const rows = rowsOf(y);
    const centre = mean(rows, 0);
    const variance = mean(square(sub(rows, centre)), 0);
    if (call.frozen !== true) {
      runningMean.assign(mix(runningMean, centre, momentum));
      runningVariance.assign(mix(runningVariance, variance, momentum));
    }
    return { centre, variance };
  };
  /** log dx/dy, [C]. */
  const logScale = ({ variance }: Statistics, call: CallOptions): Tensor =>
    sub(own(logGamma, call), mul(log(add(variance, epsilon)), 0.5));

  return defineBijector({
    name: 'batchNorm',
    forwardEvent: [...Array(eventRank - 1).fill(null), dim],
    parameters: { logGamma, beta },
    buffers: { runningMean, runningVariance },
    forwardAndLogDet: (x, call) => {
      const minusLog = neg(logScale(running, call));
      const y = add(mul(sub(rowsOf(x), own(beta, call)), exp(minusLog)), runningMean);
      return [reshape(y, x.shape), sumLogDerivative(minusLog, x, eventRank)];
    },
    inverseAndLogDet: (y, call) => {
      const statistics = call.training === true ? ofBatch(y, call) : running;
      const logs = logScale(statistics, call);
      const x = add(mul(sub(rowsOf(y), statistics.centre), exp(logs)), own(beta, call));
      return [reshape(x, y.shape), sumLogDerivative(logs, y, eventRank)];
    },
  });
}

/** [C] each. */
interface Statistics {
  readonly centre: Tensor;
  readonly variance: Tensor;
}

const mix = (before: Tensor, batch: Tensor, share: number): Tensor => add(mul(before, 1 - share), mul(batch, share));
