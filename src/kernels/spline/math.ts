// The rational-quadratic spline of an element, as of `rationalQuadratic`, and its derivatives.
//
// `curve` makes the corners of an element's bins out of its raw numbers. A point is then mapped by `spline`, or `splineGradient` adds
// what it gives to the gradients in shares and slopes, of which `curveGradient` makes those in the raw numbers. All that an element has
// lies in `Columns` of `curveSize`: the raw numbers at `rawAt`, and tables with an entry for each of the K bins or K + 1 corners.
import type { Columns, Lanes } from '../lanes.js';
import { softplus } from '../lanes.js';

/** What happens at the ends. */
export const IDENTITY = 0;
export const FREE = 1;
export const CIRCULAR = 2;

const LARGEST_LOG_SLOPE: number = 6.907755278982137;

// Tables.
const X = 0;
const Y = 1;
/** Raw slopes. */
const SLOPES = 2;
/** Shares of the bins in the box, before the minimum. */
const WIDTHS = 3;
const HEIGHTS = 4;
/** Gradients in all three. */
const D_SLOPES = 5;
const D_WIDTHS = 6;
const D_HEIGHTS = 7;
/** After the tables, about the bin that a point lies in. */
const BIN = 8;
/** Its number. */
const INDEX = 0;
const LEFT = 1;
const BOTTOM = 2;
const WIDTH = 3;
const HEIGHT = 4;
const RAW_BEFORE = 5;
const RAW_AFTER = 6;
/** Slopes at its ends. */
const BEFORE = 7;
const AFTER = 8;
/** Shares of the bin that lie before the point. */
const T = 9;
const R = 10;
/** s (t^2 + (1 - t)^2) + (d + e) t (1 - t), and e t^2 + 2 s t (1 - t) + d (1 - t)^2. */
const DENOMINATOR = 11;
const NUMERATOR = 12;
const LOG = 13;
const BIN_SIZE = 14;

/** Where a table begins. */
function table(part: i32, bins: i32): i32 {
  return part * (bins + 1);
}

/** How many raw numbers an element has. */
export function rawSize(bins: i32, boundary: i32): i32 {
  return 3 * bins + (boundary === IDENTITY ? -1 : boundary === FREE ? 1 : 0);
}

/** Where they begin. */
export function rawAt(bins: i32): i32 {
  return table(BIN, bins) + BIN_SIZE;
}

/** How many numbers an element has. */
export function curveSize(bins: i32): i32 {
  return rawAt(bins) + 3 * bins + 1;
}

/** Where the raw slope of corner k is, negative where that is 1. */
function rawSlopeAt(k: i32, bins: i32, boundary: i32): i32 {
  if (boundary === IDENTITY) return k === 0 || k === bins ? -1 : rawAt(bins) + 2 * bins + k - 1;
  return rawAt(bins) + 2 * bins + (boundary === CIRCULAR && k === bins ? 0 : k);
}

/** x / (1 + |x| / bound) */
function softBound<F>(o: Lanes<F>, x: F, bound: number): F {
  return o.div(x, o.fma(o.abs(x), o.constant(1.0 / bound), o.constant(1)));
}

/** Its slope. */
function softBoundSlope<F>(o: Lanes<F>, x: F, bound: number): F {
  const q = o.div(o.constant(1), o.fma(o.abs(x), o.constant(1.0 / bound), o.constant(1)));
  return o.mul(q, q);
}

/** Corners, out of the raw numbers; no gradients yet. */
export function curve<F>(
  o: Lanes<F>,
  n: Columns<F>,
  bins: i32,
  boundary: i32,
  isBounded: bool,
  bound: number,
  leastWidth: number,
  leastHeight: number,
): void {
  sides<F>(o, n, rawAt(bins), table(WIDTHS, bins), table(X, bins), bins, isBounded, bound, leastWidth);
  sides<F>(o, n, rawAt(bins) + bins, table(HEIGHTS, bins), table(Y, bins), bins, isBounded, bound, leastHeight);
  for (let k: i32 = 0; k <= bins; k++) {
    const at = rawSlopeAt(k, bins, boundary);
    n.put(table(SLOPES, bins) + k, at < 0 ? o.constant(0) : n.at(at));
    n.put(table(D_SLOPES, bins) + k, o.constant(0));
    n.put(table(D_WIDTHS, bins) + k, o.constant(0));
    n.put(table(D_HEIGHTS, bins) + k, o.constant(0));
  }
}

