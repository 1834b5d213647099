import type { Tensor } from '@tensorflow/tfjs-core';
import {
  abs,
  add,
  concat,
  div,
  expandDims,
  eye,
  log,
  matMul,
  mul,
  neg,
  range,
  reshape,
  sigmoid,
  sqrt,
  square,
  step,
  sub,
  sum,
  tanh,
  transpose,
  zeros,
} from '@tensorflow/tfjs-core';
import type { Bijector, CallOptions } from '../core/bijector.js';
import { defineBijector } from '../core/bijector.js';
import { checkInteger, checkOptions, invalid } from '../core/errors.js';
import { fused } from '../core/fused.js';
import type { Rng } from '../core/rng.js';
import { monotoneRoot } from '../core/root.js';
import { sechSquared } from '../core/sechSquared.js';
import { sizeOf } from '../core/shapes.js';
import { multiply } from '../kernels/dense/multiply.js';
import { SYLVESTER } from '../kernels/sylvester/sylvester.js';
import { take } from '../kernels/take/take.js';
import type { ParameterSpec } from './amortised.js';
import { parameterSource } from './amortised.js';
import { reflected } from './reflections.js';

/** The parameters of a Sylvester flow; all with the same leading axes. */
export interface SylvesterParameters {
  /** Of shape [..., M, M]: R above the diagonal, the transpose of R~ below; the diagonal itself is not used. */
  readonly triangles: Tensor;
  /** Of shape [..., M]: the diagonal of R is tanh of it. */
  readonly diagonal: Tensor;
  /** Of shape [..., M]: the diagonal of R~ is tanh of it. */
  readonly diagonalTilde: Tensor;
  /** [..., M] */
  readonly b: Tensor;
  /** [..., D, M], of full rank: Q is the nearest matrix with orthonormal columns. Orthogonal variant only. */
  readonly q?: Tensor;
  /** [..., H, D], none of them zero: Q is the product of the reflections along them. Householder variant only. */
  readonly v?: Tensor;
}

/** What `sylvester` takes. */
export interface SylvesterOptions {
  /** Size D of an event. */
  readonly dim: number;
  /**
   * What Q [D, M] is. 'orthogonal' (default): any matrix with orthonormal columns. 'householder': a product of reflections, M = D.
   * 'triangular': the identity or the reversal, M = D, so that the map is triangular but for the order.
   */
  readonly variant?: 'orthogonal' | 'householder' | 'triangular';
  /** M, at most D, of the orthogonal variant: how many directions are bent. Default D. */
  readonly bottleneck?: number;
  /** H of the Householder variant. Default D. */
  readonly reflections?: number;
  /** Whether Q of the triangular variant is the reversal: for every other layer of a flow. Default false. */
  readonly reverse?: boolean;
  /** Size of a context from which all parameters are computed, for each example its own, by one linear layer. Default: own ones. */
  readonly contextDim?: number;
  /** Given parameters instead of own ones: tensors or variables that stay the caller's. */
  readonly given?: SylvesterParameters;
  /** Draws the initial values. */
  readonly rng?: Rng;
}

/**
 * Sylvester flow: y = x + Q R tanh(R~ Q^T x + b), R and R~ upper triangular [M, M], Q [D, M] with orthonormal columns.
 *
 * log|det| = sum over i of log(1 + r_ii r~_ii tanh'(s_i)) with s = R~ Q^T x + b; the diagonals lie in (-1, 1), so that each factor is
 * positive. The inverse finds u = Q^T x from Q^T y = u + R tanh(R~ u + b) from the last element to the first: M scalar equations
 * u_i + r_ii tanh(r~_ii u_i + c_i) = t_i, each with its root within |r_ii| of t_i, and takes x = y - Q R tanh(R~ u + b). Gradients are
 * the implicit ones.
 *
 * Q of the orthogonal variant is the limit of Q <- Q (I + E / 2 + 3 E^2 / 8), E = I - Q^T Q, from q / |q|: 24 steps, which float32 needs
 * where the singular values of q lie within a factor of about 1e5.
 *
 * Shapes: x and y [...batch, D], log-det [...batch], context [...batch, contextDim]. Forward parallel, inverse iterative (M root searches).
 *
 * @throws for wrong sizes, an option of another variant, an unknown option, given parameters of a wrong shape; at a call for a wrong shape.
 * Source: van den Berg et al. 2018, "Sylvester normalizing flows for variational inference", sections 3 and 4.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { createRng, sylvester } from 'tfjs-flows';
 *
 * const flow = sylvester({ dim: 3, bottleneck: 2, rng: createRng(0) });
 * const x = tf.tensor2d([[0.5, -1, 2]]);
 * const [y, logDet] = flow.forwardAndLogDet(x);
 * console.log(y.shape, logDet.shape); // => [ 1, 3 ] [ 1 ]
 * console.log(tf.max(tf.abs(tf.sub(flow.inverse(y), x))).dataSync()[0]! < 1e-5); // => true
 * ```
 */
