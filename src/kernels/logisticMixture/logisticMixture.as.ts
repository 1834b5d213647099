// `math.ts` over all elements, four at a time.
import {
  affineFactor, affineForward, affineInverse, affineScaleGradient, affineShiftGradient, GATE, logScale, logScaleSlope,
} from '../affine/math';
import { loadPart, storePart } from '../dense/product.as';
import { lanes } from '../wasm/columns.as';
import { Columns } from '../wasm/lanes.as';
import {
  bracket, differentiate, evaluate, evaluateNear, improve, logit, logSlope, NEAR, PREPARED, prepare, propagate, slope, STEPS,
  SUMS, UNFINISHED,
} from './math';

/** How far from the first element's the parameters of the four at hand lie. */
let offset0: usize = 0;
let offset1: usize = 0;
let offset2: usize = 0;
let offset3: usize = 0;

/**
 * Element i has the parameters of element i mod `period`; there may be fewer than four. Parameters of one lie `stride` bytes from those
 * of the next.
 */
@inline function locate(i: i32, count: i32, period: i32, stride: usize): void {
  let e = i % period;
  offset0 = <usize>e * stride;
  e = count > 1 ? next(e, period) : e;
  offset1 = <usize>e * stride;
  e = count > 2 ? next(e, period) : e;
  offset2 = <usize>e * stride;
  e = count > 3 ? next(e, period) : e;
  offset3 = <usize>e * stride;
}

@inline function next(e: i32, period: i32): i32 {
  return e + 1 == period ? 0 : e + 1;
}

@inline function gather(at: usize): v128 {
  let v = v128.load32_zero(at + offset0);
  v = v128.load32_lane(at + offset1, v, 1);
  v = v128.load32_lane(at + offset2, v, 2);
  return v128.load32_lane(at + offset3, v, 3);
}

/** Puts numbers of the elements from i on where the first `period` elements have theirs, and adds those of later ones. */
@inline function scatter(at: usize, v: v128, i: i32, count: i32, period: i32): void {
  put(at + offset0, f32x4.extract_lane(v, 0), i < period);
  if (count > 1) put(at + offset1, f32x4.extract_lane(v, 1), i + 1 < period);
  if (count > 2) put(at + offset2, f32x4.extract_lane(v, 2), i + 2 < period);
  if (count > 3) put(at + offset3, f32x4.extract_lane(v, 3), i + 3 < period);
}

@inline function put(at: usize, value: f32, isFirst: bool): void {
  f32.store(at, isFirst ? value : f32.load(at) + value);
}

/** The mixtures of the four elements. */
@inline function load(mixture: Columns<v128>, logits: usize, means: usize, logScales: usize, K: i32, floor: f64): void {
  for (let k = 0; k < K; k++) {
    const at = <usize>k << 2;
    mixture.put(k, gather(logits + at));
    mixture.put(K + k, gather(means + at));
    mixture.put(2 * K + k, gather(logScales + at));
  }
  prepare<v128>(lanes(), mixture, K, floor);
}

/** The sums at x; whether x is near. */
function sumUp(x: v128, mixture: Columns<v128>, K: i32, sums: Columns<v128>): bool {
  const least = evaluateNear<v128>(lanes(), x, mixture, K, sums);
  if (i32x4.all_true(f32x4.ge(least, f32x4.splat(<f32>NEAR)))) return true;
  evaluate<v128>(lanes(), x, mixture, K, sums);
  return false;
}

function root(y: v128, mixture: Columns<v128>, K: i32, sums: Columns<v128>, search: Columns<v128>): v128 {
  const o = lanes();
  let x = bracket<v128>(o, y, mixture, K, search);
  for (let step = 0; step < STEPS; step++) {
    const isNear = sumUp(x, mixture, K, sums);
    x = improve<v128>(o, x, y, sums, isNear, search);
    if (!v128.any_true(f32x4.gt(search.at(UNFINISHED), f32x4.splat(0)))) break;
  }
  return x;
}

@inline function vectors(scratch: usize, from: i32): Columns<v128> {
  return changetype<Columns<v128>>(scratch + (<usize>from << 4));
}

/**
 * x, or for the inverse y, and parameters -> y and log-derivative.
 *
 * @param affine 0, or where shift and raw scale of the first element lie
 * @param scratch 5 K + 12 vectors
 */
