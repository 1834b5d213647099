import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import { cast, exp, fill, greater, greaterEqual, less, mul, neg, stack, sub, unstack } from '@tensorflow/tfjs-core';
import type { Bijector, CallOptions } from '../core/bijector.js';
import { defineBijector } from '../core/bijector.js';
import { checkInteger, checkNumber, checkOptions, invalid } from '../core/errors.js';
import { monotoneRoot } from '../core/root.js';
import { select } from '../core/select.js';
import { sumTrailing } from '../core/shapes.js';
import { untaped } from '../core/stopGradient.js';

/** What `elementwise` takes. */
export interface ElementwiseOptions {
  /** f: a strictly monotone scalar function, rising or falling, applied to each element; made of TensorFlow.js ops. */
  readonly forward: (x: Tensor, options: CallOptions) => Tensor;
  /** x of f(x) = y. Default: searched for numerically, with the implicit gradient. */
  readonly inverse?: (y: Tensor, options: CallOptions) => Tensor;
  /** log|f'(x)|, of the shape of x. */
  readonly logDerivative: (x: Tensor, options: CallOptions) => Tensor;
  /**
   * Numbers between which the numeric search looks for x, f being finite at both. Default: an interval that starts as [-1, 1] and
   * is grown on the device until f takes y between its ends, as far as 8^12 (7e10).
   */
  readonly bracket?: readonly [low: number, high: number];
  /** Trailing axes that form one event. Default 0: each element is its own. */
  readonly eventRank?: number;
  /** Variables that the functions use, which training is to change and `dispose` to free. */
  readonly parameters?: Readonly<Record<string, Variable>>;
  /** Default 'elementwise'. */
  readonly name?: string;
}

/**
 * A scalar function of your own, applied to each element: y = f(x), log|det| = sum over the event of log|f'(x)|.
 *
 * Give `inverse` where there is a formula. Without it x is the root of f(x) = y, found on the device by a Newton search that is
 * kept inside a bracket, and differentiated by the implicit function theorem: right in y and in whatever f depends on. A y that
 * f takes nowhere in the bracket ends at an end of it.
 *
 * `logDerivative` is not left to automatic differentiation, since training differentiates it once more, and second derivatives in
 * TensorFlow.js 4.22 are silently wrong for ops whose gradient uses their own result: exp, tanh, sigmoid.
 *
 * Functions with parameters get the call's options: where `options.frozen` is set they must use `stopGradient` of what they own.
 *
 * Shapes: x and y [...batch, ...event], log-det [...batch]. Inverse parallel where it is given, iterative otherwise.
 *
 * @throws where forward, inverse or logDerivative is no function, for a bracket that is no two rising numbers or that comes together
 * with an inverse, a wrong eventRank, an unknown option; at a call for a wrong rank or dtype.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { elementwise } from 'tfjs-flows';
 *
 * const cubic = elementwise({
 *   forward: (x) => tf.add(x, tf.mul(x, tf.square(x))),
 *   logDerivative: (x) => tf.log(tf.add(tf.mul(tf.square(x), 3), 1)),
 * });
 * const [y, logDet] = cubic.forwardAndLogDet(tf.scalar(2));
 * console.log(y.dataSync()[0], logDet.dataSync()[0]!.toFixed(4)); // => 10 2.5649
 * console.log(cubic.inverse(y).dataSync()[0]!.toFixed(4)); // => 2.0000
 * ```
 */
export function elementwise(options: ElementwiseOptions): Bijector {
  const { name = 'elementwise' } = Object(options) as ElementwiseOptions;
  checkOptions(name, options, ['forward', 'inverse', 'logDerivative', 'bracket', 'eventRank', 'parameters', 'name']);
  const { forward, inverse, logDerivative, bracket, eventRank = 0, parameters = {} } = options;
  for (const [argument, value] of Object.entries({ forward, logDerivative, ...(inverse === undefined ? {} : { inverse }) })) {
    if (typeof value !== 'function') {
      throw invalid(name, `options.${argument}`, 'a function', value);
    }
  }
  checkInteger(name, 'options.eventRank', eventRank, 0);
  checkBracket(name, bracket, inverse);

  const solve = (y: Tensor, call: CallOptions): Tensor =>
    root(
      (x) => forward(x, call),
      (x) => exp(logDerivative(x, call)),
      y,
      bracket,
    );
  const invert = inverse ?? solve;

  return defineBijector({
    name,
    forwardEvent: Array(eventRank).fill(null),
    inverseCost: inverse === undefined ? 'iterative' : 'parallel',
    parameters,
    forwardAndLogDet: (x, call) => [forward(x, call), sumTrailing(logDerivative(x, call), eventRank)],
    inverseAndLogDet: (y, call) => {
      const x = invert(y, call);
      return [x, neg(sumTrailing(logDerivative(x, call), eventRank))];
    },
    forward,
    inverse: invert,
  });
}

type Scalar = (x: Tensor) => Tensor;

/** The x of f(x) = y, for f of the given slope, either sign left out. */
function root(f: Scalar, slope: Scalar, y: Tensor, bracket: ElementwiseOptions['bracket']): Tensor {
  const ends = (bracket ?? START).map((end) => fill(y.shape, end)) as [Tensor, Tensor];
  // +1 where f rises, -1 where it falls: what is searched for is the root of a rising function.
  const direction = untaped(() => sub(mul(cast(greaterEqual(f(ends[1]), f(ends[0])), 'float32'), 2), 1));
  const rising = (x: Tensor): Tensor => mul(sub(f(x), y), direction);
  const [low, high] = bracket === undefined ? grow(rising, ends) : ends;
  return monotoneRoot({ residual: (x) => [rising(x), slope(x)], low, high, iterations: ITERATIONS });
}

const START = [-1, 1] as const;
const FACTOR = 8;
const ROUNDS = 12;
/** A bracket of a million is halved to float32's spacing near 1 in so many steps, whatever the derivative says. */
const ITERATIONS = 44;

/** Moves the bracket outwards, wherever the root lies beyond an end. */
function grow(rising: Scalar, ends: [Tensor, Tensor]): [Tensor, Tensor] {
  // Both ends in one tensor: `untaped` gives one back.
  const grown = untaped(() => {
    let [low, high] = ends;
    for (let i = 0; i < ROUNDS; i++) {
      const [below, above] = [greater(rising(low), 0), less(rising(high), 0)];
      [low, high] = [
        select(below, mul(low, FACTOR), select(above, high, low)),
        select(above, mul(high, FACTOR), select(below, low, high)),
      ];
    }
    return stack([low, high]);
  });
  return unstack(grown) as [Tensor, Tensor];
}

function checkBracket(where: string, bracket: unknown, inverse: unknown): void {
  if (bracket === undefined) {
    return;
  }
  if (inverse !== undefined) {
    throw invalid(where, 'options.bracket', 'left out where an inverse is given', bracket);
  }
  if (!Array.isArray(bracket) || bracket.length !== 2) {
    throw invalid(where, 'options.bracket', 'two numbers [low, high]', bracket);
  }
  checkNumber(where, 'options.bracket[0]', bracket[0]);
  checkNumber(where, 'options.bracket[1]', bracket[1], { above: bracket[0] });
}
