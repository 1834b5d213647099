import type { Tensor } from '@tensorflow/tfjs-core';
import { abs, add, div, fill, log, mul, neg, sub, zeros } from '@tensorflow/tfjs-core';
import type { Bijector, CallOptions } from '../core/bijector.js';
import { defineBijector } from '../core/bijector.js';
import { checkInteger, checkNumber, checkOptions, invalid } from '../core/errors.js';
import { parameter } from '../core/module.js';
import { batchShapeOf, broadcastsTo, checkEvent, sizeOf } from '../core/shapes.js';
import { own } from '../core/stopGradient.js';
import { sumLogDerivative } from '../core/sumLogDerivative.js';
import { channelAffine } from './channelAffine.js';

/** What `scaleShift` takes: `scale` and `shift`, or `dim`. */
export interface ScaleShiftOptions {
  /** Not 0: a number, or a float32 tensor that broadcasts to x and stays the caller's. Negative ones are fine. Default 1. */
  readonly scale?: number | Tensor;
  /** A number, or a float32 tensor that broadcasts to x and stays the caller's. Default 0. */
  readonly shift?: number | Tensor;
  /** Size D of an event, for own trainable parameters `logScale`[D] and `shift`[D], both 0 at first, in place of given ones. */
  readonly dim?: number;
  /** Trailing axes that form one event. Default: min(1, the rank of the given tensors), 0 for numbers; 1 with `dim`. */
  readonly eventRank?: number;
}

/**
 * Affine map of each element: y = scale x + shift, log|det| = sum over the event of log|scale|.
 *
 * Shapes: x and y [...batch, ...event], log-det [...batch]; given tensors broadcast to x, so that a scale [...batch, D] is
 * each example's own. For a number the log-det is worked out on the host in float64.
 *
 * A zero in a tensor is not looked for (that would mean reading it): its log-det is -infinity.
 *
 * @throws for a scale of 0, numbers that are not finite, tensors that are not float32, `dim` together with `scale` or `shift`,
 * an unknown option; at a call where the given tensors do not broadcast to x.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { scaleShift } from 'tfjs-flows';
 *
 * const [y, logDet] = scaleShift({ scale: -2, shift: 1, eventRank: 1 }).forwardAndLogDet(tf.tensor2d([[0, 3]]));
 * console.log(y.arraySync()); // => [ [ 1, -5 ] ]
 * console.log(logDet.dataSync()[0]!.toFixed(4)); // => 1.3863
 * ```
 */
export function scaleShift(options: ScaleShiftOptions): Bijector {
  checkOptions('scaleShift', options, ['scale', 'shift', 'dim', 'eventRank']);
  return options.dim === undefined ? withGiven(options) : withOwn(options, options.dim);
}

function withGiven({ scale = 1, shift = 0, eventRank = defaultRank(scale, shift) }: ScaleShiftOptions): Bijector {
  checkValue('scale', scale);
  checkValue('shift', shift);
  if (scale === 0) {
    throw invalid('scaleShift', 'options.scale', 'other than zero', scale);
  }
  checkInteger('scaleShift', 'options.eventRank', eventRank, 0);
  const at = (argument: 'x' | 'y', x: Tensor, call: CallOptions): [scale: number | Tensor, shift: number | Tensor] => {
    const use = (value: number | Tensor): number | Tensor => {
      if (typeof value === 'number') {
        return value;
      }
      if (!broadcastsTo(value.shape, x.shape)) {
        const where = `scaleShift.${argument === 'x' ? 'forward' : 'inverse'}`;
        throw invalid(where, argument, `of a shape that scale or shift, [${value.shape.join(', ')}], broadcasts to`, x);
      }
      return own(value, call);
    };
    return [use(scale), use(shift)];
  };
  const logDet = (a: number | Tensor, x: Tensor): Tensor => {
    if (typeof a === 'number') {
      const eventSize = sizeOf(x.shape.slice(x.shape.length - eventRank));
      return fill(batchShapeOf(x, eventRank), eventSize * Math.log(Math.abs(a)));
    }
    return sumLogDerivative(log(abs(a)), x, eventRank);
  };
  return defineBijector({
    name: 'scaleShift',
    forwardEvent: Array(eventRank).fill(null),
    forwardAndLogDet: (x, call) => {
      const [a, b] = at('x', x, call);
      return [add(mul(x, a), b), logDet(a, x)];
    },
    inverseAndLogDet: (y, call) => {
      const [a, b] = at('y', y, call);
      return [div(sub(y, b), a), neg(logDet(a, y))];
    },
  });
}

function withOwn({ scale, shift: given, eventRank = 1 }: ScaleShiftOptions, dim: number): Bijector {
  checkInteger('scaleShift', 'options.dim', dim, 1);
  checkInteger('scaleShift', 'options.eventRank', eventRank, 1);
  if (scale !== undefined || given !== undefined) {
    throw invalid('scaleShift', 'options.dim', 'left out where scale or shift is given', dim);
  }
  const logScale = parameter(() => zeros([dim]));
  const shift = parameter(() => zeros([dim]));
  return channelAffine({ name: 'scaleShift', dim, eventRank, logScale, shift });
}

const defaultRank = (...values: readonly (number | Tensor)[]): number =>
  Math.min(1, Math.max(...values.map((value) => (typeof value === 'number' ? 0 : (value?.shape?.length ?? 0)))));

function checkValue(name: string, value: number | Tensor): void {
  if (typeof value === 'number') {
    checkNumber('scaleShift', `options.${name}`, value);
  } else {
    checkEvent('scaleShift', `options.${name}`, value, []);
  }
}