export function sylvester(options: SylvesterOptions): Bijector {
  const { dim, contextDim, size, basis, spec } = checked(options);
  const source = parameterSource<string>(
    'sylvester',
    {
      // R near 0, so that y is near x; R~ is not, or R would have no gradient.
      triangles: { shape: [size, size], init: (rng) => mul(rng.normal([size, size]), 0.01) },
      diagonal: { shape: [size], init: (rng) => mul(rng.normal([size]), 0.01) },
      diagonalTilde: { shape: [size], init: (rng) => rng.normal([size]) },
      b: { shape: [size], init: () => zeros([size]) },
      ...spec,
    },
    { ...options, given: options.given as Record<string, Tensor> | undefined },
  );
  const at = (call: CallOptions): { all: SylvesterParameters } & Basis => {
    const all = source.at(call) as unknown as SylvesterParameters;
    return { all, ...basis(all) };
  };

  return defineBijector({
    name: 'sylvester',
    forwardEvent: [dim],
    inverseCost: 'iterative',
    contextDim,
    parameters: source.parameters,
    forwardAndLogDet: (x, call) => {
      const { all, project, lift } = at(call);
      const [t, logDet] = core(project(x), all);
      return [add(x, lift(t)), logDet];
    },
    inverseAndLogDet: (y, call) => {
      const { all, project, lift } = at(call);
      const [t, logDet] = core(substituteBack(prepare(all), project(y)), all);
      return [sub(y, lift(t)), neg(logDet)];
    },
  });
}

/** Q. */
interface Basis {
  /** Q^T x: [..., D] -> [..., M]. */
  project(x: Tensor): Tensor;
  /** Q t: [..., M] -> [..., D]. */
  lift(t: Tensor): Tensor;
}

/** What lies between Q^T and Q, and the log-det: R tanh(R~ u + b) and the sum of log(1 + r r~ tanh'(R~ u + b)). */
function core(u: Tensor, { triangles, diagonal, diagonalTilde, b }: SylvesterParameters): [t: Tensor, logDet: Tensor] {
  return fused(SYLVESTER, [u, triangles, diagonal, diagonalTilde, b], composed);
}

function composed(u: Tensor, triangles: Tensor, diagonal: Tensor, diagonalTilde: Tensor, b: Tensor): [t: Tensor, logDet: Tensor] {
  const { r, rTilde, upper, lower, bound } = prepare({ triangles, diagonal, diagonalTilde, b });
  const s = add(add(mul(u, rTilde), transposedTimes(lower, u)), b);
  const h = tanh(s);
  return [add(mul(h, r), times(upper, h)), sum(log(slope(s, bound)), -1)];
}

interface Prepared {
  /** Diagonals. */
  readonly r: Tensor;
  readonly rTilde: Tensor;
  /** R above its diagonal. */
  readonly upper: Tensor;
  /** R~ above its diagonal, transposed. */
  readonly lower: Tensor;
  readonly b: Tensor;
  /** 1 + r_ii r~_ii. */
  readonly bound: Tensor;
}

function prepare({ triangles, diagonal, diagonalTilde, b }: SylvesterParameters): Prepared {
  const row = expandDims(range(0, b.shape[b.rank - 1] as number), 0);
  const above = step(sub(row, transpose(row)));
  const [a, aTilde] = [mul(diagonal, 2), mul(diagonalTilde, 2)];
  return {
    r: tanh(diagonal),
    rTilde: tanh(diagonalTilde),
    upper: mul(triangles, above),
    lower: mul(triangles, transpose(above)),
    b,
    // 1 + tanh(a / 2) tanh(a~ / 2), of positive terms: near the bound the sum would round to 0.
    bound: mul(add(mul(sigmoid(a), sigmoid(aTilde)), mul(sigmoid(neg(a)), sigmoid(neg(aTilde)))), 2),
  };
}

/** 1 + r r~ tanh'(s) = tanh^2(s) + (1 + r r~) tanh'(s): a sum of terms that are not negative. */
const slope = (s: Tensor, bound: Tensor): Tensor => add(square(tanh(s)), mul(bound, sechSquared(s)));

/** The bracket is at most 2 wide: so many halvings of it exhaust float32, however flat the function. */
const ITERATIONS = 24;

/** The u of w = u + R tanh(R~ u + b). */
function substituteBack({ r, rTilde, upper, lower, b, bound }: Prepared, w: Tensor): Tensor {
  const found: Tensor[] = [];
  // What the elements already found contribute to the equations of the others.
  let [left, offset] = [w, b];
  for (let i = (r.shape[r.rank - 1] as number) - 1; i >= 0; i--) {
    const [t, c, ri, riTilde, boundI] = [left, offset, r, rTilde, bound].map((x) => take(x, [i])) as Five;
    const reach = abs(ri);
    const u = monotoneRoot({
      residual: (candidate) => {
        const s = add(mul(candidate, riTilde), c);
        return [sub(add(candidate, mul(ri, tanh(s))), t), slope(s, boundI)];
      },
      low: sub(t, reach),
      high: add(t, reach),
      iterations: ITERATIONS,
    });
    left = sub(left, mul(tanh(add(mul(u, riTilde), c)), vectorOf(take(upper, [i], -1))));
    offset = add(offset, mul(u, vectorOf(take(lower, [i], -2))));
    found.unshift(u);
  }
  return concat(found, -1);
}

