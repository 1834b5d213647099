import type { Tensor } from '@tensorflow/tfjs-core';
import { add, div, exp, eye, log, mul, sum, transpose } from '@tensorflow/tfjs-core';
import { multiply } from '../kernels/dense/multiply.js';

/**
 * A bound of the spectral norm of a matrix [rows, columns]: s <= tr((W^T W)^p)^(1 / 2p) <= s n^(1 / 2p), p = 32, with s the largest
 * singular value and n the smaller size: at most 7 % too large at n = 64. Always a bound (up to rounding), where a power iteration is
 * an estimate from below; without a state, and smooth.
 *
 * The powers are repeated squares of the smaller Gram matrix, each divided by its trace first, so that none overflows.
 */
export function spectralBound(w: Tensor): Tensor {
  const [rows, columns] = w.shape as [number, number];
  const size = Math.min(rows, columns);
  const identity = eye(size);
  const wT = transpose(w);
  // A little more, so that a matrix of zeros has a bound with a gradient.
  let power = add(rows < columns ? multiply(w, wT) : multiply(wT, w), mul(identity, LEAST));
  let trace = sum(mul(power, identity));
  let logBound = mul(log(trace), 0.5);
  // The trace of one number is that number.
  for (let k = 0; k < (size === 1 ? 0 : SQUARINGS); k++) {
    const scaled = div(power, trace);
    power = multiply(scaled, scaled);
    trace = sum(mul(power, identity));
    logBound = add(logBound, mul(log(trace), 2 ** (-k - 2)));
  }
  return exp(logBound);
}

const SQUARINGS = 5;
const LEAST = 1e-12;
