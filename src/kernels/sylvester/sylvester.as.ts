// Row by row, four columns of the triangles at a time: a row may have its own.
import { lanes } from '../wasm/columns.as';
import { log4, multiplyAdd, tanh4 } from '../wasm/lanes.as';
import { loadPart, storePart } from '../dense/product.as';
import { byArgument, byOnePlusA, factorOf, tanhSlope } from '../tanhFactor';
import { boundOf } from './math';

/** Vectors of M numbers that are kept. */
const VECTORS: i32 = 8;

/** Bytes of one: M numbers, up to whole fours. */
@inline function vectorSize(M: i32): usize { return <usize>((M + 3) & ~3) << 2; }

/** Bytes of scratch memory. */
export function sylvesterScratch(M: i32): usize { return <usize>VECTORS * vectorSize(M); }

/**
 * Rows `first` and on of u [n, M] -> R tanh(s), log-dets and s = R~ u + b, with `period` sets of parameters in turn.
 *
 * @param s 0 if it is not wanted
 */
export function sylvester(
  u: usize, triangles: usize, diagonal: usize, diagonalTilde: usize, b: usize, t: usize, logDet: usize, s: usize,
  first: i32, rows: i32, M: i32, period: i32, scratch: usize,
): void {
  const o = lanes();
  const width = vectorSize(M), size = <usize>M << 2;
  const R = scratch, RT = R + width, BOUND = RT + width, S = BOUND + width, H = S + width;
  for (let row = first; row < first + rows; row++) {
    const from = <usize>row * size, set = <usize>(row % period) * size;
    if (row == first || period > 1) prepare(diagonal + set, diagonalTilde + set, M, scratch);
    const matrix = triangles + set * <usize>M;
    for (let c = 0; c < M; c += 4) {
      const at = <usize>c << 2;
      v128.store(S + at, multiplyAdd(v128.load(RT + at), loadPart(u + from + at, M - c), loadPart(b + set + at, M - c)));
    }
    for (let k = 1; k < M; k++) addBelow(matrix + <usize>k * size, k, M, v128.load32_splat(u + from + (<usize>k << 2)), S);
    let total = f32x4.splat(0);
    for (let c = 0; c < M; c += 4) {
      const at = <usize>c << 2;
      const argument = v128.load(S + at);
      const h = tanh4(argument);
      v128.store(H + at, h);
      // 1 beyond the last column.
      total = f32x4.add(total, log4(factorOf<v128>(o, h, tanhSlope<v128>(o, argument), v128.load(BOUND + at))));
      if (s) storePart(s + from + at, argument, M - c);
    }
    f32.store(logDet + (<usize>row << 2), lanesSum(total));
    for (let k = 0; k < M; k++) {
      const at = <usize>k << 2;
      f32.store(t + from + at, f32.load(R + at) * f32.load(H + at) + timesAbove(matrix + <usize>k * size, k, M, H));
    }
  }
}

/** Gradients in u and the sets `first` and on of parameters, of those in the values and the log-dets. */
export function sylvesterGradient(
  u: usize, triangles: usize, diagonal: usize, diagonalTilde: usize, s: usize, dt: usize, dl: usize,
  du: usize, dTriangles: usize, dDiagonal: usize, dDiagonalTilde: usize, db: usize,
  first: i32, sets: i32, n: i32, M: i32, period: i32, scratch: usize,
): void {
  const o = lanes();
  const width = vectorSize(M), size = <usize>M << 2;
  const R = scratch, RT = R + width, BOUND = RT + width, G = BOUND + width, H = G + width;
  const A = H + width, AT = A + width, B = AT + width;
  for (let p = first; p < first + sets; p++) {
    const set = <usize>p * size;
    prepare(diagonal + set, diagonalTilde + set, M, scratch);
    const matrix = triangles + set * <usize>M, dMatrix = dTriangles + set * <usize>M;
    memory.fill(A, 0, 3 * width);
    for (let row = p; row < n; row += period) {
      const from = <usize>row * size;
      // In h, and then in s.
      for (let c = 0; c < M; c += 4) {
        const at = <usize>c << 2;
        v128.store(G + at, f32x4.mul(v128.load(R + at), loadPart(dt + from + at, M - c)));
      }
      for (let k = 0; k < M - 1; k++) addAbove(matrix + <usize>k * size, k, M, v128.load32_splat(dt + from + (<usize>k << 2)), G);
      const byLogDet = v128.load32_splat(dl + (<usize>row << 2));
      for (let c = 0; c < M; c += 4) {
        const at = <usize>c << 2;
        const argument = loadPart(s + from + at, M - c);
        const r = v128.load(R + at), rTilde = v128.load(RT + at);
        const h = tanh4(argument), slope = tanhSlope<v128>(o, argument);
        const ofBound = byOnePlusA<v128>(o, h, slope, v128.load(BOUND + at), byLogDet);
        const byS = byArgument<v128>(o, h, slope, f32x4.mul(r, rTilde), v128.load(G + at), ofBound);
        v128.store(H + at, h);
        v128.store(G + at, byS);
        const ofR = multiplyAdd(loadPart(dt + from + at, M - c), h, f32x4.mul(ofBound, rTilde));
        const ofRTilde = multiplyAdd(loadPart(u + from + at, M - c), byS, f32x4.mul(ofBound, r));
        v128.store(A + at, f32x4.add(v128.load(A + at), ofR));
        v128.store(AT + at, f32x4.add(v128.load(AT + at), ofRTilde));
        v128.store(B + at, f32x4.add(v128.load(B + at), byS));
      }
      for (let k = 0; k < M; k++) {
        const at = <usize>k << 2, line = <usize>k * size;
        f32.store(du + from + at, f32.load(RT + at) * f32.load(G + at) + timesBelow(matrix + line, k, M, G));
        outer(dMatrix + line, k, M, v128.load32_splat(u + from + at), G, v128.load32_splat(dt + from + at), H, row == p);
      }
    }
    for (let c = 0; c < M; c += 4) {
      const at = <usize>c << 2, count = M - c;
      const a = loadPart(diagonal + set + at, count), aTilde = loadPart(diagonalTilde + set + at, count);
      storePart(dDiagonal + set + at, f32x4.mul(v128.load(A + at), tanhSlope<v128>(o, a)), count);
      storePart(dDiagonalTilde + set + at, f32x4.mul(v128.load(AT + at), tanhSlope<v128>(o, aTilde)), count);
      storePart(db + set + at, v128.load(B + at), count);
    }
  }
}