function sides<F>(
  o: Lanes<F>,
  n: Columns<F>,
  raw: i32,
  shares: i32,
  corners: i32,
  bins: i32,
  isBounded: bool,
  bound: number,
  least: number,
): void {
  let top = o.constant(-Infinity);
  for (let k: i32 = 0; k < bins; k++) {
    const value = isBounded ? softBound<F>(o, n.at(raw + k), LARGEST_LOG_SLOPE / 2) : n.at(raw + k);
    n.put(shares + k, value);
    top = o.max(top, value);
  }
  let total = o.constant(0);
  for (let k: i32 = 0; k < bins; k++) {
    const power = o.exp(o.sub(n.at(shares + k), top));
    n.put(shares + k, power);
    total = o.add(total, power);
  }
  // From the middle of the box, where the sums are least.
  let sum = o.constant(-0.5);
  n.put(corners, o.constant(-bound));
  for (let k: i32 = 0; k < bins; k++) {
    const share = o.div(n.at(shares + k), total);
    n.put(shares + k, share);
    sum = o.add(sum, o.fma(share, o.constant(1 - bins * least), o.constant(least)));
    n.put(corners + k + 1, k < bins - 1 ? o.mul(sum, o.constant(2 * bound)) : o.constant(bound));
  }
}

function slope<F>(o: Lanes<F>, raw: F, isBounded: bool, least: number, offset: number): F {
  if (isBounded) return o.fma(o.exp(softBound<F>(o, raw, LARGEST_LOG_SLOPE)), o.constant(1 - least), o.constant(least));
  return o.add(softplus<F>(o, o.add(raw, o.constant(offset))), o.constant(least));
}

/** d slope / draw. */
function slopeSlope<F>(o: Lanes<F>, raw: F, isBounded: bool, least: number, offset: number): F {
  if (!isBounded) return o.sigmoid(o.add(raw, o.constant(offset)));
  const factor = softBoundSlope<F>(o, raw, LARGEST_LOG_SLOPE);
  return o.mul(o.mul(o.exp(softBound<F>(o, raw, LARGEST_LOG_SLOPE)), o.constant(1 - least)), factor);
}

/** Finds the bin of a point in the box, and where in it the point lies. */
function locate<F>(
  o: Lanes<F>,
  n: Columns<F>,
  point: F,
  inverse: bool,
  bins: i32,
  boundary: i32,
  isBounded: bool,
  least: number,
  offset: number,
): void {
  const xs = table(X, bins);
  const ys = table(Y, bins);
  const raws = table(SLOPES, bins);
  const bin = table(BIN, bins);
  let index = o.constant(0);
  let left = n.at(xs);
  let right = n.at(xs + 1);
  let bottom = n.at(ys);
  let top = n.at(ys + 1);
  let rawBefore = n.at(raws);
  let rawAfter = n.at(raws + 1);
  for (let k: i32 = 1; k < bins; k++) {
    const edge = n.at((inverse ? ys : xs) + k);
    index = o.ifAtLeast(point, edge, o.constant(k), index);
    left = o.ifAtLeast(point, edge, n.at(xs + k), left);
    right = o.ifAtLeast(point, edge, n.at(xs + k + 1), right);
    bottom = o.ifAtLeast(point, edge, n.at(ys + k), bottom);
    top = o.ifAtLeast(point, edge, n.at(ys + k + 1), top);
    rawBefore = o.ifAtLeast(point, edge, n.at(raws + k), rawBefore);
    rawAfter = o.ifAtLeast(point, edge, n.at(raws + k + 1), rawAfter);
  }
  const one = o.constant(1);
  let d = slope<F>(o, rawBefore, isBounded, least, offset);
  let e = slope<F>(o, rawAfter, isBounded, least, offset);
  if (boundary === IDENTITY) {
    d = o.ifAtLeast(index, o.constant(0.5), d, one);
    e = o.ifAtLeast(index, o.constant(bins - 1.5), one, e);
  }
  const width = o.sub(right, left);
  const height = o.sub(top, bottom);
  const s = o.div(height, width);
  n.put(bin + INDEX, index);
  n.put(bin + LEFT, left);
  n.put(bin + BOTTOM, bottom);
  n.put(bin + WIDTH, width);
  n.put(bin + HEIGHT, height);
  n.put(bin + RAW_BEFORE, rawBefore);
  n.put(bin + RAW_AFTER, rawAfter);
  n.put(bin + BEFORE, d);
  n.put(bin + AFTER, e);
  const given = inverse ? o.div(o.sub(point, bottom), height) : o.div(o.sub(point, left), width);
  const t = inverse ? solve<F>(o, given, s, d, e) : given;
  const rest = o.sub(one, t);
  const both = o.mul(t, rest);
  const tt = o.mul(t, t);
  const uu = o.mul(rest, rest);
  const denominator = o.fma(s, o.add(tt, uu), o.mul(o.add(d, e), both));
  n.put(bin + T, t);
  n.put(bin + R, inverse ? given : o.div(o.fma(s, tt, o.mul(d, both)), denominator));
  n.put(bin + DENOMINATOR, denominator);
  n.put(bin + NUMERATOR, o.fma(e, tt, o.fma(o.add(s, s), both, o.mul(d, uu))));
}