type Five = [Tensor, Tensor, Tensor, Tensor, Tensor];

/** [..., M, 1] or [..., 1, M] -> [..., M]. */
const vectorOf = (x: Tensor): Tensor => reshape(x, [...x.shape.slice(0, -2), sizeOf(x.shape.slice(-2))]);

/** A t: [..., I, J] and [..., J] -> [..., I]; one matrix for all is a plain product. */
const times = (matrix: Tensor, t: Tensor): Tensor =>
  matrix.rank === 2 ? multiply(t, transpose(matrix)) : sum(mul(matrix, expandDims(t, -2)), -1);

/** A^T t: [..., J, I] and [..., J] -> [..., I]. */
const transposedTimes = (matrix: Tensor, t: Tensor): Tensor =>
  matrix.rank === 2 ? multiply(t, matrix) : sum(mul(matrix, expandDims(t, -1)), -2);

interface Checked {
  readonly dim: number;
  readonly contextDim: number | undefined;
  /** M. */
  readonly size: number;
  basis(p: SylvesterParameters): Basis;
  readonly spec: Readonly<Record<string, ParameterSpec>>;
}

function checked(options: SylvesterOptions): Checked {
  const variants = { orthogonal: 'bottleneck', householder: 'reflections', triangular: 'reverse' } as const;
  checkOptions('sylvester', options, ['dim', 'variant', ...Object.values(variants), 'contextDim', 'given', 'rng']);
  const { dim, variant = 'orthogonal', bottleneck = dim, reflections = dim, reverse = false, contextDim } = options;
  checkInteger('sylvester', 'options.dim', dim, 1);
  if (!Object.hasOwn(variants, variant)) {
    throw invalid('sylvester', 'options.variant', "'orthogonal', 'householder' or 'triangular'", variant);
  }
  for (const [other, option] of Object.entries(variants)) {
    if (other !== variant && options[option] !== undefined) {
      throw invalid('sylvester', `options.${option}`, `left out, being of the variant '${other}'`, options[option]);
    }
  }
  const common = { dim, contextDim };
  if (variant === 'orthogonal') {
    checkInteger('sylvester', 'options.bottleneck', bottleneck, 1);
    if (bottleneck > dim) {
      throw invalid('sylvester', 'options.bottleneck', `at most the dim, ${dim}`, bottleneck);
    }
    const q: ParameterSpec = { shape: [dim, bottleneck], init: (rng) => rng.normal([dim, bottleneck]) };
    return { ...common, size: bottleneck, basis: (p) => nearest(p.q as Tensor), spec: { q } };
  }
  if (variant === 'householder') {
    checkInteger('sylvester', 'options.reflections', reflections, 1);
    const v: ParameterSpec = { shape: [reflections, dim], init: (rng) => rng.normal([reflections, dim]) };
    return { ...common, size: dim, basis: (p) => reflecting(p.v as Tensor), spec: { v } };
  }
  if (typeof reverse !== 'boolean') {
    throw invalid('sylvester', 'options.reverse', 'true or false', reverse);
  }
  const order = Array.from({ length: dim }, (_, i) => dim - 1 - i);
  const turn = (x: Tensor): Tensor => (reverse ? take(x, order) : x);
  return { ...common, size: dim, basis: () => ({ project: turn, lift: turn }), spec: {} };
}

const STEPS = 24;

/** The matrix with orthonormal columns that is nearest to q (Bjorck and Bowie 1971, the step of third order). */
function nearest(q: Tensor): Basis {
  const [rows, columns] = q.shape.slice(-2) as [number, number];
  const batch = reshape(q, [-1, rows, columns]);
  let a = div(batch, sqrt(sum(square(batch), [1, 2], true)));
  const identity = expandDims(eye(columns), 0);
  // One column is orthonormal by now; and a WebGL product over one element is wrong after an op that broadcasts another one.
  for (let i = 0; i < (columns === 1 ? 0 : STEPS); i++) {
    const error = sub(identity, matMul(transpose(a, [0, 2, 1]), a));
    a = matMul(a, add(add(identity, mul(error, 0.5)), mul(matMul(error, error), 0.375)));
  }
  const nearestQ = reshape(a, q.shape);
  return { project: (x) => transposedTimes(nearestQ, x), lift: (t) => times(nearestQ, t) };
}

/** Q = H_last ... H_1 H_0, H_k = I - 2 v_k v_k^T / |v_k|^2, without forming it. */
const reflecting = (v: Tensor): Basis => ({
  project: (x) => reflected(x, v, 'backwards'),
  lift: (t) => reflected(t, v),
});