/** r, r~ and 1 + r r~; beyond the last 0, 0 and 1. */
function prepare(diagonal: usize, diagonalTilde: usize, M: i32, scratch: usize): void {
  const width = vectorSize(M);
  for (let c = 0; c < M; c += 4) {
    const at = <usize>c << 2;
    const a = loadPart(diagonal + at, M - c), aTilde = loadPart(diagonalTilde + at, M - c);
    v128.store(scratch + at, tanh4(a));
    v128.store(scratch + width + at, tanh4(aTilde));
    v128.store(scratch + 2 * width + at, boundOf<v128>(lanes(), a, aTilde));
  }
}

/** Which of the columns c ... c + 3 are before the diagonal of row k. */
@inline function isBelow(c: i32, k: i32): v128 {
  return i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(k - c));
}

@inline function isAbove(c: i32, k: i32): v128 {
  return i32x4.gt_s(i32x4(0, 1, 2, 3), i32x4.splat(k - c));
}

/** Of row k of a matrix, what is before its diagonal, from column c of the four on that the diagonal is in. */
@inline function lastBelow(line: usize, c: i32, k: i32, M: i32): v128 {
  return v128.and(loadPart(line + (<usize>c << 2), M - c), isBelow(c, k));
}

@inline function firstAbove(line: usize, c: i32, k: i32, M: i32): v128 {
  return v128.and(loadPart(line + (<usize>c << 2), M - c), isAbove(c, k));
}

/** sums += factor times what of row k is before its diagonal. */
@inline function addBelow(line: usize, k: i32, M: i32, factor: v128, sums: usize): void {
  const last = k & ~3;
  for (let at: usize = 0; at < <usize>last << 2; at += 16) {
    v128.store(sums + at, multiplyAdd(v128.load(line + at), factor, v128.load(sums + at)));
  }
  if (last < k) {
    const to = sums + (<usize>last << 2);
    v128.store(to, multiplyAdd(lastBelow(line, last, k, M), factor, v128.load(to)));
  }
}

/** sums += factor times what of row k is behind its diagonal. */
@inline function addAbove(line: usize, k: i32, M: i32, factor: v128, sums: usize): void {
  let c = (k + 1) & ~3;
  if (c <= k) {
    const to = sums + (<usize>c << 2);
    v128.store(to, multiplyAdd(firstAbove(line, c, k, M), factor, v128.load(to)));
    c += 4;
  }
  for (; c < M; c += 4) {
    const at = <usize>c << 2;
    v128.store(sums + at, multiplyAdd(loadPart(line + at, M - c), factor, v128.load(sums + at)));
  }
}

/** What of row k is before its diagonal, times a vector. */
@inline function timesBelow(line: usize, k: i32, M: i32, vector: usize): f32 {
  const last = k & ~3;
  let sum = f32x4.splat(0);
  for (let at: usize = 0; at < <usize>last << 2; at += 16) sum = multiplyAdd(v128.load(line + at), v128.load(vector + at), sum);
  if (last < k) sum = multiplyAdd(lastBelow(line, last, k, M), v128.load(vector + (<usize>last << 2)), sum);
  return lanesSum(sum);
}

/** What of row k is behind its diagonal, times a vector. */
@inline function timesAbove(line: usize, k: i32, M: i32, vector: usize): f32 {
  let c = (k + 1) & ~3;
  let sum = f32x4.splat(0);
  if (c <= k) {
    sum = multiplyAdd(firstAbove(line, c, k, M), v128.load(vector + (<usize>c << 2)), sum);
    c += 4;
  }
  for (; c < M; c += 4) sum = multiplyAdd(loadPart(line + (<usize>c << 2), M - c), v128.load(vector + (<usize>c << 2)), sum);
  return lanesSum(sum);
}

/** Row k of a matrix: plus multiples of vectors, one before the diagonal and one behind it; or only these. */
@inline function outer(
  line: usize, k: i32, M: i32, below: v128, belowOf: usize, above: v128, aboveOf: usize, isFirst: bool,
): void {
  for (let c = 0; c < M; c += 4) {
    const at = <usize>c << 2, count = M - c;
    let more: v128;
    if (c + 4 <= k) {
      more = f32x4.mul(below, v128.load(belowOf + at));
    } else if (c > k) {
      more = f32x4.mul(above, v128.load(aboveOf + at));
    } else {
      const left = v128.and(f32x4.mul(below, v128.load(belowOf + at)), isBelow(c, k));
      more = v128.or(left, v128.and(f32x4.mul(above, v128.load(aboveOf + at)), isAbove(c, k)));
    }
    storePart(line + at, isFirst ? more : f32x4.add(more, loadPart(line + at, count)), count);
  }
}

@inline function lanesSum(v: v128): f32 {
  return f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3);
}
