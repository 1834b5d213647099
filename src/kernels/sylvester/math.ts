// The elements of a Sylvester flow: h = tanh(s) and the factors 1 + r r~ tanh'(s) of its determinant, r = tanh(a) and r~ = tanh(a~).
import type { Lanes } from '../lanes.js';

/** tanh'(s), without cancellation. */
export function tanhSlope<F>(o: Lanes<F>, s: F): F {
  const e = o.exp(o.mul(o.abs(s), o.constant(-2)));
  const one = o.add(e, o.constant(1));
  return o.div(o.mul(o.constant(4), e), o.mul(one, one));
}

/** 1 + r r~, of positive terms: near 0 the sum would be lost to rounding. */
export function boundOf<F>(o: Lanes<F>, a: F, aTilde: F): F {
  const two = o.constant(2);
  const x = o.mul(two, a);
  const y = o.mul(two, aTilde);
  return o.mul(two, o.fma(o.sigmoid(x), o.sigmoid(y), o.mul(o.sigmoid(o.neg(x)), o.sigmoid(o.neg(y)))));
}

/** 1 + r r~ tanh'(s) = tanh^2(s) + (1 + r r~) tanh'(s): a sum of terms that are not negative. */
export function factorOf<F>(o: Lanes<F>, h: F, slope: F, bound: F): F {
  return o.fma(bound, slope, o.mul(h, h));
}

/** The gradient in 1 + r r~, of that in the log-det. */
export function byBound<F>(o: Lanes<F>, h: F, slope: F, bound: F, byLogDet: F): F {
  return o.mul(slope, o.div(byLogDet, factorOf<F>(o, h, slope, bound)));
}

/** The gradient in s, of those in h and 1 + r r~: the factor's derivative in s is -2 r r~ h tanh'(s). */
export function byArgument<F>(o: Lanes<F>, h: F, slope: F, product: F, byH: F, ofBound: F): F {
  return o.fma(o.mul(o.constant(-2), o.mul(product, h)), ofBound, o.mul(slope, byH));
}
