// Planar flows, one after the other, y = x + uHat tanh(w . x + b), for four rows at a time, of which a column is a vector.
import { exp4, log4, multiplyAdd, sigmoid4, softplus, tanh4 } from '../wasm/lanes.as';
import { column, columns, lanes, putColumn } from '../wasm/columns.as';
import { loadPart, storePart } from '../dense/product.as';

/** What is made of w and u of a layer before any row: uHat [D], then these. */
const ONE_PLUS_A: usize = 0;
const BEND: usize = 4;
const SQUARE: usize = 8;
const ARGUMENT: usize = 12;
const EXTRA: usize = 16;

/** Bytes of scratch memory: what is prepared, and rows at every layer. */
export function planarScratch(D: i32, L: i32): usize {
  return <usize>L * (<usize>D * 4 + EXTRA) + <usize>(L + 1) * <usize>D * 16 + <usize>L * (<usize>D * 2 + 2) * 16;
}

/**
 * x [n, D] through L layers -> y, log-dets [n].
 *
 * @param layers addresses of w, u, b of each
 * @param shift of the softplus that bends u
 */
export function planar(x: usize, y: usize, logDet: usize, n: i32, D: i32, L: i32, layers: usize, shift: f32, scratch: usize): void {
  prepareAll(layers, D, L, shift, scratch);
  const rows = scratch + <usize>L * (<usize>D * 4 + EXTRA);
  for (let i = 0; i < n; i += 4) {
    const count = n - i, at = <usize>(i * D) << 2;
    columns(x + at, D, count);
    for (let d = 0; d < D; d++) v128.store(rows + (<usize>d << 4), column(d));
    let total = f32x4.splat(0);
    for (let l = 0; l < L; l++) {
      const prepared = scratch + <usize>l * (<usize>D * 4 + EXTRA);
      const s = argument(rows, layers + <usize>l * 12, D);
      const h = tanh4(s);
      total = f32x4.add(total, log4(slopeOf(h, sechSquared(s), prepared, D)));
      for (let d: usize = 0; d < <usize>D; d++) {
        v128.store(rows + (d << 4), multiplyAdd(v128.load32_splat(prepared + (d << 2)), h, v128.load(rows + (d << 4))));
      }
    }
    columns(y + at, D, count);
    for (let d = 0; d < D; d++) putColumn(d, v128.load(rows + (<usize>d << 4)));
    storePart(logDet + (<usize>i << 2), total, count);
  }
}

/**
 * Gradients of it in x and in all w, u, b, of those in y and the log-dets.
 *
 * @param gradients addresses of those of w, u, b of each layer
 */
export function planarGradient(
  x: usize, dy: usize, dl: usize, dx: usize, n: i32, D: i32, L: i32, layers: usize, gradients: usize, shift: f32, scratch: usize,
): void {
  prepareAll(layers, D, L, shift, scratch);
  const width = <usize>D << 4;
  const rows = scratch + <usize>L * (<usize>D * 4 + EXTRA);
  // For each layer, four lanes each: sums for uHat [D], w [D], 1 + a and b.
  const sums = rows + <usize>(L + 1) * width;
  const each = 2 * width + 32;
  memory.fill(sums, 0, <usize>L * each);
  for (let i = 0; i < n; i += 4) {
    const count = n - i, at = <usize>(i * D) << 2;
    columns(x + at, D, count);
    for (let d = 0; d < D; d++) v128.store(rows + (<usize>d << 4), column(d));
    for (let l = 0; l < L; l++) {
      const prepared = scratch + <usize>l * (<usize>D * 4 + EXTRA);
      const from = rows + <usize>l * width;
      const h = tanh4(argument(from, layers + <usize>l * 12, D));
      for (let d: usize = 0; d < <usize>D; d++) {
        v128.store(from + width + (d << 4), multiplyAdd(v128.load32_splat(prepared + (d << 2)), h, v128.load(from + (d << 4))));
      }
    }
    // The rows after the last layer are not needed: their place takes the gradient.
    const g = rows + <usize>L * width;
    columns(dy + at, D, count);
    for (let d = 0; d < D; d++) v128.store(g + (<usize>d << 4), column(d));
    const gl = loadPart(dl + (<usize>i << 2), count);
    for (let l = L - 1; l >= 0; l--) {
      const prepared = scratch + <usize>l * (<usize>D * 4 + EXTRA);
      const z = rows + <usize>l * width;
      const layer = layers + <usize>l * 12;
      const w = <usize>load<u32>(layer);
      const ofU = sums + <usize>l * each, ofW = ofU + width, ofRest = ofW + width;
      const s = argument(z, layer, D);
      const h = tanh4(s), t = sechSquared(s);
      const bySlope = f32x4.div(gl, slopeOf(h, t, prepared, D));
      let byH = f32x4.splat(0);
      for (let d: usize = 0; d < <usize>D; d++) {
        const gd = v128.load(g + (d << 4));
        byH = multiplyAdd(gd, v128.load32_splat(prepared + (d << 2)), byH);
        v128.store(ofU + (d << 4), multiplyAdd(gd, h, v128.load(ofU + (d << 4))));
      }
      // slope = 1 + a t with t = 1 - h^2, so its derivative in h is -2 a h.
      const a = f32x4.sub(v128.load32_splat(prepared + (<usize>D << 2) + ONE_PLUS_A), f32x4.splat(1));
      const byS = f32x4.mul(t, f32x4.sub(byH, f32x4.mul(f32x4.mul(f32x4.splat(2), h), f32x4.mul(a, bySlope))));
      for (let d: usize = 0; d < <usize>D; d++) {
        v128.store(ofW + (d << 4), multiplyAdd(byS, v128.load(z + (d << 4)), v128.load(ofW + (d << 4))));
        v128.store(g + (d << 4), multiplyAdd(byS, v128.load32_splat(w + (d << 2)), v128.load(g + (d << 4))));
      }
      v128.store(ofRest, multiplyAdd(bySlope, t, v128.load(ofRest)));
      v128.store(ofRest + 16, f32x4.add(byS, v128.load(ofRest + 16)));
    }
    columns(dx + at, D, count);
    for (let d = 0; d < D; d++) putColumn(d, v128.load(g + (<usize>d << 4)));
  }
  for (let l = 0; l < L; l++) {
    finish(layers + <usize>l * 12, gradients + <usize>l * 12, scratch + <usize>l * (<usize>D * 4 + EXTRA) + (<usize>D << 2), sums + <usize>l * each, D, shift);
  }
}

