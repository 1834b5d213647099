import type { Tensor } from '@tensorflow/tfjs-core';
import { add, div, log, mul, neg, sub, zeros } from '@tensorflow/tfjs-core';
import type { Bijector, CallOptions } from '../core/bijector.js';
import { defineBijector } from '../core/bijector.js';
import { checkInteger, checkOptions } from '../core/errors.js';
import { asinhExact, logCosh, sinhExact, softplusExact } from '../core/math.js';
import type { Rng } from '../core/rng.js';
import { sumTrailing } from '../core/shapes.js';
import { softplusInverse } from '../core/softplusInverse.js';
import { parameterSource } from './amortised.js';

/** What `sinhArcsinh` takes. */
export interface SinhArcsinhOptions {
  /** Size D of an event. */
  readonly dim: number;
  /** Size of a context from which the parameters are computed, for each example its own, by one linear layer. Default: own ones. */
  readonly contextDim?: number;
  /** Given skew and rawTail [..., D] instead of own ones: tensors or variables that stay the caller's. */
  readonly given?: { readonly skew: Tensor; readonly rawTail: Tensor };
  /** Draws the initial kernel of the context's layer. */
  readonly rng?: Rng;
}

/**
 * Skewness and weight of the tails, in each dimension: y = sinh(tail (asinh(x) + skew)), with tail = softplus(rawTail + log(e - 1)) > 0.
 *
 * A positive skew leans to the right; a tail above 1 makes the tails of y heavier than those of x, one below 1 lighter: far out
 * |y| is about |2x|^tail / 2 where skew is 0. With u = asinh(x) and v = asinh(y) = tail (u + skew),
 * log|det| = sum over the event of log(tail) + log cosh(v) - log cosh(u), and the inverse is x = sinh(v / tail - skew).
 *
 * Own parameters: `skew`, `rawTail` [D], both 0 at first, which is the identity; from a context `kernel` [contextDim, 2 D] and `bias`
 * [2 D].
 *
 * Shapes: x and y [...batch, D], log-det [...batch], context [...batch, contextDim]. Parallel in both directions. Given parameters may
 * have batch axes, which broadcast to those of x.
 *
 * In float32 y is an infinity where |v| is above 89, and so is x where |u| is.
 *
 * @throws for a wrong dim, an unknown option, given parameters that are no tensors, and at a call for a wrong shape.
 * Source: Jones and Pewsey 2009, "Sinh-arcsinh distributions", section 2: their S is the inverse here, with epsilon = skew and
 * delta = 1 / tail.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { sinhArcsinh } from 'tfjs-flows';
 *
 * const given = { skew: tf.tensor1d([0.5, 0]), rawTail: tf.tensor1d([0, 1]) };
 * const [y, logDet] = sinhArcsinh({ dim: 2, given }).forwardAndLogDet(tf.tensor2d([[1, -30]]));
 * console.log(Array.from(y.dataSync(), (value) => value.toFixed(3))); // => [ '1.865', '-609.327' ]
 * console.log(logDet.dataSync()[0]!.toFixed(4)); // => 3.9647
 * ```
 */
export function sinhArcsinh(options: SinhArcsinhOptions): Bijector {
  checkOptions('sinhArcsinh', options, ['dim', 'contextDim', 'given', 'rng']);
  const { dim, contextDim } = options;
  checkInteger('sinhArcsinh', 'options.dim', dim, 1);
  const zero = { shape: [dim], init: () => zeros([dim]) };
  const source = parameterSource('sinhArcsinh', { skew: zero, rawTail: zero }, options);
  const prepare = (call: CallOptions): Prepared => {
    const { skew, rawTail } = source.at(call);
    return { skew, tail: softplusExact(add(rawTail, softplusInverse(1))) };
  };

  return defineBijector({
    name: 'sinhArcsinh',
    forwardEvent: [dim],
    contextDim,
    parameters: source.parameters,
    forwardAndLogDet: (x, call) => {
      const { skew, tail } = prepare(call);
      const u = asinhExact(x);
      const v = mul(tail, add(u, skew));
      return [sinhExact(v), logDet(u, v, tail)];
    },
    inverseAndLogDet: (y, call) => {
      const { skew, tail } = prepare(call);
      const v = asinhExact(y);
      const u = sub(div(v, tail), skew);
      return [sinhExact(u), neg(logDet(u, v, tail))];
    },
  });
}

interface Prepared {
  readonly skew: Tensor;
  readonly tail: Tensor;
}

/** In u = asinh(x) and v = asinh(y), since sqrt(1 + x^2) = cosh(u): nothing is squared that could overflow. */
const logDet = (u: Tensor, v: Tensor, tail: Tensor): Tensor => sumTrailing(add(log(tail), sub(logCosh(v), logCosh(u))), 1);
