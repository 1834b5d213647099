import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import {
  abs,
  add,
  concat,
  div,
  expandDims,
  log,
  mul,
  neg,
  softplus,
  split,
  square,
  squeeze,
  sub,
  sum,
  tanh,
  zeros,
} from '@tensorflow/tfjs-core';
import type { Bijector, CallOptions } from '../core/bijector.js';
import { defineBijector } from '../core/bijector.js';
import { checkInteger, checkOptions, invalid } from '../core/errors.js';
import { sechSquared, softplusInverse } from '../core/math.js';
import { parameter } from '../core/module.js';
import type { Rng } from '../core/rng.js';
import { createRng } from '../core/rng.js';
import { monotoneRoot } from '../core/root.js';
import { checkEvent } from '../core/shapes.js';
import { own } from '../core/stopGradient.js';
import { dense } from '../kernels/dense/dense.js';

/** What `planar` takes. */
export interface PlanarOptions {
  /** Size D of an event. */
  readonly dim: number;
  /** Size of a context from which w, u and b are computed, for each example its own, by one linear layer. Default: own w, u, b. */
  readonly contextDim?: number;
  /** Given w [..., D], u [..., D] and b [...] instead of own ones: tensors or variables that stay the caller's. */
  readonly given?: { readonly w: Tensor; readonly u: Tensor; readonly b: Tensor };
  /**
   * How u is bent so that the map is invertible, through m with w . uHat = m(w . u) > -1: 'centred' (default) is
   * m(t) = softplus(t + log(e - 1)) - 1 with m(0) = 0; 'original' is m(t) = softplus(t) - 1, as parameters published
   * elsewhere expect.
   */
  readonly constraint?: 'centred' | 'original';
  /** Draws the initial values. */
  readonly rng?: Rng;
}

/**
 * Planar flow: y = x + uHat tanh(w . x + b).
 *
 * log|det| = log(1 + a sech^2(w . x + b)) with a = w . uHat = m(w . u) > -1 and uHat = u + (m(w . u) - w . u) w / |w|^2.
 * The inverse solves the scalar equation t + a tanh(t + b) = w . y, whose root lies within |a| of w . y, and takes
 * x = y - uHat tanh(t + b).
 *
 * Shapes: x and y [...batch, D], log-det [...batch], context [...batch, contextDim]. Forward parallel, inverse iterative.
 *
 * @throws for a wrong dim, an unknown option, given parameters that are no tensors, and at a call for a wrong shape.
 * Source: Rezende and Mohamed 2015, "Variational inference with normalizing flows", equations 10 to 12 and A.1.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { createRng, planar } from 'tfjs-flows';
 *
 * const flow = planar({ dim: 2, rng: createRng(0) });
 * const x = tf.tensor2d([[0.5, -1]]);
 * const [y, logDet] = flow.forwardAndLogDet(x);
 * console.log(y.shape, logDet.shape); // => [ 1, 2 ] [ 1 ]
 * console.log(tf.max(tf.abs(tf.sub(flow.inverse(y), x))).dataSync()[0]! < 1e-5); // => true
 * ```
 */
