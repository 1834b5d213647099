import type { GradSaveFunc, Tensor } from '@tensorflow/tfjs-core';
import {
  add,
  clone,
  customGrad,
  div,
  eye,
  log,
  minimum,
  mul,
  neg,
  reshape,
  split,
  sub,
  sum,
  tensor,
  tidy,
} from '@tensorflow/tfjs-core';
import { checkHidden } from '../conditioners/defineConditioner.js';
import { addAll } from '../core/addAll.js';
import type { Bijector, CallOptions } from '../core/bijector.js';
import { defineBijector } from '../core/bijector.js';
import { checkChoice } from '../core/checkChoice.js';
import { checkInteger, checkNumber, checkOptions } from '../core/errors.js';
import { oneBatchAxis } from '../core/oneBatchAxis.js';
import { randomSigns } from '../core/randomSigns.js';
import type { Rng } from '../core/rng.js';
import { createRng } from '../core/rng.js';
import { spectralBound } from '../core/spectralBound.js';
import { untaped } from '../core/stopGradient.js';
import type { Field, Jacobian, SmoothActivationName } from './vectorField.js';
import { pull, push, vectorField } from './vectorField.js';

/** What `residualFlow` takes. */
export interface ResidualFlowOptions {
  /** Size D of an event. */
  readonly dim: number;
  /** Size of a context that the first layer of g sees too. Default: none. */
  readonly contextDim?: number;
  /** Sizes of g's hidden layers, one at least. Default [64, 64]. */
  readonly hidden?: readonly number[];
  /** 'lipSwish' (default) is x sigmoid(beta x) / 1.1 with a learned beta > 0. */
  readonly activation?: SmoothActivationName;
  /**
   * c: bounds the spectral norm of each kernel of g; above 0, at most 0.99. The nearer to 1, the more g can do and the more steps the
   * inverse takes. Default 0.9.
   */
  readonly coefficient?: number;
  /** 'exact' takes D Jacobian products, 'estimate' a random number of them; 'auto' (default) is exact up to D = 16. */
  readonly logDet?: 'auto' | 'exact' | 'estimate';
  /** Terms of the series that each estimate has at least. Default 4. */
  readonly exactTerms?: number;
  /** Random vectors whose estimates are averaged. Default 1. */
  readonly samples?: number;
  /** Draws the initial values. */
  readonly rng?: Rng;
}

/**
 * Residual flow: y = x + g(x), g a multilayer perceptron with a Lipschitz constant of at most L = c^layers < 1, so that the map has an
 * inverse. It starts as the identity.
 *
 * Each kernel W is scaled by min(1, c / bound(W)), bound(W) = tr((W^T W)^32)^(1/64): never below the spectral norm, and above it by 7 % at
 * most for 64 units. Other implementations estimate the norm by power iteration, from below, and may lose the inverse.
 *
 * log|det| exactly: of I + J, J = dg/dx, by elimination without pivoting, since all leading minors of I + J are positive. Or an unbiased
 * estimate, with unbiased gradients: for random signs v,
 *
 *   log|det| = E[sum over k = 1 ... n + N of (-1)^(k + 1) v^T J^k v / (k p_k)],
 *
 * with n = `exactTerms`, p_k = 1 up to n and L^(k - n) after, and P(N >= j) = L^j, which keeps the variance finite. Every call draws anew
 * from `options.rng` (default: a fresh one): `forward` and `inverse` remain exact inverses, their log-dets no longer each other's negative.
 *
 * The inverse iterates x <- y - g(x) on the device, log(2^-24) / log L times, so that float32 is exhausted (79 times for c = 0.9 and two
 * layers). Its gradient in y, parameters and context is the implicit one, with (I + J)^-T solved by as many steps.
 *
 * Parameters as of a network: `hidden0.kernel`, `hidden0.bias`, `hidden0.context`, `hidden0.rawBeta` ... `output.kernel`, `output.bias`.
 * Shapes: x and y [...batch, D], log-det [...batch], context [...batch, contextDim]. Forward parallel, inverse iterative.
 *
 * @throws for wrong sizes, a coefficient outside (0, 0.99], an unknown option or activation; at a call for a wrong shape.
 * Source: Behrmann et al. 2019, "Invertible residual networks"; Chen et al. 2019, "Residual flows for invertible generative modeling".
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { createRng, residualFlow } from 'tfjs-flows';
 * import { randomizeParameters } from 'tfjs-flows/testing';
 *
 * const flow = residualFlow({ dim: 2, hidden: [8] });
 * randomizeParameters(flow, { rng: createRng(0) });
 * const x = tf.tensor2d([[0.5, -1]]);
 * const [y, logDet] = flow.forwardAndLogDet(x);
 * console.log(y.shape, logDet.shape); // => [ 1, 2 ] [ 1 ]
 * console.log(tf.max(tf.abs(tf.sub(flow.inverse(y), x))).dataSync()[0]! < 1e-5); // => true
 * ```
 */
