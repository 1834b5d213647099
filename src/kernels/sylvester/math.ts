// What tanhFactor.ts does not have of the elements of a Sylvester flow.
import type { Lanes } from '../lanes.js';

/** 1 + tanh(a) tanh(aTilde), of positive terms: near 0 the sum would be lost to rounding. */
export function boundOf<F>(o: Lanes<F>, a: F, aTilde: F): F {
  const two = o.constant(2);
  const x = o.mul(two, a);
  const y = o.mul(two, aTilde);
  return o.mul(two, o.fma(o.sigmoid(x), o.sigmoid(y), o.mul(o.sigmoid(o.neg(x)), o.sigmoid(o.neg(y)))));
}
