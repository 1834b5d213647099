// Planar flows, one after the other, y = x + uHat tanh(w . x + b), for four rows at a time, of which a column is a vector.
import { log4, multiplyAdd, softplus, tanh4 } from '../wasm/lanes.as';
import { column, columns, lanes, putColumn } from '../wasm/columns.as';
import { loadPart, storePart } from '../dense/product.as';
import { byArgument, byOnePlusA, factorOf, tanhSlope } from '../tanhFactor';
import { bendOf, byProduct, byU, byW } from './math';

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
  const o = lanes();
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
      total = f32x4.add(total, log4(factorOf<v128>(o, h, tanhSlope<v128>(o, s), onePlusA(prepared, D))));
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
  const o = lanes();
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
      const h = tanh4(s), slope = tanhSlope<v128>(o, s);
      const ofOnePlusA = byOnePlusA<v128>(o, h, slope, onePlusA(prepared, D), gl);
      let byH = f32x4.splat(0);
      for (let d: usize = 0; d < <usize>D; d++) {
        const gd = v128.load(g + (d << 4));
        byH = multiplyAdd(gd, v128.load32_splat(prepared + (d << 2)), byH);
        v128.store(ofU + (d << 4), multiplyAdd(gd, h, v128.load(ofU + (d << 4))));
      }
      const a = f32x4.sub(onePlusA(prepared, D), f32x4.splat(1));
      const byS = byArgument<v128>(o, h, slope, a, byH, ofOnePlusA);
      for (let d: usize = 0; d < <usize>D; d++) {
        v128.store(ofW + (d << 4), multiplyAdd(byS, v128.load(z + (d << 4)), v128.load(ofW + (d << 4))));
        v128.store(g + (d << 4), multiplyAdd(byS, v128.load32_splat(w + (d << 2)), v128.load(g + (d << 4))));
      }
      v128.store(ofRest, f32x4.add(ofOnePlusA, v128.load(ofRest)));
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

@inline function onePlusA(prepared: usize, D: i32): v128 {
  return v128.load32_splat(prepared + (<usize>D << 2) + ONE_PLUS_A);
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
    const ofA = softplus<v128>(lanes(), f32x4.splat(wu + shift));
    const bend = first(bendOf<v128>(lanes(), ofA, f32x4.splat(wu), f32x4.splat(ww)));
    for (let d: usize = 0; d < <usize>D; d++) f32.store(scratch + (d << 2), f32.load(u + (d << 2)) + bend * f32.load(w + (d << 2)));
    const extra = scratch + (<usize>D << 2);
    f32.store(extra + ONE_PLUS_A, first(ofA));
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
  const o = lanes();
  const bend = v128.load32_splat(extra + BEND);
  const share = f32x4.splat(byBend / f32.load(extra + SQUARE));
  const ofProduct = byProduct<v128>(o, f32x4.splat(lanesSum(sums + 2 * width)), share, v128.load32_splat(extra + ARGUMENT));
  for (let d: usize = 0; d < <usize>D; d++) {
    const at = d << 2;
    const wd = v128.load32_splat(w + at), byUHat = f32x4.splat(lanesSum(sums + (d << 4)));
    const itself = f32x4.splat(lanesSum(sums + width + (d << 4)));
    f32.store(du + at, first(byU<v128>(o, wd, byUHat, ofProduct)));
    f32.store(dw + at, first(byW<v128>(o, wd, v128.load32_splat(u + at), itself, byUHat, ofProduct, share, bend)));
  }
  f32.store(<usize>load<u32>(gradient, 8), lanesSum(sums + 2 * width + 16));
}

@inline function first(v: v128): f32 {
  return f32x4.extract_lane(v, 0);
}

@inline function lanesSum(at: usize): f32 {
  return f32.load(at) + f32.load(at, 4) + f32.load(at, 8) + f32.load(at, 12);
}
