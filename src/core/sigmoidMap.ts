import type { Tensor } from '@tensorflow/tfjs-core';
import { add, log, mul, neg, sigmoid, softplus, sub } from '@tensorflow/tfjs-core';
import { checkInteger, checkNumber, checkOptions } from './errors.js';
import { sizeOf, sumTrailing } from './shapes.js';

/** The interval between which and the line a sigmoid goes. */
export interface IntervalOptions {
  /** Default 0. */
  readonly low?: number;
  /** Above `low`. Default 1. */
  readonly high?: number;
  /** Trailing axes that form one event. Default 0: each element is its own. */
  readonly eventRank?: number;
}

/** The sigmoid onto (low, high) and its inverse, both with log-dets: what `sigmoidBijector` and `logitBijector` share. */
export interface SigmoidMap {
  readonly eventRank: number;
  fromLine(x: Tensor): [y: Tensor, logDet: Tensor];
  toLine(y: Tensor): [x: Tensor, logDet: Tensor];
}

export function sigmoidMap(where: string, options: IntervalOptions): SigmoidMap {
  checkOptions(where, options, ['low', 'high', 'eventRank']);
  const { low = 0, high = 1, eventRank = 0 } = options;
  checkNumber(where, 'options.low', low);
  checkNumber(where, 'options.high', high, { above: low });
  checkInteger(where, 'options.eventRank', eventRank, 0);
  // On the host, in float64, for however many elements an event has.
  const widths = (x: Tensor): number => sizeOf(x.shape.slice(x.shape.length - eventRank)) * Math.log(high - low);
  return {
    eventRank,
    fromLine: (x) => {
      // A weighted mean of the ends: where the sigmoid saturates it is the end itself, never a number beyond.
      const y = add(mul(sigmoid(neg(x)), low), mul(sigmoid(x), high));
      return [y, sub(widths(x), sumTrailing(add(softplus(x), softplus(neg(x))), eventRank))];
    },
    toLine: (y) => {
      // Both distances are exact in float32 near their own end, which y / (high - low) is not.
      const [logAbove, logBelow] = [log(sub(y, low)), log(sub(high, y))];
      return [sub(logAbove, logBelow), sub(widths(y), sumTrailing(add(logAbove, logBelow), eventRank))];
    },
  };
}