export function residualFlow(options: ResidualFlowOptions): Bijector {
  const { dim, contextDim, hidden, activation, coefficient, exact, exactTerms, samples, rng } = checked(options);
  const constrain = (kernel: Tensor): Tensor => mul(kernel, minimum(div(coefficient, spectralBound(kernel)), 1));
  const g = vectorField({ dim, hidden, activation, contextDim, constrain, rng });
  const contraction = coefficient ** (hidden.length + 1);
  const iterations = Math.ceil(Math.log(2 ** -24) / Math.log(contraction));

  const logDetOf = (x: Tensor, jacobian: Jacobian, call: CallOptions): Tensor =>
    exact
      ? exactLogDet(x, jacobian)
      : estimatedLogDet(x, jacobian, { contraction, exactTerms, samples, rng: call.rng ?? createRng() });
  const inverse = (y: Tensor, field: Field): Tensor => {
    const found = untaped(() => iterate((x) => sub(y, field.evaluate(x)), y, iterations));
    const { value, ...jacobian } = field.linearize(found);
    // x + g(x) - y without the x, which is a constant here.
    return implicit(found, sub(value, y), jacobian, iterations);
  };

  return defineBijector(
    oneBatchAxis({
      name: 'residualFlow',
      forwardEvent: [dim],
      inverseCost: 'iterative',
      contextDim,
      parts: { '': g },
      forward: (x, call) => add(x, g.at(call).evaluate(x)),
      forwardAndLogDet: (x, call) => {
        const { value, ...jacobian } = g.at(call).linearize(x);
        return [add(x, value), logDetOf(x, jacobian, call)];
      },
      inverse: (y, call) => inverse(y, g.at(call)),
      inverseAndLogDet: (y, call) => {
        const field = g.at(call);
        const x = inverse(y, field);
        return [x, neg(logDetOf(x, field.linearize(x), call))];
      },
    }),
  );
}

/** Makes so many steps; what one leaves behind is freed at once. */
function iterate(step: (x: Tensor) => Tensor, start: Tensor, steps: number): Tensor {
  let x = start;
  for (let i = 0; i < steps; i++) {
    const before = x;
    x = tidy(() => step(before));
  }
  return x;
}

/** The root x of a residual r with dr/dx = I + J: a constant, whose gradient in r is -(I + J)^-T. The value of r is not used. */
function implicit(root: Tensor, residual: Tensor, { kernels, slopes }: Jacobian, steps: number): Tensor {
  return customGrad((_, save) => {
    (save as GradSaveFunc)([...kernels, ...slopes]);
    return {
      value: clone(root),
      gradFunc: (dx: Tensor, saved: Tensor[]) => {
        const jacobian = { kernels: saved.slice(0, kernels.length), slopes: saved.slice(kernels.length) };
        return neg(iterate((w) => sub(dx, pull(jacobian, w)), dx, steps));
      },
    };
  })(residual);
}