/** t from r, the root in the form that does not cancel for the sign of b. */
function solve<F>(o: Lanes<F>, r: F, s: F, d: F, e: F): F {
  const one = o.constant(1);
  const zero = o.constant(0);
  const rest = o.sub(one, r);
  const balance = o.sub(o.mul(d, rest), o.mul(e, r));
  const twice = o.mul(o.add(s, s), r);
  const b = o.add(balance, twice);
  const discriminant = o.fma(balance, balance, o.mul(o.mul(o.add(s, s), rest), twice));
  const q = o.add(o.abs(b), o.sqrt(o.max(discriminant, o.constant(1e-12))));
  const above = o.ifAtLeast(b, zero, twice, q);
  const below = o.ifAtLeast(b, zero, q, o.mul(o.constant(2), o.sub(s, b)));
  return o.div(above, below);
}

function clamp<F>(o: Lanes<F>, point: F, bound: number): F {
  return o.min(o.max(point, o.constant(-bound)), o.constant(bound));
}

/** Where a point goes; the log-derivative comes to `logDerivative`. */
export function spline<F>(
  o: Lanes<F>,
  n: Columns<F>,
  point: F,
  inverse: bool,
  bins: i32,
  boundary: i32,
  isBounded: bool,
  bound: number,
  least: number,
  offset: number,
): F {
  const bin = table(BIN, bins);
  const inBox = clamp<F>(o, point, bound);
  locate<F>(o, n, inBox, inverse, bins, boundary, isBounded, least, offset);
  const s = o.div(n.at(bin + HEIGHT), n.at(bin + WIDTH));
  const half = o.log(o.div(s, n.at(bin + DENOMINATOR)));
  const log = o.add(o.add(half, half), o.log(n.at(bin + NUMERATOR)));
  const value = inverse
    ? o.fma(n.at(bin + WIDTH), n.at(bin + T), n.at(bin + LEFT))
    : o.fma(n.at(bin + HEIGHT), n.at(bin + R), n.at(bin + BOTTOM));
  let tail = point;
  let logTail = o.constant(0);
  if (boundary === FREE) {
    const end = o.ifAtLeast(point, o.constant(0), n.at(bin + AFTER), n.at(bin + BEFORE));
    const beyond = o.sub(point, inBox);
    tail = o.add(inBox, inverse ? o.div(beyond, end) : o.mul(beyond, end));
    logTail = inverse ? o.neg(o.log(end)) : o.log(end);
  }
  const size = o.abs(point);
  n.put(bin + LOG, o.ifAtLeast(o.constant(bound), size, inverse ? o.neg(log) : log, logTail));
  return o.ifAtLeast(o.constant(bound), size, value, tail);
}

/** The log-derivative of what `spline` mapped last. */
export function logDerivative<F>(n: Columns<F>, bins: i32): F {
  return n.at(table(BIN, bins) + LOG);
}

