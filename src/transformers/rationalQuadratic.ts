import type { Tensor } from '@tensorflow/tfjs-core';
import {
  abs,
  add,
  cast,
  concat,
  div,
  equal,
  exp,
  expandDims,
  fill,
  greaterEqual,
  log,
  maximum,
  mul,
  neg,
  ones,
  onesLike,
  reshape,
  softmax,
  softplus,
  sqrt,
  square,
  sub,
  sum,
  tensor2d,
  zeros,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { checkInteger, checkNumber, invalid } from '../core/errors.js';
import { softBound } from '../core/math.js';
import { select } from '../core/select.js';
import { softplusInverse } from '../core/softplusInverse.js';
import { untaped } from '../core/stopGradient.js';
import type { Transformer } from '../core/transformer.js';
import { splitParameters } from '../core/transformer.js';
import { multiply } from '../kernels/dense/multiply.js';
import type { SplineAttributes } from '../kernels/spline/spline.js';
import { SPLINE } from '../kernels/spline/spline.js';
import { take } from '../kernels/take/take.js';

/** What the makers of rational-quadratic splines take. */
export interface RationalQuadraticOptions {
  /** K: bins between -bound and bound. Default 8. */
  readonly bins?: number;
  /** Half the side of the box [-bound, bound]^2 that the spline lives in. Default 5. */
  readonly bound?: number;
  /**
   * What happens at the ends: with 'identity' (default) the slope is 1 there and the map the identity outside the box; with
   * 'free' the end slopes are parameters and the tails are straight lines of these slopes; with 'circular' both ends share a
   * slope, for angles, and outside the box the map is the identity.
   */
  readonly boundary?: 'identity' | 'free' | 'circular';
  /**
   * How slopes are made of unbounded numbers d: softplus(d + log(e^(1 - minDerivative) - 1)) with 'centred' (default), so that
   * all zero is the identity; softplus(d) with 'original', as parameters published elsewhere expect; with 'bounded' exp of d
   * held softly within log 1000, and the widths' and heights' numbers within half of that.
   */
  readonly constraint?: 'centred' | 'original' | 'bounded';
  /** Least width of a bin, as a share of the box. Default 0.001, with 'bounded' 0. */
  readonly minBinWidth?: number;
  /** Least height of a bin, as a share of the box. Default 0.001, with 'bounded' 0. */
  readonly minBinHeight?: number;
  /** Least slope at a knot, below 1. Default 0.001, with 'bounded' 0. */
  readonly minDerivative?: number;
}

/** Their names, for checks. */
export const RATIONAL_QUADRATIC_OPTIONS: readonly (keyof RationalQuadraticOptions)[] = [
  'bins',
  'bound',
  'boundary',
  'constraint',
  'minBinWidth',
  'minBinHeight',
  'minDerivative',
];

/** Those of a larger set of options that are of the spline. */
export function rationalQuadraticOptionsOf(options: RationalQuadraticOptions): RationalQuadraticOptions {
  const known = RATIONAL_QUADRATIC_OPTIONS as readonly string[];
  return Object.fromEntries(Object.entries(options).filter(([name]) => known.includes(name)));
}

/** Unbounded numbers that a spline is made of, for x of shape [...s]: tensors whose leading axes broadcast to [...s]. */
export interface SplineParameters {
  /** [..., K] */
  readonly widths: Tensor;
  /** [..., K] */
  readonly heights: Tensor;
  /** [..., K - 1], [..., K] with 'circular' (the first is that of both ends), [..., K + 1] with 'free'. */
  readonly derivatives: Tensor;
}

/** A spline family: how many parameters one element takes, and both directions, of TensorFlow.js's ops. */
export interface RationalQuadratic {
  readonly sizes: { readonly widths: number; readonly heights: number; readonly derivatives: number };
  /** The fused kernel that does the same, of parameters that lie together: [widths, heights, derivatives]. */
  readonly kernel: NonNullable<Transformer['kernel']>;
  /** Parameters that lie together, one by one. */
  split(parameters: Tensor): SplineParameters;
  /** y and log dy/dx, of the shape of x. */
  forward(x: Tensor, parameters: SplineParameters): [y: Tensor, logDerivative: Tensor];
  /** x and log dx/dy, of the shape of y. */
  inverse(y: Tensor, parameters: SplineParameters): [x: Tensor, logDerivative: Tensor];
}

/**
 * Monotone rational-quadratic splines on [-B, B]^2 with K bins.
 *
 * Widths and heights of the bins are 2 B (m + (1 - K m) softmax(.)) with their minimum share m. In the bin with left lower corner
 * (x_k, y_k), width w, height h, s = h / w, slopes d and e at its ends and t = (x - x_k) / w:
 *
 *   y = y_k + h (s t^2 + d t (1 - t)) / (s (t^2 + (1 - t)^2) + (d + e) t (1 - t)),
 *   dy/dx = s^2 (e t^2 + 2 s t (1 - t) + d (1 - t)^2) / (the same denominator)^2.
 *
 * All terms are positive: nothing cancels. The inverse solves a t^2 + b t = s r with r = (y - y_k) / h, b = d (1 - r) - e r + 2 s r
 * and a = s - b; its discriminant (d (1 - r) - e r)^2 + 4 s^2 r (1 - r) has no negative term (it is held above 0, where
 * its root has a gradient), and the root is taken in the form that does not cancel for the sign of b.
 *
 * The bin is picked by products with a one-hot row. Outside the box the spline is evaluated at the nearest end and another value
 * selected, so that gradients are finite everywhere.
 *
 * Source: Durkan et al. 2019, "Neural spline flows", equations 4 to 8; the denominator and discriminant rearranged.
 *
 * @throws naming `where` for wrong options.
 */
export function rationalQuadratic(where: string, options: RationalQuadraticOptions): RationalQuadratic {
  const settings = settingsOf(where, options);
  const { bins, bound, boundary, constraint, ...minima } = settings;
  const sizes = { widths: bins, heights: bins, derivatives: bins + { identity: -1, circular: 0, free: 1 }[boundary] };
  const offset = constraint === 'centred' ? softplusInverse(1 - minima.minDerivative) : 0;
  const attributes: SplineAttributes = { bins, bound, boundary, ...minima, isBounded: constraint === 'bounded', offset };
  return {
    sizes,
    kernel: { name: SPLINE, attributes },
    split: (parameters) => {
      const [widths, heights, derivatives] = splitParameters(parameters, Object.values(sizes)) as [Tensor, Tensor, Tensor];
      return { widths, heights, derivatives };
    },
    forward: (x, parameters) => {
      const knots = knotsOf(parameters, settings);
      const inBox = clamp(x, bound);
      const bin = binAt(inBox, 'x', knots);
      const t = div(sub(inBox, bin.left), bin.width);
      const value = add(bin.bottom, mul(bin.height, ratio(bin, t)));
      return withTails(x, inBox, [value, logSlope(bin, t)], tailSlope(x, knots, boundary));
    },
    inverse: (y, parameters) => {
      const knots = knotsOf(parameters, settings);
      const inBox = clamp(y, bound);
      const bin = binAt(inBox, 'y', knots);
      const t = solve(bin, div(sub(inBox, bin.bottom), bin.height));
      const slope = tailSlope(y, knots, boundary);
      const value = add(bin.left, mul(bin.width, t));
      return withTails(y, inBox, [value, neg(logSlope(bin, t))], slope === undefined ? undefined : div(1, slope));
    },
  };
}

type Settings = Required<RationalQuadraticOptions>;

function settingsOf(where: string, options: RationalQuadraticOptions): Settings {
  const { bins = 8, bound = 5, boundary = 'identity', constraint = 'centred' } = options;
  checkInteger(where, 'options.bins', bins, 2);
  checkNumber(where, 'options.bound', bound, { above: 0 });
  if (!['identity', 'free', 'circular'].includes(boundary)) {
    throw invalid(where, 'options.boundary', "'identity', 'free' or 'circular'", boundary);
  }
  if (!['centred', 'original', 'bounded'].includes(constraint)) {
    throw invalid(where, 'options.constraint', "'centred', 'original' or 'bounded'", constraint);
  }
  const least = constraint === 'bounded' ? 0 : 0.001;
  const { minBinWidth = least, minBinHeight = least, minDerivative = least } = options;
  checkNumber(where, 'options.minBinWidth', minBinWidth, { least: 0, below: 1 / bins });
  checkNumber(where, 'options.minBinHeight', minBinHeight, { least: 0, below: 1 / bins });
  checkNumber(where, 'options.minDerivative', minDerivative, { least: 0, below: 1 });
  return { bins, bound, boundary, constraint, minBinWidth, minBinHeight, minDerivative };
}

/** A direction of the bins: where each begins and how long it is, [..., K]. */
interface Sides {
  readonly starts: Tensor;
  readonly lengths: Tensor;
}

/** The bins in x and y, and the slopes at their left and right ends, [..., K]. */
interface Knots {
  readonly x: Sides;
  readonly y: Sides;
  readonly before: Tensor;
  readonly after: Tensor;
}

/**
 * Lengths are differences of the corners, so that a point between two corners is between 0 and 1 of a bin to the bit. The sums are a
 * product with a triangle of ones: in TensorFlow.js 4.22 the gradient of `cumsum` on WebGPU runs a shader that was compiled for
 * the number of bins of its first call.
 */
function sidesOf(raw: Tensor, bins: number, least: number, bound: number): Sides {
  const shares = add(mul(softmax(raw), 1 - bins * least), least);
  const triangle = Array.from({ length: bins }, (_, from) => Array.from({ length: bins - 1 }, (_, to) => (from <= to ? 1 : 0)));
  const inner = sub(mul(multiply(shares, tensor2d(triangle)), 2 * bound), bound);
  const end = fill([...raw.shape.slice(0, -1), 1], bound);
  const starts = concat([neg(end), inner], -1);
  return { starts, lengths: sub(concat([inner, end], -1), starts) };
}

function knotsOf({ widths, heights, derivatives }: SplineParameters, settings: Settings): Knots {
  const { bins, bound, boundary, constraint, minBinWidth, minBinHeight, minDerivative } = settings;
  const within = (raw: Tensor): Tensor => (constraint === 'bounded' ? softBound(raw, LARGEST_LOG_SLOPE / 2) : raw);
  const slopes = slopesOf(derivatives, constraint, minDerivative);
  const places = Array.from({ length: bins }, (_, k) => k);
  const [before, after] = {
    identity: () => {
      const one = ones([...slopes.shape.slice(0, -1), 1]);
      return [concat([one, slopes], -1), concat([slopes, one], -1)] as const;
    },
    circular: () => [slopes, take(slopes, [...places.slice(1), 0])] as const,
    free: () => [take(slopes, places), take(slopes, [...places.slice(1), bins])] as const,
  }[boundary]();
  return {
    x: sidesOf(within(widths), bins, minBinWidth, bound),
    y: sidesOf(within(heights), bins, minBinHeight, bound),
    before,
    after,
  };
}

/** The published bound of slopes (zuko): between 1/1000 and 1000. */
const LARGEST_LOG_SLOPE = Math.log(1000);

function slopesOf(raw: Tensor, constraint: Settings['constraint'], least: number): Tensor {
  if (constraint === 'bounded') {
    return add(mul(exp(softBound(raw, LARGEST_LOG_SLOPE)), 1 - least), least);
  }
  return add(softplus(constraint === 'centred' ? add(raw, softplusInverse(1 - least)) : raw), least);
}

interface Bin {
  readonly left: Tensor;
  readonly bottom: Tensor;
  readonly width: Tensor;
  readonly height: Tensor;
  /** h / w */
  readonly steepness: Tensor;
  readonly before: Tensor;
  readonly after: Tensor;
}

/** The bin that each x lies in; a knot belongs to the bin on its right, the end to the last bin. */
function binAt(x: Tensor, by: 'x' | 'y', knots: Knots): Bin {
  const edges = knots[by].starts;
  const here = untaped(() => {
    const reached = cast(greaterEqual(expandDims(x, -1), edges), 'float32');
    const inner = Array.from({ length: (edges.shape[edges.rank - 1] as number) - 1 }, (_, k) => k + 1);
    return sub(reached, concat([take(reached, inner), zeros([...x.shape, 1])], -1));
  });
  const at = (all: Tensor): Tensor => sum(mul(here, all), -1);
  const width = at(knots.x.lengths);
  const height = at(knots.y.lengths);
  const steepness = div(height, width);
  const corner = { left: at(knots.x.starts), bottom: at(knots.y.starts) };
  return { ...corner, width, height, steepness, before: at(knots.before), after: at(knots.after) };
}

/** s (t^2 + (1 - t)^2) + (d + e) t (1 - t) */
function denominator({ steepness, before, after }: Bin, t: Tensor): Tensor {
  const rest = sub(1, t);
  return add(mul(steepness, add(square(t), square(rest))), mul(add(before, after), mul(t, rest)));
}

/** (y - y_k) / h */
function ratio(bin: Bin, t: Tensor): Tensor {
  return div(add(mul(bin.steepness, square(t)), mul(bin.before, mul(t, sub(1, t)))), denominator(bin, t));
}

/** log dy/dx */
function logSlope(bin: Bin, t: Tensor): Tensor {
  const { steepness, before, after } = bin;
  const rest = sub(1, t);
  const ends = add(mul(after, square(t)), mul(before, square(rest)));
  const numerator = add(ends, mul(mul(steepness, 2), mul(t, rest)));
  return add(mul(log(div(steepness, denominator(bin, t))), 2), log(numerator));
}

/** Of a discriminant: above 0, since the square root of 0 has no gradient. */
const SMALLEST = 1e-12;

/** t from r = (y - y_k) / h. */
function solve({ steepness, before, after }: Bin, r: Tensor): Tensor {
  const rest = sub(1, r);
  const balance = sub(mul(before, rest), mul(after, r));
  const b = add(balance, mul(mul(steepness, 2), r));
  const discriminant = add(square(balance), mul(mul(square(steepness), 4), mul(r, rest)));
  const q = add(abs(b), sqrt(maximum(discriminant, SMALLEST)));
  // Where b < 0, a = s - b is positive; elsewhere it may be 0, and is not used.
  const rising = untaped(() => greaterEqual(b, 0));
  const twiceA = select(rising, onesLike(q), mul(sub(steepness, b), 2));
  return select(rising, div(mul(mul(steepness, 2), r), q), div(q, twiceA));
}

/** By `maximum` alone: the gradient of `minimum` has none of its own. */
function clamp(x: Tensor, bound: number): Tensor {
  return neg(maximum(neg(maximum(x, -bound)), -bound));
}

/** The slope of the straight line at the end that is nearer, of the shape of x; undefined where it is 1. */
function tailSlope(x: Tensor, { before, after }: Knots, boundary: Settings['boundary']): Tensor | undefined {
  if (boundary !== 'free') {
    return undefined;
  }
  const end = (all: Tensor, k: number): Tensor => {
    const column = take(all, [k]);
    return add(reshape(column, column.shape.slice(0, -1)), zerosLike(x));
  };
  const right = untaped(() => greaterEqual(x, 0));
  return select(right, end(after, (after.shape[after.rank - 1] as number) - 1), end(before, 0));
}

/** The spline's results where x is in the box, elsewhere those of the straight lines on. */
function withTails(
  x: Tensor,
  inBox: Tensor,
  [value, logDerivative]: [Tensor, Tensor],
  slope: Tensor | undefined,
): [Tensor, Tensor] {
  const inside = untaped(() => equal(x, inBox));
  const [tail, logTail] = slope === undefined ? [x, zerosLike(x)] : [add(inBox, mul(slope, sub(x, inBox))), log(slope)];
  return [select(inside, value, tail), select(inside, logDerivative, logTail)];
}
