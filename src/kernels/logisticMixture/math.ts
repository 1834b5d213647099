// The logit of the distribution function of a mixture of K logistic distributions, its derivatives and its inverse.
//
// With z_k = (x - mean_k) / scale_k and weights w_k,
//
//   F = sum_k w_k sigmoid(z_k), S = sum_k w_k sigmoid(-z_k), f = sum_k w_k sigmoid(z_k) sigmoid(-z_k) / scale_k,
//   y = log F - log S, dy/dx = f / S + f / F.
//
// Each of the three sums is kept as the exponential of its largest term's exponent and what it is of that: since
// sigmoid(-z) = e^-max(z, 0) q and sigmoid(z) = e^min(z, 0) q with q = 1 / (1 + e^-|z|) between 1/2 and 1, the exponents are
// log w_k - max(z_k, 0), log w_k + min(z_k, 0) and log w_k - |z_k| - log scale_k. Nothing overflows, vanishes or, where one term rules,
// cancels: of the last exponent its two parts are kept, since log dy/dx looks at the difference of the first from the other exponents.
// Near the components, where no sum is too small for float32, those exponents are left out, and one exponential does for all.
import type { Columns, Lanes } from '../lanes.js';

/** Where the sums have their exponents, and the rest. */
const TOP_S = 0;
const TOP_F = 1;
const TOP_DENSITY = 2;
const TOP_LOG_SCALE = 3;
const REST_S = 4;
const REST_F = 5;
const REST_DENSITY = 6;
/** How many numbers `evaluate` puts down. */
export const SUMS = 7;

/** How many numbers of a component `prepare` puts down. */
export const PREPARED = 5;

/** [logits K, means K, log-scales K] to [log-weights, of which the largest is 0, K; means K; 1 / scales K; weights K; log-scales K]. */
export function prepare<F>(o: Lanes<F>, mixture: Columns<F>, K: i32, floor: number): void {
  let top = mixture.at(0);
  for (let k = 1; k < K; k++) top = o.max(top, mixture.at(k));
  for (let k = 0; k < K; k++) {
    const w = o.sub(mixture.at(k), top);
    const logScale = o.max(o.constant(floor), mixture.at(2 * K + k));
    mixture.put(k, w);
    mixture.put(2 * K + k, o.exp(o.neg(logScale)));
    mixture.put(3 * K + k, o.exp(w));
    mixture.put(4 * K + k, logScale);
  }
}

function standardised<F>(o: Lanes<F>, x: F, mixture: Columns<F>, K: i32, k: i32): F {
  return o.mul(o.sub(x, mixture.at(K + k)), mixture.at(2 * K + k));
}

/** The three sums at x as they are; gives the least of them, to see whether x is near. */
export function evaluateNear<F>(o: Lanes<F>, x: F, mixture: Columns<F>, K: i32, sums: Columns<F>): F {
  const zero = o.constant(0);
  const one = o.constant(1);
  let S = zero;
  let F = zero;
  let density = zero;
  for (let k = 0; k < K; k++) {
    const z = standardised<F>(o, x, mixture, K, k);
    // Held before it overflows: a component so far away does not matter where x is near.
    const e = o.exp(o.min(o.constant(80), o.neg(z)));
    const rising = o.div(one, o.add(one, e));
    const ofF = o.mul(mixture.at(3 * K + k), rising);
    const ofS = o.mul(ofF, e);
    S = o.add(S, ofS);
    F = o.add(F, ofF);
    density = o.fma(o.mul(ofS, rising), mixture.at(2 * K + k), density);
  }
  sums.put(TOP_S, zero);
  sums.put(TOP_F, zero);
  sums.put(TOP_DENSITY, zero);
  sums.put(TOP_LOG_SCALE, zero);
  sums.put(REST_S, S);
  sums.put(REST_F, F);
  sums.put(REST_DENSITY, density);
  return o.min(o.min(S, F), density);
}

/** The three sums at x, wherever that is. */
export function evaluate<F>(o: Lanes<F>, x: F, mixture: Columns<F>, K: i32, sums: Columns<F>): void {
  const zero = o.constant(0);
  const one = o.constant(1);
  let topS = o.constant(-1e38);
  let topF = topS;
  let largest = topS;
  let top = topS;
  let topLogScale = zero;
  for (let k = 0; k < K; k++) {
    const z = standardised<F>(o, x, mixture, K, k);
    const w = mixture.at(k);
    topS = o.max(topS, o.sub(w, o.max(z, zero)));
    topF = o.max(topF, o.add(w, o.min(z, zero)));
    const logScale = mixture.at(4 * K + k);
    const exponent = o.sub(w, o.abs(z));
    const size = o.sub(exponent, logScale);
    top = o.ifAtLeast(size, largest, exponent, top);
    topLogScale = o.ifAtLeast(size, largest, logScale, topLogScale);
    largest = o.max(largest, size);
  }
  let S = zero;
  let F = zero;
  let density = zero;
  for (let k = 0; k < K; k++) {
    const z = standardised<F>(o, x, mixture, K, k);
    const w = mixture.at(k);
    const q = o.div(one, o.add(one, o.exp(o.neg(o.abs(z)))));
    S = o.fma(o.exp(o.sub(o.sub(w, o.max(z, zero)), topS)), q, S);
    F = o.fma(o.exp(o.sub(o.add(w, o.min(z, zero)), topF)), q, F);
    const exponent = o.add(o.sub(o.sub(w, o.abs(z)), top), o.sub(topLogScale, mixture.at(4 * K + k)));
    density = o.fma(o.mul(o.exp(exponent), q), q, density);
  }
  sums.put(TOP_S, topS);
  sums.put(TOP_F, topF);
  sums.put(TOP_DENSITY, top);
  sums.put(TOP_LOG_SCALE, topLogScale);
  sums.put(REST_S, S);
  sums.put(REST_F, F);
  sums.put(REST_DENSITY, density);
}