export function logisticMixture(
  x: usize, logits: usize, means: usize, logScales: usize, affine: usize, stride: usize,
  y: usize, logDerivative: usize, n: i32, period: i32, K: i32, floor: f64, inverse: i32,
  kind: i32, offset: f64, least: f64, most: f64, scratch: usize,
): void {
  const o = lanes();
  const isGate = kind == GATE;
  const mixture = vectors(scratch, 0), sums = vectors(scratch, PREPARED * K), search = vectors(scratch, PREPARED * K + SUMS);
  for (let i = 0; i < n; i += 4) {
    const at = <usize>i << 2, count = n - i;
    locate(i, count, period, stride);
    load(mixture, logits, means, logScales, K, floor);
    let shift = o.constant(0), s = shift;
    if (affine) {
      shift = gather(affine);
      s = logScale<v128>(o, gather(affine + 4), kind, offset, least, most);
    }
    const given = loadPart(x + at, count);
    let point = given;
    if (inverse) {
      const middle = affine ? affineInverse<v128>(o, given, shift, s, isGate) : given;
      point = root(middle, mixture, K, sums, search);
    }
    const isNear = sumUp(point, mixture, K, sums);
    let result = point;
    let logOf = f32x4.add(logSlope<v128>(o, sums, isNear), s);
    if (inverse) {
      logOf = f32x4.neg(logOf);
    } else {
      const middle = logit<v128>(o, sums);
      result = affine ? affineForward<v128>(o, middle, shift, s, isGate) : middle;
    }
    storePart(y + at, result, count);
    storePart(logDerivative + at, logOf, count);
  }
}

/**
 * Gradients in x and the parameters, of those in y and the log-derivative; the former add up where elements share parameters.
 *
 * @param y looked at for the inverse only
 * @param scratch 10 K + 7 vectors
 */
export function logisticMixtureGradient(
  x: usize, logits: usize, means: usize, logScales: usize, affine: usize, stride: usize,
  y: usize, dy: usize, dl: usize, dx: usize, dlogits: usize, dmeans: usize, dlogScales: usize, daffine: usize,
  n: i32, period: i32, K: i32, floor: f64, inverse: i32,
  kind: i32, offset: f64, least: f64, most: f64, scratch: usize,
): void {
  const o = lanes();
  const isGate = kind == GATE;
  const mixture = vectors(scratch, 0), sums = vectors(scratch, PREPARED * K), partials = vectors(scratch, PREPARED * K + SUMS);
  const steepest = o.constant(1e-30);
  for (let i = 0; i < n; i += 4) {
    const at = <usize>i << 2, count = n - i;
    locate(i, count, period, stride);
    load(mixture, logits, means, logScales, K, floor);
    let g = loadPart(dy + at, count), h = loadPart(dl + at, count);
    const given = loadPart(x + at, count);
    const point = inverse ? loadPart(y + at, count) : given;
    const isNear = sumUp(point, mixture, K, sums);
    const slopeOfL = differentiate<v128>(o, point, mixture, K, sums, isNear, partials);
    if (inverse) {
      // x(y) and -l(x): by the theorem of implicit functions, what changes y at a given x changes x by -1 / slope of that.
      g = f32x4.div(f32x4.sub(f32x4.mul(h, slopeOfL), g), o.max(steepest, slope<v128>(o, sums, isNear)));
      h = f32x4.neg(h);
    }
    // The affine map comes after the mixture, or before its inverse.
    let outer = inverse ? f32x4.neg(g) : g;
    if (affine) {
      const shift = gather(affine), raw = gather(affine + 4);
      const s = logScale<v128>(o, raw, kind, offset, least, most);
      const through = f32x4.mul(outer, affineFactor<v128>(o, s, inverse != 0));
      const from = inverse ? given : logit<v128>(o, sums);
      const byScale = affineScaleGradient<v128>(o, from, shift, through, loadPart(dl + at, count), inverse != 0, isGate);
      scatter(daffine, affineShiftGradient<v128>(o, outer, through, inverse != 0, isGate), i, count, period);
      scatter(daffine + 4, f32x4.mul(byScale, logScaleSlope<v128>(o, raw, s, kind, offset, least, most)), i, count, period);
      outer = through;
    }
    if (!inverse) g = outer;
    const byX = propagate<v128>(o, point, mixture, K, partials, g, h);
    storePart(dx + at, inverse ? outer : byX, count);
    const least4 = f32x4.splat(<f32>floor);
    for (let k = 0; k < K; k++) {
      const place = <usize>k << 2;
      scatter(dlogits + place, partials.at(k), i, count, period);
      scatter(dmeans + place, partials.at(K + k), i, count, period);
      const byLogScale = o.ifAtLeast(gather(logScales + place), least4, partials.at(2 * K + k), o.constant(0));
      scatter(dlogScales + place, byLogScale, i, count, period);
    }
  }
}