/** log det(I + J): the sum of the logarithms of the pivots, none of them below 1 - L. */
function exactLogDet(x: Tensor, jacobian: Jacobian): Tensor {
  const dim = x.shape.at(-1) as number;
  const basis = reshape(eye(dim), [dim, ...x.shape.slice(0, -1).fill(1), dim]);
  // [row, ...batch, column], transposed: the determinant is the same.
  let rest = add(push(jacobian, basis), basis);
  const pivots: Tensor[] = [];
  for (let left = dim - 1; left > 0; left--) {
    const [top, below] = split(rest, [1, left], 0) as [Tensor, Tensor];
    const [pivot, row] = split(top, [1, left], -1) as [Tensor, Tensor];
    const [column, block] = split(below, [1, left], -1) as [Tensor, Tensor];
    pivots.push(pivot);
    rest = sub(block, mul(column, div(row, pivot)));
  }
  return reshape(addAll([...pivots, rest].map((pivot) => log(pivot))), x.shape.slice(0, -1));
}

interface Roulette {
  /** L */
  readonly contraction: number;
  readonly exactTerms: number;
  readonly samples: number;
  readonly rng: Rng;
}

/** log det(I + J) = sum over k of (-1)^(k + 1) tr(J^k) / k, estimated. */
function estimatedLogDet(x: Tensor, jacobian: Jacobian, { contraction, exactTerms, samples, rng }: Roulette): Tensor {
  // P(N >= j) = P(u <= L^j) for u uniform.
  const lengths = Array.from(
    rng.bits(samples),
    (word) => exactTerms + Math.floor(Math.log((word + 0.5) / 2 ** 32) / Math.log(contraction)),
  );
  const signs = randomSigns(rng, [samples, ...x.shape]);
  let power = signs;
  const terms = Array.from({ length: Math.max(...lengths) }, (_, i) => {
    const survival = contraction ** Math.max(0, i + 1 - exactTerms);
    const weights = lengths.map((length) => (i < length ? (-1) ** i / ((i + 1) * survival * samples) : 0));
    power = push(jacobian, power);
    return mul(sum(mul(power, signs), -1), tensor(weights, [samples, ...x.shape.slice(0, -1).fill(1)]));
  });
  return sum(addAll(terms), 0);
}

type Checked = Required<Omit<ResidualFlowOptions, 'logDet'>> & { readonly exact: boolean };

function checked(options: ResidualFlowOptions): Checked {
  const where = 'residualFlow';
  checkOptions(where, options, [
    'dim',
    'contextDim',
    'hidden',
    'activation',
    'coefficient',
    'logDet',
    'exactTerms',
    'samples',
    'rng',
  ] satisfies (keyof ResidualFlowOptions)[]);
  const { dim, contextDim = 0, hidden = [64, 64], activation = 'lipSwish', coefficient = 0.9, logDet = 'auto' } = options;
  const { exactTerms = 4, samples = 1, rng = createRng() } = options;
  checkInteger(where, 'options.dim', dim, 1);
  checkInteger(where, 'options.contextDim', contextDim, 0);
  checkHidden(where, hidden, 1);
  checkChoice(where, 'options.activation', activation, ['tanh', 'softplus', 'lipSwish']);
  checkNumber(where, 'options.coefficient', coefficient, { above: 0, most: 0.99 });
  checkChoice(where, 'options.logDet', logDet, ['auto', 'exact', 'estimate']);
  checkInteger(where, 'options.exactTerms', exactTerms, 1);
  checkInteger(where, 'options.samples', samples, 1);
  const exact = logDet === 'exact' || (logDet === 'auto' && dim <= EXACT_UP_TO);
  return { dim, contextDim, hidden, activation, coefficient, exact, exactTerms, samples, rng };
}

const EXACT_UP_TO = 16;