/** The gradient in a point, of those in what it is mapped to (g) and in the log-derivative (h); those in shares and slopes are added up. */
export function splineGradient<F>(
  o: Lanes<F>,
  n: Columns<F>,
  point: F,
  g: F,
  h: F,
  inverse: bool,
  bins: i32,
  boundary: i32,
  isBounded: bool,
  bound: number,
  least: number,
  offset: number,
): F {
  const bin = table(BIN, bins);
  const zero = o.constant(0);
  const one = o.constant(1);
  const box = o.constant(bound);
  const size = o.abs(point);
  const inBox = clamp<F>(o, point, bound);
  locate<F>(o, n, inBox, inverse, bins, boundary, isBounded, least, offset);
  const width = n.at(bin + WIDTH);
  const height = n.at(bin + HEIGHT);
  const d = n.at(bin + BEFORE);
  const e = n.at(bin + AFTER);
  const t = n.at(bin + T);
  const r = n.at(bin + R);
  const u = o.sub(one, t);
  const s = o.div(height, width);
  const both = o.mul(t, u);
  const tt = o.mul(t, t);
  const uu = o.mul(u, u);
  const q = o.div(one, n.at(bin + DENOMINATOR));
  const m = o.div(one, n.at(bin + NUMERATOR));
  const qq = o.mul(q, q);
  // Of r(t; s, d, e): no term of a sum cancels another, but in s, where the sign is that of the difference.
  const rt = o.mul(o.mul(s, n.at(bin + NUMERATOR)), qq);
  const rs = o.mul(o.mul(both, qq), o.sub(o.mul(e, tt), o.mul(d, uu)));
  const rd = o.mul(o.mul(o.mul(t, uu), qq), o.fma(s, u, o.mul(e, t)));
  const re = o.neg(o.mul(o.mul(r, both), q));
  // Of log(dr/dt / s) = log s - 2 log(denominator) + log(numerator), and of log s once more, for log(dy/dx).
  const double = o.constant(2);
  const lt = o.mul(
    double,
    o.sub(
      o.mul(m, o.sub(o.fma(e, t, o.mul(s, o.sub(u, t))), o.mul(d, u))),
      o.mul(q, o.mul(o.sub(u, t), o.sub(o.add(d, e), o.add(s, s)))),
    ),
  );
  const ls = o.mul(o.mul(double, both), o.add(o.div(o.mul(o.add(d, e), q), s), m));
  const cross = o.mul(o.mul(double, both), q);
  const ld = o.sub(o.mul(uu, m), cross);
  const le = o.sub(o.mul(tt, m), cross);

  // No gradient in the bins comes from outside the box.
  const gIn = o.ifAtLeast(box, size, g, zero);
  const hIn = o.ifAtLeast(box, size, h, zero);
  const l = inverse ? o.neg(hIn) : hIn;
  // t is a function of r, s, d and e in the inverse: it changes with r by 1 / rt, with the others by -r. / rt.
  const byT = inverse ? o.fma(gIn, width, o.mul(l, lt)) : o.fma(o.mul(gIn, height), rt, o.mul(l, lt));
  const byR = inverse ? o.div(byT, rt) : o.mul(gIn, height);
  const through = inverse ? o.neg(byR) : byR;
  const byS = o.fma(through, rs, o.mul(l, ls));
  let byBefore = o.fma(through, rd, o.mul(l, ld));
  let byAfter = o.fma(through, re, o.mul(l, le));
  let byPoint = o.div(inverse ? byR : byT, inverse ? height : width);
  const byLength = o.div(byS, width);
  const byWidth = o.sub(inverse ? o.mul(gIn, t) : o.neg(o.mul(byPoint, t)), o.mul(byLength, s));
  const byHeight = o.add(inverse ? o.neg(o.mul(byPoint, r)) : o.mul(gIn, r), byLength);
  const byLeft = o.sub(inverse ? gIn : o.neg(byPoint), byWidth);
  const byBottom = o.sub(inverse ? o.neg(byPoint) : gIn, byHeight);

  if (boundary === FREE) {
    const end = o.ifAtLeast(point, zero, e, d);
    const beyond = o.sub(point, inBox);
    const k = inverse ? o.div(one, end) : end;
    const byEnd = o.fma(g, beyond, o.div(h, k));
    const bySlope = inverse ? o.neg(o.mul(byEnd, o.mul(k, k))) : byEnd;
    byPoint = o.ifAtLeast(box, size, byPoint, o.mul(g, k));
    byAfter = o.ifAtLeast(box, size, byAfter, o.ifAtLeast(point, zero, bySlope, zero));
    byBefore = o.ifAtLeast(box, size, byBefore, o.ifAtLeast(point, zero, zero, bySlope));
  } else {
    byPoint = o.ifAtLeast(box, size, byPoint, g);
  }
  byBefore = o.mul(byBefore, slopeSlope<F>(o, n.at(bin + RAW_BEFORE), isBounded, least, offset));
  byAfter = o.mul(byAfter, slopeSlope<F>(o, n.at(bin + RAW_AFTER), isBounded, least, offset));

  // A corner is the sum of the shares before it. The last one does not move: what comes of it would cancel, but not to the bit.
  const index = n.at(bin + INDEX);
  const last = o.constant(bins - 1.5);
  const byRight = o.ifAtLeast(index, last, zero, byWidth);
  const byTop = o.ifAtLeast(index, last, zero, byHeight);
  const widths = table(D_WIDTHS, bins);
  const heights = table(D_HEIGHTS, bins);
  const slopes = table(D_SLOPES, bins);
  for (let k: i32 = 0; k < bins; k++) {
    const here = o.constant(k - 0.5);
    const next = o.constant(k + 0.5);
    const x = o.add(o.ifAtLeast(index, here, byRight, zero), o.ifAtLeast(index, next, byLeft, zero));
    const y = o.add(o.ifAtLeast(index, here, byTop, zero), o.ifAtLeast(index, next, byBottom, zero));
    n.put(widths + k, o.add(n.at(widths + k), x));
    n.put(heights + k, o.add(n.at(heights + k), y));
    const before = o.ifAtLeast(index, here, o.ifAtLeast(index, next, zero, byBefore), zero);
    const after = o.ifAtLeast(index, here, o.ifAtLeast(index, next, zero, byAfter), zero);
    n.put(slopes + k, o.add(n.at(slopes + k), before));
    n.put(slopes + k + 1, o.add(n.at(slopes + k + 1), after));
  }
  return byPoint;
}

