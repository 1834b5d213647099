// The affine map of an element, y = e^s x + shift or, gated, e^s x + (1 - e^s) shift, and its derivatives; s comes of a raw number.
import type { Lanes } from '../lanes.js';
import { softplus } from '../lanes.js';

/** How s comes of the raw number, as of `affineTransformer`. */
export const BOUNDED = 0;
export const EXP = 1;
export const TANH = 2;
export const SOFTPLUS = 3;
export const SIGMOID = 4;
export const GATE = 5;

const LARGEST_LOG_SCALE: number = 6.907755278982137;

/** s; for 'softplus' and 'sigmoid' before the minimum is added. */
function bareLogScale<F>(o: Lanes<F>, raw: F, kind: i32, offset: number): F {
  if (kind === EXP) return raw;
  if (kind === TANH) return o.tanh(raw);
  if (kind === BOUNDED) return o.div(raw, o.fma(o.abs(raw), o.constant(1.0 / LARGEST_LOG_SCALE), o.constant(1)));
  const t = o.add(raw, o.constant(offset));
  if (kind !== SOFTPLUS) return o.neg(softplus<F>(o, o.neg(t)));
  // softplus(t) is e^t where that is small, and its logarithm t, though e^t may be 0.
  return o.ifAtLeast(t, o.constant(-17), o.log(softplus<F>(o, o.max(t, o.constant(-17)))), t);
}

/** s. */
export function logScale<F>(o: Lanes<F>, raw: F, kind: i32, offset: number, least: number, most: number): F {
  const bare = bareLogScale<F>(o, raw, kind, offset);
  // Without a minimum it stays a logarithm, where e^s would be 0.
  const raised = least === 0 ? bare : o.log(o.add(o.exp(bare), o.constant(least)));
  return most === Infinity ? raised : o.min(raised, o.log(o.constant(most)));
}

/** ds / draw. */
export function logScaleSlope<F>(o: Lanes<F>, raw: F, s: F, kind: i32, offset: number, least: number, most: number): F {
  const one = o.constant(1);
  if (kind === EXP) return one;
  if (kind === TANH) return o.fma(o.neg(s), s, one);
  if (kind === BOUNDED) {
    const q = o.div(one, o.fma(o.abs(raw), o.constant(1.0 / LARGEST_LOG_SCALE), one));
    return o.mul(q, q);
  }
  const t = o.add(raw, o.constant(offset));
  if (kind !== SOFTPLUS && least === 0) return o.sigmoid(o.neg(t));
  const scale = o.exp(s);
  if (kind === SIGMOID) {
    const share = o.sigmoid(t);
    return o.div(o.mul(share, o.sigmoid(o.neg(t))), scale);
  }
  // d softplus = sigmoid; of a scale without a minimum, sigmoid / softplus, which is 1 where both are too small.
  const slope = o.ifAtLeast(
    t,
    o.constant(-17),
    o.div(o.sigmoid(t), o.max(scale, o.constant(1e-30))),
    least === 0 ? one : o.div(o.exp(t), scale),
  );
  // No gradient comes from where the scale is cut off.
  return most === Infinity ? slope : o.ifAtLeast(s, o.log(o.constant(most)), o.constant(0), slope);
}

/** y. */
export function affineForward<F>(o: Lanes<F>, x: F, shift: F, s: F, isGate: bool): F {
  const scale = o.exp(s);
  return isGate ? o.fma(scale, o.sub(x, shift), shift) : o.fma(scale, x, shift);
}

/** x. */
export function affineInverse<F>(o: Lanes<F>, y: F, shift: F, s: F, isGate: bool): F {
  const x = o.mul(o.sub(y, shift), affineFactor<F>(o, s, true));
  return isGate ? o.add(x, shift) : x;
}

/** How fast the result changes with what is mapped: e^s, or for the inverse e^-s. */
export function affineFactor<F>(o: Lanes<F>, s: F, inverse: bool): F {
  // Cut off before it overflows, and 0 times it is NaN.
  return inverse ? o.exp(o.min(o.neg(s), o.constant(80))) : o.exp(s);
}

/** Of a gradient g in the result, that in the shift; `through` is g times the factor. */
export function affineShiftGradient<F>(o: Lanes<F>, g: F, through: F, inverse: bool, isGate: bool): F {
  if (isGate) return o.sub(g, through);
  return inverse ? o.neg(through) : g;
}

/** That in s, h being the gradient in the log-derivative; `from` is what is mapped. */
export function affineScaleGradient<F>(o: Lanes<F>, from: F, shift: F, through: F, h: F, inverse: bool, isGate: bool): F {
  const by = o.fma(through, inverse || isGate ? o.sub(from, shift) : from, h);
  return inverse ? o.neg(by) : by;
}
