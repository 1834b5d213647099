// Nonlinearities whose slope can be told from their value.
import type { Lanes } from '../lanes.js';
import { softplus } from '../lanes.js';

/** Their numbers; `product` (product.as.ts) takes those up to 1 for the cheap ones. */
export const LINEAR = 0;
export const RELU = 1;
export const LEAKY_RELU = 2;
export const ELU = 3;
export const TANH = 4;
export const SIGMOID = 5;
export const SOFTPLUS = 6;

/** act(x). */
// @inline
export function activated<F>(o: Lanes<F>, x: F, kind: i32): F {
  // One operation, where the others are a call.
  if (kind === RELU) return o.max(o.constant(0), x);
  return otherwiseActivated<F>(o, x, kind);
}

function otherwiseActivated<F>(o: Lanes<F>, x: F, kind: i32): F {
  const zero = o.constant(0);
  if (kind === LINEAR) return x;
  if (kind === LEAKY_RELU) return o.ifAtLeast(x, zero, x, o.mul(x, o.constant(0.2)));
  if (kind === ELU) return o.ifAtLeast(x, zero, x, o.sub(o.exp(x), o.constant(1)));
  if (kind === TANH) return o.tanh(x);
  if (kind === SIGMOID) return o.sigmoid(x);
  return softplus<F>(o, x);
}

/** act'(x) where y = act(x). */
// @inline
export function activationSlope<F>(o: Lanes<F>, y: F, kind: i32): F {
  const zero = o.constant(0);
  const one = o.constant(1);
  if (kind === LINEAR) return one;
  if (kind === RELU) return o.ifAtLeast(zero, y, zero, one);
  if (kind === LEAKY_RELU) return o.ifAtLeast(zero, y, o.constant(0.2), one);
  if (kind === ELU) return o.ifAtLeast(zero, y, o.add(y, one), one);
  if (kind === TANH) return o.sub(one, o.mul(y, y));
  if (kind === SIGMOID) return o.mul(y, o.sub(one, y));
  return o.sub(one, o.exp(o.neg(y)));
}
