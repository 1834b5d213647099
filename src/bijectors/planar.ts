import type { Tensor } from '@tensorflow/tfjs-core';
import { abs, add, div, expandDims, log, mul, neg, softplus, square, step, sub, sum, tanh, zeros } from '@tensorflow/tfjs-core';
import type { Bijector, CallOptions } from '../core/bijector.js';
import { defineBijector } from '../core/bijector.js';
import { checkChoice } from '../core/checkChoice.js';
import { checkInteger, checkOptions } from '../core/errors.js';
import { fused } from '../core/fused.js';
import type { Rng } from '../core/rng.js';
import { monotoneRoot } from '../core/root.js';
import { sechSquared } from '../core/sechSquared.js';
import { PLANAR, SHIFTS } from '../kernels/planar/planar.js';
import { parameterSource } from './amortised.js';

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
  /** h: 'tanh' (default), or 'leakyRelu' with slope 0.2 below zero, whose inverse has a closed form. */
  readonly activation?: 'tanh' | 'leakyRelu';
  /** Draws the initial values. */
  readonly rng?: Rng;
}

/**
 * Planar flow: y = x + uHat h(w . x + b).
 *
 * log|det| = log(1 + a h'(w . x + b)) with a = w . uHat = m(w . u) > -1 and uHat = u + (m(w . u) - w . u) w / |w|^2.
 * The inverse solves the scalar equation t + a h(t + b) = w . y and takes x = y - uHat h(t + b). With h = tanh the root lies
 * within |a| of w . y and is searched there; with a leaky ReLU it is (w . y + b) / (1 + a h') - b.
 *
 * Shapes: x and y [...batch, D], log-det [...batch], context [...batch, contextDim]. Forward parallel, inverse iterative
 * (with a leaky ReLU parallel).
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
  checkOptions('planar', options, ['dim', 'contextDim', 'given', 'constraint', 'activation', 'rng']);
  const { dim, contextDim, constraint = 'centred', activation = 'tanh' } = options;
  checkInteger('planar', 'options.dim', dim, 1);
  checkChoice('planar', 'options.constraint', constraint, Object.keys(SHIFTS));
  checkChoice('planar', 'options.activation', activation, Object.keys(ACTIVATIONS));
  const source = parameterSource(
    'planar',
    {
      // |w| near 1, so that w / |w|^2 stays of the size of w; u = 0 would leave w without a gradient.
      w: { shape: [dim], init: (rng) => mul(rng.normal([dim]), 1 / Math.sqrt(dim)) },
      u: { shape: [dim], init: (rng) => mul(rng.normal([dim]), 0.01) },
      b: { shape: [], init: () => zeros([]) },
    },
    options,
  );
  const h = ACTIVATIONS[activation];

  const prepare = ([w, u, b]: Own): Prepared => {
    const wu = sum(mul(w, u), -1);
    // 1 + a, kept apart from a: near the bound a rounds to -1, and 1 + a would round to 0.
    const onePlusA = softplus(add(wu, SHIFTS[constraint]));
    const a = sub(onePlusA, 1);
    const squared = sum(square(w), -1);
    const bend = div(sub(a, wu), squared);
    return {
      w,
      b,
      a,
      uHat: add(u, mul(expandDims(bend, -1), w)),
      // 1 + a h' = (1 - h') + (1 + a) h': a sum of terms that are not negative.
      slope: (s) => {
        const [derivative, complement] = h.slopes(s);
        return add(complement, mul(onePlusA, derivative));
      },
    };
  };

  // In the order of the specs.
  const tensors = (call: CallOptions): Own => Object.values(source.at(call)) as unknown as Own;
  const composed = (x: Tensor, ...own: Own): [Tensor, Tensor] => {
    const p = prepare(own);
    const s = add(sum(mul(x, p.w), -1), p.b);
    return [add(x, mul(expandDims(h.value(s), -1), p.uHat)), log(p.slope(s))];
  };
  // The kernel is for tanh, and one w, u and b for all examples.
  const stack = activation === 'tanh' && !contextDim ? { kernel: PLANAR + constraint, tensors, composed } : undefined;

  return defineBijector({
    name: 'planar',
    forwardEvent: [dim],
    inverseCost: activation === 'tanh' ? 'iterative' : 'parallel',
    contextDim,
    parameters: source.parameters,
    stack,
    forwardAndLogDet: (x, call) => fused(stack?.kernel, [x, ...tensors(call)], composed),
    inverseAndLogDet: (y, call) => {
      const p = prepare(tensors(call));
      const s = h.solve(sum(mul(y, p.w), -1), p);
      return [sub(y, mul(expandDims(h.value(s), -1), p.uHat)), neg(log(p.slope(s)))];
    },
  });
}

/** w, u and b. */
type Own = readonly [Tensor, Tensor, Tensor];

interface Prepared {
  readonly w: Tensor;
  readonly b: Tensor;
  readonly uHat: Tensor;
  readonly a: Tensor;
  /** 1 + a h'(s). */
  slope(s: Tensor): Tensor;
}

interface Activation {
  value(s: Tensor): Tensor;
  /** h'(s), and 1 - h'(s) without the cancellation. */
  slopes(s: Tensor): [derivative: Tensor, complement: Tensor];
  /** s = t + b with t + a h(t + b) = wy. */
  solve(wy: Tensor, p: Prepared): Tensor;
}

const ACTIVATIONS: Readonly<Record<'tanh' | 'leakyRelu', Activation>> = {
  tanh: {
    value: tanh,
    slopes: (s) => [sechSquared(s), square(tanh(s))],
    solve: (wy, { a, b, slope }) => {
      // Wider by what w . y may have lost to rounding.
      const reach = add(abs(a), 1e-5);
      const t = monotoneRoot({
        residual: (candidate) => {
          const s = add(candidate, b);
          return [sub(add(candidate, mul(a, tanh(s))), wy), slope(s)];
        },
        low: sub(wy, reach),
        high: add(wy, reach),
      });
      return add(t, b);
    },
  },
  leakyRelu: {
    value: (s) => mul(s, ACTIVATIONS.leakyRelu.slopes(s)[0]),
    slopes: (s) => {
      // Below zero, where the slope is 0.2.
      const complement = mul(step(neg(s)), 0.8);
      return [sub(1, complement), complement];
    },
    // The map from s to wy + b is a line through the origin on either side, with the same sign as s.
    solve: (wy, { b, slope }) => {
      const r = add(wy, b);
      return div(r, slope(r));
    },
  },
};