/** w . z + b. */
@inline function argument(z: usize, layer: usize, D: i32): v128 {
  const w = <usize>load<u32>(layer);
  let s = v128.load32_splat(<usize>load<u32>(layer, 8));
  for (let d: usize = 0; d < <usize>D; d++) s = multiplyAdd(v128.load32_splat(w + (d << 2)), v128.load(z + (d << 4)), s);
  return s;
}

/** 1 - tanh^2, without cancellation. */
@inline function sechSquared(s: v128): v128 {
  const e = exp4(f32x4.mul(f32x4.abs(s), f32x4.splat(-2)));
  const one = f32x4.add(e, f32x4.splat(1));
  return f32x4.div(f32x4.mul(f32x4.splat(4), e), f32x4.mul(one, one));
}

/** 1 + a h' = (1 - h') + (1 + a) h': a sum of terms that are not negative. */
@inline function slopeOf(h: v128, t: v128, prepared: usize, D: i32): v128 {
  return multiplyAdd(v128.load32_splat(prepared + (<usize>D << 2) + ONE_PLUS_A), t, f32x4.mul(h, h));
}

/** uHat = u + bend w, with bend = (a - w . u) / |w|^2 and 1 + a = softplus(w . u + shift). */
function prepareAll(layers: usize, D: i32, L: i32, shift: f32, scratch: usize): void {
  for (let l = 0; l < L; l++) {
    const w = <usize>load<u32>(layers), u = <usize>load<u32>(layers, 4);
    let wu: f32 = 0, ww: f32 = 0;
    for (let d: usize = 0; d < <usize>D; d++) {
      const wd = f32.load(w + (d << 2));
      wu += wd * f32.load(u + (d << 2));
      ww += wd * wd;
    }
    const onePlusA = f32x4.extract_lane(softplus<v128>(lanes(), f32x4.splat(wu + shift)), 0);
    const bend: f32 = (onePlusA - 1 - wu) / ww;
    for (let d: usize = 0; d < <usize>D; d++) f32.store(scratch + (d << 2), f32.load(u + (d << 2)) + bend * f32.load(w + (d << 2)));
    const extra = scratch + (<usize>D << 2);
    f32.store(extra + ONE_PLUS_A, onePlusA);
    f32.store(extra + BEND, bend);
    f32.store(extra + SQUARE, ww);
    f32.store(extra + ARGUMENT, wu + shift);
    layers += 12;
    scratch += (<usize>D << 2) + EXTRA;
  }
}

/** Gradients in w, u and b from those in w itself, uHat, 1 + a and b, whose lanes are summed. */
function finish(layer: usize, gradient: usize, extra: usize, sums: usize, D: i32, shift: f32): void {
  const w = <usize>load<u32>(layer), u = <usize>load<u32>(layer, 4);
  const dw = <usize>load<u32>(gradient), du = <usize>load<u32>(gradient, 4);
  const width = <usize>D << 4;
  let byBend: f32 = 0;
  for (let d: usize = 0; d < <usize>D; d++) byBend += lanesSum(sums + (d << 4)) * f32.load(w + (d << 2));
  const bend = f32.load(extra + BEND), ww = f32.load(extra + SQUARE);
  const byA: f32 = lanesSum(sums + 2 * width) + byBend / ww;
  const share = f32x4.extract_lane(sigmoid4(v128.load32_splat(extra + ARGUMENT)), 0);
  const byWu: f32 = byA * share - byBend / ww;
  const bySquare: f32 = (-2 * byBend * bend) / ww;
  for (let d: usize = 0; d < <usize>D; d++) {
    const o = d << 2;
    const byUHat = lanesSum(sums + (d << 4));
    f32.store(du + o, byUHat + byWu * f32.load(w + o));
    f32.store(dw + o, lanesSum(sums + width + (d << 4)) + byUHat * bend + byWu * f32.load(u + o) + bySquare * f32.load(w + o));
  }
  f32.store(<usize>load<u32>(gradient, 8), lanesSum(sums + 2 * width + 16));
}

@inline function lanesSum(at: usize): f32 {
  return f32.load(at) + f32.load(at, 4) + f32.load(at, 8) + f32.load(at, 12);
}
