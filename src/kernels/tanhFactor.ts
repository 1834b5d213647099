// The factor 1 + a tanh'(s) of a determinant, and gradients through h = tanh(s) and it: of planar and Sylvester flows.
import type { Lanes } from './lanes.js';

/** tanh'(s), without cancellation. */
export function tanhSlope<F>(o: Lanes<F>, s: F): F {
  const e = o.exp(o.mul(o.abs(s), o.constant(-2)));
  const one = o.add(e, o.constant(1));
  return o.div(o.mul(o.constant(4), e), o.mul(one, one));
}

/** 1 + a tanh'(s) = tanh^2(s) + (1 + a) tanh'(s): a sum of terms that are not negative. */
export function factorOf<F>(o: Lanes<F>, h: F, slope: F, onePlusA: F): F {
  return o.fma(onePlusA, slope, o.mul(h, h));
}

/** The gradient in 1 + a, of that in the factor's logarithm. */
export function byOnePlusA<F>(o: Lanes<F>, h: F, slope: F, onePlusA: F, byLogDet: F): F {
  return o.mul(o.div(byLogDet, factorOf<F>(o, h, slope, onePlusA)), slope);
}

/** The gradient in s, of those in h and 1 + a: the factor's derivative in s is -2 a h tanh'(s). */
export function byArgument<F>(o: Lanes<F>, h: F, slope: F, a: F, byH: F, ofOnePlusA: F): F {
  return o.fma(o.mul(o.constant(-2), o.mul(a, h)), ofOnePlusA, o.mul(slope, byH));
}
