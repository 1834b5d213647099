import type { Tensor } from '@tensorflow/tfjs-core';
import { clone, tidy } from '@tensorflow/tfjs-core';
import { checkCall, invalid } from './errors.js';
import type { Module, ModuleState } from './module.js';
import { defineModule } from './module.js';
import type { Rng } from './rng.js';
import type { EventShape } from './shapes.js';
import { batchShapeOf, checkContext, checkEvent } from './shapes.js';
import type { Stack } from './stack.js';

/** What one call costs: one pass, one pass an element of the event, or a root search. */
export type Cost = 'parallel' | 'sequential' | 'iterative';

/** What every call of a bijector, conditioner or objective may take. */
export interface CallOptions {
  /** What is conditioned on, [...batch, contextDim]; leading axes may broadcast to the batch axes. */
  readonly context?: Tensor;
  /** Own parameters (variables, and tensors it was built from) count as constants. */
  readonly frozen?: boolean;
  /** Dropout and batch statistics as in training. Default false. */
  readonly training?: boolean;
  /** Source of whatever is stochastic. */
  readonly rng?: Rng;
}

/**
 * An invertible map with log-det accounting. `forward` goes base -> data, `inverse` data -> base.
 *
 * With x of shape [...batch, ...event], `forwardAndLogDet` returns y and log|det dy/dx| of shape [...batch], natural
 * logarithm. Every method works for any number of leading batch axes, disposes nothing that it is given, and returns
 * tensors that the caller owns.
 */
export interface Bijector extends Module {
  readonly name: string;
  /** Trailing axes of x that form one event. */
  readonly forwardEventRank: number;
  /** Trailing axes of y that form one event. */
  readonly inverseEventRank: number;
  readonly forwardCost: Cost;
  readonly inverseCost: Cost;
  /** y = g(x): from the base to the data. */
  forward(x: Tensor, options?: CallOptions): Tensor;
  /** x = g^-1(y): from the data to the base. */
  inverse(y: Tensor, options?: CallOptions): Tensor;
  /** y, and log|det dy/dx| of exactly the batch shape. */
  forwardAndLogDet(x: Tensor, options?: CallOptions): [y: Tensor, logDet: Tensor];
  /** x, and log|det dx/dy| of exactly the batch shape. */
  inverseAndLogDet(y: Tensor, options?: CallOptions): [x: Tensor, logDet: Tensor];
  /** Data-dependent initialisation: takes the data side (what `forward` returns). Remembered in buffers. */
  initialize?(data: Tensor, options?: CallOptions): void;
  /**
   * How a chain runs several of a kind as one fused kernel, where that can be.
   *
   * @internal
   */
  readonly stack?: Stack | undefined;
}

/** What `defineBijector` takes. */
export interface BijectorSpec extends ModuleState {
  readonly name: string;
  /** Event shape of x; `null` where any size will do. Its length is `forwardEventRank`. */
  readonly forwardEvent: EventShape;
  /** Event shape of y. Default: that of x. */
  readonly inverseEvent?: EventShape;
  /** Default 'parallel'. */
  readonly forwardCost?: Cost;
  /** Default 'parallel'. */
  readonly inverseCost?: Cost;
  /** Size of the context that a call must bring. Default: none is needed, and one that comes is passed on unchecked. */
  readonly contextDim?: number | undefined;
  /** y, and log|det dy/dx| of the batch shape. */
  forwardAndLogDet(x: Tensor, options: CallOptions): [y: Tensor, logDet: Tensor];
  /** x, and log|det dx/dy| of the batch shape. */
  inverseAndLogDet(y: Tensor, options: CallOptions): [x: Tensor, logDet: Tensor];
  /** @internal */
  readonly stack?: Stack | undefined;
  /** Where it is cheaper without the log-det. */
  forward?(x: Tensor, options: CallOptions): Tensor;
  /** Where it is cheaper without the log-det. */
  inverse?(y: Tensor, options: CallOptions): Tensor;
  /** Data-dependent initialisation, where there is one. */
  readonly initialize?: ((data: Tensor, options: CallOptions) => void) | undefined;
}

/**
 * Makes a bijector of its formulas. Input checks, memory and naming live here, once: a bijection states its mathematics
 * and nothing else.
 *
 * The formulas may return their input (it is cloned) and leave intermediates behind (they are freed).
 *
 * @throws from the made methods: wrong rank, size or dtype of x or y, missing or misshaped context.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { defineBijector } from 'tfjs-flows';
 *
 * const cubeLike = defineBijector({
 *   name: 'sinh',
 *   forwardEvent: [],
 *   forwardAndLogDet: (x) => [tf.sinh(x), tf.log(tf.cosh(x))],
 *   inverseAndLogDet: (y) => [tf.asinh(y), tf.neg(tf.log(tf.cosh(tf.asinh(y))))],
 * });
 * console.log(cubeLike.inverse(cubeLike.forward(tf.scalar(0.5))).dataSync()[0].toFixed(4)); // => 0.5000
 * ```
 */
export function defineBijector(spec: BijectorSpec): Bijector {
  const { name, forwardEvent, inverseEvent = forwardEvent, forwardCost = 'parallel', inverseCost = 'parallel', stack } = spec;
  const module = defineModule(spec);

  const check = (where: string, argument: string, event: EventShape, value: Tensor, options: CallOptions): void => {
    checkCall(where, options);
    checkEvent(where, argument, value, event);
    if (spec.contextDim) {
      checkContext(where, options.context, spec.contextDim, batchShapeOf(value, event.length));
    }
  };
  /** A method that checks its input, frees what the formula leaves, and returns tensors with the batch axes of the input. */
  const method =
    <Results extends Tensor[]>(
      title: string,
      argument: 'x' | 'y',
      formula: (value: Tensor, options: CallOptions) => Results,
    ): ((value: Tensor, options?: CallOptions) => Results) =>
    (value, options = {}) => {
      const where = `${name}.${title}`;
      const event = argument === 'x' ? forwardEvent : inverseEvent;
      check(where, argument, event, value, options);
      const batch = batchShapeOf(value, event.length);
      return tidy(() =>
        formula(value, options).map((result, i) => {
          if (i > 0 && `${result.shape}` !== `${batch}`) {
            throw invalid(where, 'the log-det', `of shape [${batch}]`, result);
          }
          return result === value ? clone(result) : result;
        }),
      ) as Results;
    };
  const only = (title: 'forward' | 'inverse', argument: 'x' | 'y'): ((value: Tensor, options?: CallOptions) => Tensor) => {
    const run = method(title, argument, (x, call) => [spec[title]?.(x, call) ?? spec[`${title}AndLogDet`](x, call)[0]]);
    return (value, options) => run(value, options)[0] as Tensor;
  };

  return {
    ...module,
    name,
    stack,
    forwardEventRank: forwardEvent.length,
    inverseEventRank: inverseEvent.length,
    forwardCost,
    inverseCost,
    forward: only('forward', 'x'),
    inverse: only('inverse', 'y'),
    forwardAndLogDet: method('forwardAndLogDet', 'x', spec.forwardAndLogDet),
    inverseAndLogDet: method('inverseAndLogDet', 'y', spec.inverseAndLogDet),
    ...(spec.initialize && {
      initialize: (data: Tensor, options: CallOptions = {}): void => {
        check(`${name}.initialize`, 'data', inverseEvent, data, options);
        tidy(() => spec.initialize?.(data, options));
      },
    }),
  };
}