/** What the least of the sums must be where x is near. */
export const NEAR: number = 1e-20;

/** y. */
export function logit<F>(o: Lanes<F>, sums: Columns<F>): F {
  return o.add(o.sub(sums.at(TOP_F), sums.at(TOP_S)), o.log(o.div(sums.at(REST_F), sums.at(REST_S))));
}

/** The exponent of dy/dx, and the rest of it. */
function slopeTop<F>(o: Lanes<F>, sums: Columns<F>): F {
  return o.sub(o.sub(sums.at(TOP_DENSITY), o.min(sums.at(TOP_S), sums.at(TOP_F))), sums.at(TOP_LOG_SCALE));
}

function slopeRest<F>(o: Lanes<F>, sums: Columns<F>, isNear: bool): F {
  let byS = o.div(o.constant(1), sums.at(REST_S));
  let byF = o.div(o.constant(1), sums.at(REST_F));
  if (!isNear) {
    const least = o.min(sums.at(TOP_S), sums.at(TOP_F));
    byS = o.mul(byS, o.exp(o.sub(least, sums.at(TOP_S))));
    byF = o.mul(byF, o.exp(o.sub(least, sums.at(TOP_F))));
  }
  return o.mul(sums.at(REST_DENSITY), o.add(byS, byF));
}

/** dy/dx. */
export function slope<F>(o: Lanes<F>, sums: Columns<F>, isNear: bool): F {
  const rest = slopeRest<F>(o, sums, isNear);
  return isNear ? rest : o.mul(o.exp(slopeTop<F>(o, sums)), rest);
}

/** l = log dy/dx. */
export function logSlope<F>(o: Lanes<F>, sums: Columns<F>, isNear: bool): F {
  return o.add(slopeTop<F>(o, sums), o.log(slopeRest<F>(o, sums, isNear)));
}

/** How many numbers of a component `differentiate` puts down: in [dy/dz K, dl/dz K, ...]. */
export const PARTIALS = 5;

/**
 * Of each component dy/dz, dl/dz, dy/dlogit, dl/dlogit, and -dl/ds with z held (s the log-scale); gives dl/dx.
 *
 * With each component's shares of F, S, f and of all weights, that is of 1 each, dl/dz is sigmoid(z) (its share of S less its share
 * of f) + sigmoid(-z) (its share of f less its share of F): 0 and not nearly 0 where a component has all.
 */
export function differentiate<F>(
  o: Lanes<F>,
  x: F,
  mixture: Columns<F>,
  K: i32,
  sums: Columns<F>,
  isNear: bool,
  partials: Columns<F>,
): F {
  const zero = o.constant(0);
  const one = o.constant(1);
  let total = zero;
  for (let k = 0; k < K; k++) total = o.add(total, mixture.at(3 * K + k));
  let slopeOfL = zero;
  for (let k = 0; k < K; k++) {
    const z = standardised<F>(o, x, mixture, K, k);
    const r = mixture.at(2 * K + k);
    // As in the sums, so that shares of all are 1.
    const e = o.exp(o.min(o.constant(80), o.neg(z)));
    const rising = o.div(one, o.add(one, e));
    const falling = o.mul(rising, e);
    let partOfF = o.mul(mixture.at(3 * K + k), rising);
    let partOfS = o.mul(partOfF, e);
    let part = o.mul(o.mul(partOfS, rising), r);
    if (!isNear) {
      const w = mixture.at(k);
      const q = o.div(one, o.add(one, o.exp(o.neg(o.abs(z)))));
      partOfS = o.mul(o.exp(o.sub(o.sub(w, o.max(z, zero)), sums.at(TOP_S))), q);
      partOfF = o.mul(o.exp(o.sub(o.add(w, o.min(z, zero)), sums.at(TOP_F))), q);
      const ofScale = o.sub(sums.at(TOP_LOG_SCALE), mixture.at(4 * K + k));
      part = o.mul(o.mul(o.exp(o.add(o.sub(o.sub(w, o.abs(z)), sums.at(TOP_DENSITY)), ofScale)), q), q);
    }
    const ofS = o.div(partOfS, sums.at(REST_S));
    const ofF = o.div(partOfF, sums.at(REST_F));
    const ofDensity = o.div(part, sums.at(REST_DENSITY));
    const byZ = o.fma(rising, o.sub(ofS, ofDensity), o.mul(falling, o.sub(ofDensity, ofF)));
    partials.put(k, o.fma(ofF, falling, o.mul(ofS, rising)));
    partials.put(K + k, byZ);
    partials.put(2 * K + k, o.sub(ofF, ofS));
    partials.put(3 * K + k, o.add(o.sub(ofDensity, ofF), o.sub(o.div(mixture.at(3 * K + k), total), ofS)));
    partials.put(4 * K + k, ofDensity);
    slopeOfL = o.fma(byZ, r, slopeOfL);
  }
  return slopeOfL;
}