export function planar(options: PlanarOptions): Bijector {
  checkOptions('planar', options, ['dim', 'contextDim', 'given', 'constraint', 'rng']);
  const { dim, contextDim, constraint = 'centred' } = options;
  checkInteger('planar', 'options.dim', dim, 1);
  if (constraint !== 'centred' && constraint !== 'original') {
    throw invalid('planar', 'options.constraint', "'centred' or 'original'", constraint);
  }
  const source = parameterSource(options);
  const shift = constraint === 'centred' ? softplusInverse(1) : 0;

  const prepare = (call: CallOptions): Prepared => {
    const { w, u, b } = source.at(call);
    const wu = sum(mul(w, u), -1);
    // 1 + a, kept apart from a: near the bound a rounds to -1, and 1 + a would round to 0.
    const onePlusA = softplus(add(wu, shift));
    const a = sub(onePlusA, 1);
    const squared = sum(square(w), -1);
    const bend = div(sub(a, wu), squared);
    return { w, b, a, onePlusA, uHat: add(u, mul(expandDims(bend, -1), w)) };
  };

  return defineBijector({
    name: 'planar',
    forwardEvent: [dim],
    inverseCost: 'iterative',
    ...(contextDim === undefined ? {} : { contextDim }),
    parameters: source.parameters,
    forwardAndLogDet: (x, call) => {
      const p = prepare(call);
      const s = add(sum(mul(x, p.w), -1), p.b);
      return [move(x, p, s), logDerivative(p, s)];
    },
    inverseAndLogDet: (y, call) => {
      const p = prepare(call);
      const wy = sum(mul(y, p.w), -1);
      const reach = add(abs(p.a), ROUNDING);
      const t = monotoneRoot({
        residual: (candidate) => {
          const s = add(candidate, p.b);
          return [sub(add(candidate, mul(p.a, tanh(s))), wy), slope(p, s)];
        },
        low: sub(wy, reach),
        high: add(wy, reach),
      });
      const s = add(t, p.b);
      return [sub(y, mul(expandDims(tanh(s), -1), p.uHat)), neg(logDerivative(p, s))];
    },
  });
}

interface Prepared {
  readonly w: Tensor;
  readonly b: Tensor;
  readonly uHat: Tensor;
  readonly a: Tensor;
  readonly onePlusA: Tensor;
}

/** Widens the bracket by what w . y may have lost to rounding. */
const ROUNDING = 1e-5;

const move = (x: Tensor, p: Prepared, s: Tensor): Tensor => add(x, mul(expandDims(tanh(s), -1), p.uHat));

/** 1 + a sech^2 s = tanh^2 s + (1 + a) sech^2 s: a sum of positive terms. */
const slope = (p: Prepared, s: Tensor): Tensor => add(square(tanh(s)), mul(p.onePlusA, sechSquared(s)));

const logDerivative = (p: Prepared, s: Tensor): Tensor => log(slope(p, s));

interface Source {
  readonly parameters: Readonly<Record<string, Variable>>;
  at(call: CallOptions): { w: Tensor; u: Tensor; b: Tensor };
}

function parameterSource({ dim, contextDim, given, rng = createRng() }: PlanarOptions): Source {
  if (given !== undefined) {
    checkGiven(dim, contextDim, given);
    return { parameters: {}, at: (call) => ({ w: own(given.w, call), u: own(given.u, call), b: own(given.b, call) }) };
  }
  // |w| near 1, so that w / |w|^2 stays of the size of w; u = 0 would leave w without a gradient.
  const initialW = (): Tensor => mul(rng.normal([dim]), 1 / Math.sqrt(dim));
  const initialU = (): Tensor => mul(rng.normal([dim]), 0.01);
  if (contextDim === undefined) {
    const w = parameter(initialW);
    const u = parameter(initialU);
    const b = parameter(() => zeros([]));
    return { parameters: { w, u, b }, at: (call) => ({ w: own(w, call), u: own(u, call), b: own(b, call) }) };
  }
  checkInteger('planar', 'options.contextDim', contextDim, 1);
  const kernel = parameter(() => mul(rng.normal([contextDim, 2 * dim + 1]), 0.01 / Math.sqrt(contextDim)));
  const bias = parameter(() => concat([initialW(), initialU(), zeros([1])]));
  return {
    parameters: { kernel, bias },
    at: (call) => {
      const all = dense(call.context as Tensor, own(kernel, call), own(bias, call));
      const [w, u, b] = split(all, [dim, dim, 1], -1) as [Tensor, Tensor, Tensor];
      return { w, u, b: squeeze(b, [b.rank - 1]) };
    },
  };
}

function checkGiven(dim: number, contextDim: number | undefined, given: NonNullable<PlanarOptions['given']>): void {
  if (contextDim !== undefined) {
    throw invalid('planar', 'options.contextDim', 'left out where parameters are given', contextDim);
  }
  checkEvent('planar', 'options.given.w', given.w, [dim]);
  checkEvent('planar', 'options.given.u', given.u, [dim]);
  checkEvent('planar', 'options.given.b', given.b, []);
}
