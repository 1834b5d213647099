import type { GradSaveFunc, Tensor } from '@tensorflow/tfjs-core';
import {
  abs,
  add,
  cosh,
  customGrad,
  div,
  exp,
  greaterEqual,
  log,
  max,
  maximum,
  mul,
  neg,
  relu,
  reshape,
  scalar,
  sigmoid,
  sinh,
  softplus,
  sqrt,
  square,
  sub,
  sum,
} from '@tensorflow/tfjs-core';
import { select } from './select.js';
import { stopGradient } from './stopGradient.js';

/** log(2 pi), on the host in float64. */
export const LOG_TWO_PI: number = Math.log(2 * Math.PI);

/** log sigmoid(x) = -softplus(-x). The op of tfjs 4.22 reads a disposed tensor in its gradient. */
export function logSigmoid(x: Tensor): Tensor {
  return neg(softplus(neg(x)));
}

/**
 * log(1 + e^x) to float32's relative accuracy, also where it is e^x: the op of tfjs is the logarithm of a rounded 1 + e^x, with
 * one digit left at x of -13.
 */
export function softplusExact(x: Tensor): Tensor {
  return customGrad((input, save) => {
    const at = input as Tensor;
    (save as GradSaveFunc)([at]);
    const e = exp(neg(abs(at)));
    // log1p(e) = 2 atanh(e / (2 + e)): some backends' `log1p` is the logarithm of a rounded sum.
    const value = add(relu(at), twiceAtanh(div(e, add(e, 2))));
    return { value, gradFunc: (dy: Tensor, [at]: Tensor[]) => mul(dy, sigmoid(at as Tensor)) };
  })(x);
}

/** 2 atanh(s) for |s| <= 1/3, by its series. */
function twiceAtanh(s: Tensor): Tensor {
  const t = square(s);
  return mul(
    s,
    [15, 13, 11, 9, 7, 5, 3, 1].reduce((sum: Tensor, odd) => add(mul(sum, t), 2 / odd), scalar(0)),
  );
}

/**
 * asinh(x) to float32's relative accuracy for any x: some backends take log(x + sqrt(x^2 + 1)) as it stands, which is the logarithm
 * of 0 below -4096.
 */
export function asinhExact(x: Tensor): Tensor {
  return customGrad((input, save) => {
    const at = input as Tensor;
    (save as GradSaveFunc)([at]);
    const size = abs(at);
    const root = rootOfOnePlusSquare(at);
    const far = log(add(size, root));
    // Where x is at most sinh(log 2), x / (1 + root) = tanh(asinh(x) / 2) is at most 1/3.
    const isNear = greaterEqual(0.75, size);
    const near = twiceAtanh(div(at, add(root, 1)));
    const value = select(isNear, near, select(greaterEqual(at, 0), far, neg(far)));
    return { value, gradFunc: (dy: Tensor, [at]: Tensor[]) => div(dy, rootOfOnePlusSquare(at as Tensor)) };
  })(x);
}

/** sqrt(1 + x^2), which does not overflow. */
function rootOfOnePlusSquare(x: Tensor): Tensor {
  const size = maximum(abs(x), 1);
  return mul(size, sqrt(add(square(div(1, size)), square(div(x, size)))));
}

/** sinh(x) to float32's relative accuracy, also near 0, where some backends subtract e^-x from e^x. */
export function sinhExact(x: Tensor): Tensor {
  return customGrad((input, save) => {
    const at = input as Tensor;
    (save as GradSaveFunc)([at]);
    const isNear = greaterEqual(1, abs(at));
    const t = square(at);
    const series = [72, 42, 20, 6].reduce((sum: Tensor, divisor) => add(div(mul(sum, t), divisor), 1), scalar(1));
    const value = select(isNear, mul(at, series), sinh(at));
    return { value, gradFunc: (dy: Tensor, [at]: Tensor[]) => mul(dy, cosh(at as Tensor)) };
  })(x);
}

/** log cosh(x) = x - log 2 + log(1 + e^(-2x)): no overflow. */
export function logCosh(x: Tensor): Tensor {
  return add(sub(x, Math.LN2), softplus(mul(x, -2)));
}

/**
 * log sum exp over the last axis.
 *
 * The largest term is subtracted as a constant: the gradient is the same without a derivative of max, whose `Equal` is
 * what most of the time of tfjs's own `logSumExp` goes to on WASM.
 */
export function logSumExp(x: Tensor): Tensor {
  // Where all terms are zero there is no largest one: the result is then -Infinity, not NaN.
  const top = stopGradient(maximum(max(x, -1, true), -1e38));
  const total = log(sum(exp(sub(x, top)), -1));
  return add(total, reshape(top, total.shape));
}

/** log softmax over the last axis. */
export function logSoftmax(x: Tensor): Tensor {
  const shifted = sub(x, stopGradient(max(x, -1, true)));
  return sub(shifted, log(sum(exp(shifted), -1, true)));
}

/** x / (1 + |x| / bound): x where that is small, within (-bound, bound), and with a gradient everywhere, as no clamp has. */
export function softBound(x: Tensor, bound: number): Tensor {
  return div(x, add(div(abs(x), bound), 1));
}
