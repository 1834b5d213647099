// A layer of planar flows, y = x + uHat tanh(s): uHat = u + bend w, bend = (a - w u) / |w|^2, 1 + a = softplus(w u + shift).
import type { Lanes } from '../lanes.js';

export function bendOf<F>(o: Lanes<F>, onePlusA: F, product: F, square: F): F {
  return o.div(o.sub(o.sub(onePlusA, o.constant(1)), product), square);
}

/** The gradient in w u, of that in 1 + a and of `share`, the one in bend over |w|^2; `argument` is the softplus's. */
export function byProduct<F>(o: Lanes<F>, ofOnePlusA: F, share: F, argument: F): F {
  return o.sub(o.mul(o.add(ofOnePlusA, share), o.sigmoid(argument)), share);
}

/** The gradient in an element of u, of those in uHat and w u. */
export function byU<F>(o: Lanes<F>, w: F, byUHat: F, ofProduct: F): F {
  return o.fma(ofProduct, w, byUHat);
}

/** The gradient in an element of w, of those in w itself, uHat, w u and |w|^2, which is -bend share. */
export function byW<F>(o: Lanes<F>, w: F, u: F, itself: F, byUHat: F, ofProduct: F, share: F, bend: F): F {
  const bySquare = o.mul(o.mul(o.constant(-2), share), bend);
  return o.add(o.fma(byUHat, bend, itself), o.fma(ofProduct, u, o.mul(bySquare, w)));
}
