// Log-density of an element of a value, without its constant, and its derivatives. What follows the value, b, may be 0.
import type { Lanes } from '../lanes.js';

/** Of a normal: the value is (x - mean) / scale, and b the log-scale. */
export const NORMAL = 0;
// Any other number is of a Bernoulli variable: b is its logit.

export function term<F>(o: Lanes<F>, x: F, b: F, kind: i32): F {
  if (kind === NORMAL) return o.neg(o.fma(o.mul(o.constant(0.5), x), x, b));
  // -x softplus(-b) - (1 - x) softplus(b): terms of one sign.
  const zero = o.constant(0);
  const above = o.mul(o.sub(o.constant(1), x), o.max(b, zero));
  const below = o.mul(x, o.max(o.neg(b), zero));
  return o.neg(o.add(o.add(above, below), o.log1p(o.exp(o.neg(o.abs(b))))));
}

/** In the value. */
export function termSlope<F>(o: Lanes<F>, x: F, b: F, kind: i32): F {
  return kind === NORMAL ? o.neg(x) : b;
}

/** In b. */
export function termSlopeOfB<F>(o: Lanes<F>, x: F, b: F, kind: i32): F {
  if (kind === NORMAL) return o.constant(-1);
  return o.sub(o.mul(x, o.sigmoid(o.neg(b))), o.mul(o.sub(o.constant(1), x), o.sigmoid(b)));
}