/** Of a gradient g in y and h in l, those in logits, means and log-scales, in the place of the partials; gives that in x. */
export function propagate<F>(o: Lanes<F>, x: F, mixture: Columns<F>, K: i32, partials: Columns<F>, g: F, h: F): F {
  let byX = o.constant(0);
  for (let k = 0; k < K; k++) {
    const z = standardised<F>(o, x, mixture, K, k);
    const r = mixture.at(2 * K + k);
    const byZ = o.fma(g, partials.at(k), o.mul(h, partials.at(K + k)));
    const byMean = o.neg(o.mul(byZ, r));
    partials.put(k, o.fma(g, partials.at(2 * K + k), o.mul(h, partials.at(3 * K + k))));
    partials.put(K + k, byMean);
    partials.put(2 * K + k, o.neg(o.fma(byZ, z, o.mul(h, partials.at(4 * K + k)))));
    byX = o.sub(byX, byMean);
  }
  return byX;
}

/** Where a search has its bracket, its last two steps, and 1 until it is at its end, then 0. */
const LOWER = 0;
const UPPER = 1;
const STEP = 2;
const PREVIOUS = 3;
export const UNFINISHED = 4;
/** How many numbers a search keeps. */
export const SEARCH = 5;
/** More than the steepest staircases in float32 take. */
export const STEPS = 48;

/** Where the search for the x of y begins: in the middle of the exact bracket, the outermost of the components' own x. */
export function bracket<F>(o: Lanes<F>, y: F, mixture: Columns<F>, K: i32, search: Columns<F>): F {
  let low = o.constant(Infinity);
  let high = o.constant(-Infinity);
  for (let k = 0; k < K; k++) {
    const root = o.add(mixture.at(K + k), o.div(y, mixture.at(2 * K + k)));
    low = o.min(low, root);
    high = o.max(high, root);
  }
  search.put(LOWER, low);
  search.put(UPPER, high);
  search.put(STEP, o.sub(high, low));
  search.put(PREVIOUS, o.sub(high, low));
  search.put(UNFINISHED, o.constant(1));
  return o.mul(o.add(low, high), o.constant(0.5));
}

/**
 * The next x of the search, by Newton's method, or bisection where that leaves the bracket or does not halve the step before last, as
 * in core/root.ts; `sums` are those at x. At its end it stays where it is.
 */
export function improve<F>(o: Lanes<F>, x: F, y: F, sums: Columns<F>, isNear: bool, search: Columns<F>): F {
  const zero = o.constant(0);
  const one = o.constant(1);
  // The error after a step is of the order of its square, and of the residual's.
  const tolerance = o.constant(3e-7);
  const value = o.sub(logit<F>(o, sums), y);
  const derivative = slope<F>(o, sums, isNear);
  const low = o.ifAtLeast(zero, value, x, search.at(LOWER));
  const high = o.ifAtLeast(zero, value, search.at(UPPER), x);
  // NaN where the value is.
  const middle = o.fma(o.add(low, high), o.constant(0.5), o.mul(value, zero));
  // Where what is left may be rounding, no step need be smaller than another, and none is as good as the best.
  const enough = o.mul(tolerance, o.add(one, o.abs(y)));
  const otherwise = o.ifAtLeast(enough, o.abs(value), x, middle);
  const longest = o.ifAtLeast(enough, o.abs(value), o.constant(3e38), o.abs(search.at(PREVIOUS)));
  // A comparison with NaN is false, so what comes of a slope of 0 ends in the bisection, and so does an infinite one, whose step is none.
  const newton = o.ifAtLeast(o.constant(3e38), derivative, o.sub(x, o.div(value, derivative)), middle);
  const halved = o.ifAtLeast(longest, o.mul(o.abs(o.sub(newton, x)), o.constant(2)), newton, otherwise);
  const inside = o.ifAtLeast(halved, low, o.ifAtLeast(high, halved, halved, otherwise), otherwise);
  const next = o.ifAtLeast(search.at(UNFINISHED), one, inside, x);
  const step = o.sub(next, x);
  search.put(LOWER, low);
  search.put(UPPER, high);
  search.put(PREVIOUS, search.at(STEP));
  search.put(STEP, step);
  const far = o.ifAtLeast(o.abs(step), o.mul(tolerance, o.abs(x)), search.at(UNFINISHED), zero);
  search.put(UNFINISHED, o.ifAtLeast(enough, o.abs(value), zero, far));
  return next;
}
