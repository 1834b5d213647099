import type { Tensor } from '@tensorflow/tfjs-core';
import {
  abs,
  add,
  div,
  expandDims,
  fill,
  greaterEqual,
  log,
  mul,
  neg,
  softplus,
  sqrt,
  square,
  sub,
  sum,
} from '@tensorflow/tfjs-core';
import type { Bijector, CallOptions } from '../core/bijector.js';
import { defineBijector } from '../core/bijector.js';
import { checkInteger, checkOptions, invalid } from '../core/errors.js';
import type { Rng } from '../core/rng.js';
import { select } from '../core/select.js';
import { softplusInverse } from '../core/softplusInverse.js';
import { parameterSource } from './amortised.js';

/** What `radial` takes. */
export interface RadialOptions {
  /** Size D of an event. */
  readonly dim: number;
  /** Size of a context from which the parameters are computed, for each example its own, by one linear layer. Default: own ones. */
  readonly contextDim?: number;
  /** Given center [..., D], rawAlpha [...] and rawBeta [...] instead of own ones: tensors or variables that stay the caller's. */
  readonly given?: { readonly center: Tensor; readonly rawAlpha: Tensor; readonly rawBeta: Tensor };
  /**
   * How alpha > 0 and beta > -alpha come of raw numbers. 'centred' (default): alpha = softplus(rawAlpha + c) with
   * c = log(e - 1), so that 0 gives 1, and alpha + beta = softplus(rawAlpha + c + rawBeta), so that rawBeta = 0 gives beta = 0,
   * the identity. 'original': alpha = |rawAlpha| and alpha + beta = softplus(rawBeta), as parameters published elsewhere
   * expect; rawAlpha must not be 0.
   */
  readonly constraint?: 'centred' | 'original';
  /** Draws the initial values. */
  readonly rng?: Rng;
}

/**
 * Radial flow: y = x + beta (x - center) / (alpha + r) with r = |x - center|, alpha > 0 and beta > -alpha.
 *
 * With gamma = alpha + beta > 0, log|det| = (D - 1) log((gamma + r) / (alpha + r)) + log((alpha gamma + 2 alpha r + r^2) / (alpha + r)^2).
 * The inverse has a closed form: with R = |y - center| and q = R - gamma, r is the positive root of r^2 - q r = alpha R, and
 * x = center + (y - center) (alpha + r) / (gamma + r).
 *
 * Shapes: x and y [...batch, D], log-det [...batch], context [...batch, contextDim]. Parallel in both directions.
 *
 * @throws for a wrong dim, an unknown option, given parameters that are no tensors, and at a call for a wrong shape.
 * Source: Rezende and Mohamed 2015, "Variational inference with normalizing flows", equation 14 and appendix A.2.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { radial } from 'tfjs-flows';
 *
 * const given = { center: tf.tensor1d([1, 0]), rawAlpha: tf.scalar(2), rawBeta: tf.scalar(3) };
 * const flow = radial({ dim: 2, given, constraint: 'original' });
 * const [y, logDet] = flow.forwardAndLogDet(tf.tensor1d([1, 4]));
 * console.log(y.dataSync()[1]!.toFixed(4), logDet.dataSync()[0]!.toFixed(4)); // => 4.6991 0.2177
 * console.log(flow.inverse(y).dataSync()[1]!.toFixed(4)); // => 4.0000
 * ```
 */
export function radial(options: RadialOptions): Bijector {
  checkOptions('radial', options, ['dim', 'contextDim', 'given', 'constraint', 'rng']);
  const { dim, contextDim, constraint = 'centred' } = options;
  checkInteger('radial', 'options.dim', dim, 1);
  if (constraint !== 'centred' && constraint !== 'original') {
    throw invalid('radial', 'options.constraint', "'centred' or 'original'", constraint);
  }
  const one = softplusInverse(1);
  const [alphaOf, gammaOf, atOne]: [(a: Tensor) => Tensor, (a: Tensor, b: Tensor) => Tensor, [alpha: number, beta: number]] =
    constraint === 'centred'
      ? [(a) => softplus(add(a, one)), (a, b) => softplus(add(add(a, one), b)), [0, 0]]
      : [abs, (_, b) => softplus(b), [1, one]];
  const source = parameterSource(
    'radial',
    {
      center: { shape: [dim], init: (rng) => rng.normal([dim]) },
      // alpha = 1, and beta near 0: at 0 the center would have no gradient.
      rawAlpha: { shape: [], init: () => fill([], atOne[0]) },
      rawBeta: { shape: [], init: (rng) => add(mul(rng.normal([]), 0.01), atOne[1]) },
    },
    options,
  );
  const prepare = (call: CallOptions): Prepared => {
    const { center, rawAlpha, rawBeta } = source.at(call);
    return { center, alpha: alphaOf(rawAlpha), gamma: gammaOf(rawAlpha, rawBeta) };
  };

  return defineBijector({
    name: 'radial',
    forwardEvent: [dim],
    contextDim,
    parameters: source.parameters,
    forwardAndLogDet: (x, call) => {
      const p = prepare(call);
      const offset = sub(x, p.center);
      const r = length(offset);
      const stretched = mul(offset, expandDims(stretch(r, p), -1));
      return [add(p.center, stretched), logDet(r, p, dim)];
    },
    inverseAndLogDet: (y, call) => {
      const p = prepare(call);
      const offset = sub(y, p.center);
      const r = radius(length(offset), p);
      return [add(p.center, div(offset, expandDims(stretch(r, p), -1))), neg(logDet(r, p, dim))];
    },
  });
}

interface Prepared {
  readonly center: Tensor;
  readonly alpha: Tensor;
  /** alpha + beta, kept apart from beta: near the bound the sum would round to 0. */
  readonly gamma: Tensor;
}

/** |x|, whose gradient at 0 is 0 and not NaN. */
const length = (x: Tensor): Tensor => sqrt(add(sum(square(x), -1), 1e-30));

/** 1 + beta / (alpha + r), of terms that are not negative. */
const stretch = (r: Tensor, { alpha, gamma }: Prepared): Tensor => div(add(gamma, r), add(alpha, r));

function logDet(r: Tensor, p: Prepared, dim: number): Tensor {
  const { alpha, gamma } = p;
  // (alpha gamma + 2 alpha r + r^2) / (alpha + r)^2: all of its terms are positive.
  const along = div(add(mul(alpha, add(gamma, r)), mul(r, add(alpha, r))), square(add(alpha, r)));
  return add(mul(log(stretch(r, p)), dim - 1), log(along));
}

/** The r of the x whose y is at distance `distance` from the center. */
function radius(distance: Tensor, { alpha, gamma }: Prepared): Tensor {
  const q = sub(distance, gamma);
  const outside = greaterEqual(q, 0);
  const product = mul(alpha, distance);
  // The larger root in size has no cancellation; the other one follows from their product.
  const larger = mul(add(select(outside, q, neg(q)), sqrt(add(square(q), mul(product, 4)))), 0.5);
  return select(outside, larger, div(product, larger));
}
