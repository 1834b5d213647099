import { add, log, mul, sub } from '@tensorflow/tfjs-core';
import type { Bijector } from '../core/bijector.js';
import { defineBijector } from '../core/bijector.js';
import { checkInteger, checkNumber, checkOptions } from '../core/errors.js';
import { sizeOf, sumTrailing } from '../core/shapes.js';
import { sigmoidMap } from '../core/sigmoidMap.js';

/** What `logitPreprocess` takes. */
export interface LogitPreprocessOptions {
  /** x lies in [0, levels]: 256 for dequantized bytes, 1 for data that are in the unit interval already. */
  readonly levels: number;
  /** How far from 0 and 1 the logit's argument stays: at least 0, below 1/2. Default 0.05; 1e-6 is usual for MNIST. */
  readonly lambda?: number;
  /** Trailing axes of x that form one example. Default 1. */
  readonly eventRank?: number;
}

/**
 * Dequantized data onto the line: z = logit(lambda + (1 - 2 lambda) x / levels).
 *
 * log|dz/dx| = log((1 - 2 lambda) / levels) - log(p) - log(1 - p), p the logit's argument, summed over the event; the constant
 * is worked out on the host in float64. It is with respect to x in its own units, so that a density over z becomes one over x that
 * owes nothing: `bitsPerDim` needs no `levels`.
 *
 * Shapes: x and z [...batch, ...event], log-det [...batch]. x is the data and z what is modelled: a density of x is
 * `flow({ base, bijector: invert(logitPreprocess({ levels })) })`. p and 1 - p are each exact next to 0 in float32.
 *
 * The range of the inverse is more than [0, levels], by lambda / (1 - 2 lambda) of its length at both ends: clip what is sampled. Where
 * x is at an end of that range z is infinite, and beyond it NaN: this is not checked, since it would mean reading x. Dequantizers check
 * the integers that they are given.
 *
 * @throws for levels below 1, a lambda outside [0, 1/2), a wrong eventRank, an unknown option; at a call for a wrong rank or dtype.
 * Source: Papamakarios, Pavlakou and Murray 2017, "Masked autoregressive flow for density estimation"; Dinh, Sohl-Dickstein and
 * Bengio 2017, "Density estimation using Real NVP", section 4.1, where lambda is called alpha. That paper prints alpha + (1 - alpha) x / levels,
 * which is `logitBijector({ low: -a, high: levels })` with a = levels alpha / (1 - alpha).
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { logitPreprocess } from 'tfjs-flows';
 *
 * const [z, logDet] = logitPreprocess({ levels: 256 }).forwardAndLogDet(tf.tensor2d([[0.5, 128, 255.5]]));
 * console.log(Array.from(z.dataSync(), (value) => value.toFixed(3))); // => [ '-2.908', '0.000', '2.908' ]
 * console.log(logDet.dataSync()[0]!.toFixed(3)); // => -9.537
 * ```
 */
export function logitPreprocess(options: LogitPreprocessOptions): Bijector {
  checkOptions('logitPreprocess', options, ['levels', 'lambda', 'eventRank']);
  const { levels, lambda = 0.05, eventRank = 1 } = options;
  checkInteger('logitPreprocess', 'options.levels', levels, 1);
  checkNumber('logitPreprocess', 'options.lambda', lambda, { least: 0, below: 0.5 });
  const slope = (1 - 2 * lambda) / levels;
  const beyond = lambda / slope;
  const back = sigmoidMap('logitPreprocess', { low: -beyond, high: levels + beyond, eventRank });
  return defineBijector({
    name: 'logitPreprocess',
    forwardEvent: Array(eventRank).fill(null),
    forwardAndLogDet: (x) => {
      const logBelow = log(add(mul(x, slope), lambda));
      // levels - x is exact in the upper half, where the distance to a rounded upper end would not be.
      const logAbove = log(add(mul(sub(levels, x), slope), lambda));
      const constant = sizeOf(x.shape.slice(x.shape.length - eventRank)) * Math.log(slope);
      return [sub(logBelow, logAbove), sub(constant, sumTrailing(add(logBelow, logAbove), eventRank))];
    },
    inverseAndLogDet: back.fromLine,
  });
}