/** Puts the gradients in the raw numbers in their place. */
export function curveGradient<F>(
  o: Lanes<F>,
  n: Columns<F>,
  bins: i32,
  boundary: i32,
  isBounded: bool,
  bound: number,
  leastWidth: number,
  leastHeight: number,
): void {
  sidesGradient<F>(o, n, rawAt(bins), table(WIDTHS, bins), table(D_WIDTHS, bins), bins, isBounded, bound, leastWidth);
  sidesGradient<F>(o, n, rawAt(bins) + bins, table(HEIGHTS, bins), table(D_HEIGHTS, bins), bins, isBounded, bound, leastHeight);
  const slopes = table(D_SLOPES, bins);
  if (boundary === CIRCULAR) {
    n.put(slopes, o.add(n.at(slopes), n.at(slopes + bins)));
  }
  for (let k: i32 = bins; k >= 0; k--) {
    const at = rawSlopeAt(k, bins, boundary);
    if (at >= 0) n.put(at, n.at(slopes + k));
  }
}

function sidesGradient<F>(
  o: Lanes<F>,
  n: Columns<F>,
  raw: i32,
  shares: i32,
  gradients: i32,
  bins: i32,
  isBounded: bool,
  bound: number,
  least: number,
): void {
  let mean = o.constant(0);
  for (let k: i32 = 0; k < bins; k++) {
    mean = o.fma(n.at(shares + k), n.at(gradients + k), mean);
  }
  const scale = o.constant(2 * bound * (1 - bins * least));
  for (let k: i32 = 0; k < bins; k++) {
    const bySoft = o.mul(o.mul(n.at(shares + k), scale), o.sub(n.at(gradients + k), mean));
    n.put(raw + k, isBounded ? o.mul(bySoft, softBoundSlope<F>(o, n.at(raw + k), LARGEST_LOG_SLOPE / 2)) : bySoft);
  }
}
