// Products of matrices, with whatever strides, and what a dense layer does before and after.
import { activated, activationSlope } from './math';
import { lanes } from '../wasm/columns.as';
import { multiplyAdd } from '../wasm/lanes.as';

/** Columns of a panel, and rows of a tile: 4 x 8 sums, two loads of the panel and one number of the left matrix fill the registers. */
const WIDE: i32 = 8;

/**
 * C = act(A B + bias + offset), row after row in memory.
 *
 * @param am ak bytes from a row of A to the next, and from a column to the next; bk bn those of B
 * @param panel K x 8 float32 numbers of scratch memory
 * @param maskB 0, or 0s and 1s laid out as B, by which B is multiplied. Rows at either end of a panel that the mask leaves empty are
 * skipped, which is half of all where a mask is triangular
 * @param bias 0, or N numbers; offset 0, or M x N numbers
 * @param maskC 0, or 0s and 1s laid out as C, by which the product is multiplied; tiles that it leaves empty are skipped
 */
export function product(
  a: usize, am: usize, ak: usize,
  b: usize, bk: usize, bn: usize,
  c: usize, M: i32, N: i32, K: i32,
  panel: usize, maskB: usize, bias: usize, offset: usize, activation: i32, maskC: usize,
): void {
  const row: usize = <usize>N << 2;
  // Activations up to 1 are none and relu.
  const isPlain = !offset && !maskC && activation <= 1;
  for (let n = 0; n < N; n += WIDE) {
    const count = min(WIDE, N - n);
    const column = <usize>n * bn;
    let first = 0, last = K;
    if (maskB) {
      packMasked(b + column, maskB + column, bk, bn, K, count, panel);
      first = packedFirst;
      last = packedLast;
    } else {
      pack(b + column, bk, bn, K, count, panel);
    }
    const from = panel + (<usize>first << 5), to = panel + (<usize>last << 5);
    let bias0 = f32x4.splat(0), bias1 = bias0;
    if (bias) {
      bias0 = loadPart(bias + (<usize>n << 2), count);
      bias1 = loadPart(bias + (<usize>n << 2) + 16, count - 4);
    }
    for (let m = 0; m < M; m += 4) {
      const rows = min(4, M - m);
      const out = c + <usize>m * row + (<usize>n << 2);
      const seen = maskC ? maskC + <usize>m * row + (<usize>n << 2) : 0;
      if (maskC && isEmpty(seen, row, rows, count)) {
        for (let i = 0; i < rows; i++) clear(out + <usize>i * row, count);
        continue;
      }
      // Beyond the last row the last one again: its sums are not stored.
      let a0 = a + <usize>m * am + <usize>first * ak;
      let a1 = rows > 1 ? a0 + am : a0;
      let a2 = rows > 2 ? a1 + am : a1;
      let a3 = rows > 3 ? a2 + am : a2;
      let c00 = bias0, c01 = bias1, c10 = bias0, c11 = bias1, c20 = bias0, c21 = bias1, c30 = bias0, c31 = bias1;
      if (count <= 4) {
        for (let p = from; p < to; p += 32) {
          const b0 = v128.load(p);
          c00 = multiplyAdd(v128.load32_splat(a0), b0, c00);
          c10 = multiplyAdd(v128.load32_splat(a1), b0, c10);
          c20 = multiplyAdd(v128.load32_splat(a2), b0, c20);
          c30 = multiplyAdd(v128.load32_splat(a3), b0, c30);
          a0 += ak; a1 += ak; a2 += ak; a3 += ak;
        }
      } else {
        for (let p = from; p < to; p += 32) {
          const b0 = v128.load(p), b1 = v128.load(p, 16);
          let s = v128.load32_splat(a0);
          c00 = multiplyAdd(s, b0, c00); c01 = multiplyAdd(s, b1, c01);
          s = v128.load32_splat(a1);
          c10 = multiplyAdd(s, b0, c10); c11 = multiplyAdd(s, b1, c11);
          s = v128.load32_splat(a2);
          c20 = multiplyAdd(s, b0, c20); c21 = multiplyAdd(s, b1, c21);
          s = v128.load32_splat(a3);
          c30 = multiplyAdd(s, b0, c30); c31 = multiplyAdd(s, b1, c31);
          a0 += ak; a1 += ak; a2 += ak; a3 += ak;
        }
      }
      // Most tiles of most products, whose few operations would be lost among the questions of `finish`.
      if (isPlain && rows == 4 && count == WIDE) {
        if (activation) {
          const zero = f32x4.splat(0);
          c00 = f32x4.pmax(c00, zero); c01 = f32x4.pmax(c01, zero); c10 = f32x4.pmax(c10, zero); c11 = f32x4.pmax(c11, zero);
          c20 = f32x4.pmax(c20, zero); c21 = f32x4.pmax(c21, zero); c30 = f32x4.pmax(c30, zero); c31 = f32x4.pmax(c31, zero);
        }
        v128.store(out, c00); v128.store(out, c01, 16);
        v128.store(out + row, c10); v128.store(out + row, c11, 16);
        v128.store(out + 2 * row, c20); v128.store(out + 2 * row, c21, 16);
        v128.store(out + 3 * row, c30); v128.store(out + 3 * row, c31, 16);
        continue;
      }
      const added = offset ? offset + <usize>m * row + (<usize>n << 2) : 0;
      finish(out, c00, c01, count, added, activation, seen);
      if (rows > 1) finish(out + row, c10, c11, count, added ? added + row : 0, activation, seen ? seen + row : 0);
      if (rows > 2) finish(out + 2 * row, c20, c21, count, added ? added + 2 * row : 0, activation, seen ? seen + 2 * row : 0);
      if (rows > 3) finish(out + 3 * row, c30, c31, count, added ? added + 3 * row : 0, activation, seen ? seen + 3 * row : 0);
    }
  }
}

/**
 * What a dense layer's gradients begin with: delta = dy act'(y), and the sums of its columns, the gradient of the bias.
 *
 * @param delta not written where the activation is linear
 */
export function delta(dy: usize, y: usize, delta: usize, sums: usize, M: i32, N: i32, activation: i32): void {
  memory.fill(sums, 0, <usize>N << 2);
  const row: usize = <usize>N << 2;
  for (let m = 0; m < M; m++) {
    let n = 0;
    for (; n + 4 <= N; n += 4) addDelta(dy, y, delta, sums, <usize>n << 2, 4, activation);
    if (n < N) addDelta(dy, y, delta, sums, <usize>n << 2, N - n, activation);
    dy += row; y += row; delta += row;
  }
}

@inline function addDelta(dy: usize, y: usize, delta: usize, sums: usize, at: usize, count: i32, activation: i32): void {
  storePart(sums + at, f32x4.add(loadPart(sums + at, count), deltaPart(dy + at, y + at, delta + at, count, activation)), count);
}

/** Up to four numbers of delta, which are written where there is an activation. */
@inline function deltaPart(dy: usize, y: usize, delta: usize, count: i32, activation: i32): v128 {
  const d = loadPart(dy, count);
  if (!activation) return d;
  const product = f32x4.mul(d, activationSlope<v128>(lanes(), loadPart(y, count), activation));
  storePart(delta, product, count);
  return product;
}

@inline function finish(out: usize, low: v128, high: v128, count: i32, offset: usize, activation: i32, mask: usize): void {
  if (offset) {
    low = f32x4.add(low, loadPart(offset, count));
    high = f32x4.add(high, loadPart(offset + 16, count - 4));
  }
  if (activation) {
    low = activated<v128>(lanes(), low, activation);
    high = activated<v128>(lanes(), high, activation);
  }
  if (mask) {
    low = f32x4.mul(low, loadPart(mask, count));
    high = f32x4.mul(high, loadPart(mask + 16, count - 4));
  }
  storePart(out, low, count);
  storePart(out + 16, high, count - 4);
}

function isEmpty(mask: usize, row: usize, rows: i32, count: i32): bool {
  let any = f32x4.splat(0);
  for (let i = 0; i < rows; i++) {
    any = v128.or(any, v128.or(loadPart(mask, count), loadPart(mask + 16, count - 4)));
    mask += row;
  }
  return !v128.any_true(any);
}

@inline function clear(out: usize, count: i32): void {
  storePart(out, f32x4.splat(0), count);
  storePart(out + 16, f32x4.splat(0), count - 4);
}

/** The first `count` of four numbers; 0 for the others, whose memory may not be ours. */
@inline export function loadPart(at: usize, count: i32): v128 {
  if (count >= 4) return v128.load(at);
  let v = f32x4.splat(0);
  if (count > 0) v = v128.load32_lane(at, v, 0);
  if (count > 1) v = v128.load32_lane(at + 4, v, 1);
  if (count > 2) v = v128.load32_lane(at + 8, v, 2);
  return v;
}

@inline export function storePart(at: usize, v: v128, count: i32): void {
  if (count >= 4) {
    v128.store(at, v);
    return;
  }
  if (count > 0) v128.store32_lane(at, v, 0);
  if (count > 1) v128.store32_lane(at + 4, v, 1);
  if (count > 2) v128.store32_lane(at + 8, v, 2);
}

/** Eight columns of B one after the other, row by row, so that the inner loop reads on; columns that B does not have are 0. */
function pack(b: usize, bk: usize, bn: usize, K: i32, count: i32, panel: usize): void {
  let k = 0;
  if (bn == 4) {
    for (; k < K; k++) {
      v128.store(panel, loadPart(b, count));
      v128.store(panel, loadPart(b + 16, count - 4), 16);
      b += bk; panel += 32;
    }
  } else if (count == WIDE && bk == 4) {
    for (; k + 4 <= K; k += 4) {
      transpose(b, bn, panel);
      transpose(b + 4 * bn, bn, panel + 16);
      b += 16; panel += 128;
    }
  }
  for (; k < K; k++) {
    for (let j = 0; j < WIDE; j++) f32.store(panel + (<usize>j << 2), j < count ? f32.load(b + <usize>j * bn) : 0);
    b += bk; panel += 32;
  }
}

/** Four runs of four numbers, `stride` bytes apart, to columns of a panel. */
@inline function transpose(at: usize, stride: usize, panel: usize): void {
  transposeRows(v128.load(at), v128.load(at + stride), v128.load(at + 2 * stride), v128.load(at + 3 * stride), panel);
}

@inline function transposeRows(r0: v128, r1: v128, r2: v128, r3: v128, panel: usize): void {
  const t0 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5), t1 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
  const t2 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5), t3 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
  v128.store(panel, v128.shuffle<f32>(t0, t2, 0, 1, 4, 5));
  v128.store(panel, v128.shuffle<f32>(t0, t2, 2, 3, 6, 7), 32);
  v128.store(panel, v128.shuffle<f32>(t1, t3, 0, 1, 4, 5), 64);
  v128.store(panel, v128.shuffle<f32>(t1, t3, 2, 3, 6, 7), 96);
}

/** The same times a mask; whether that has any 1. */
@inline function transposeMasked(at: usize, mask: usize, stride: usize, panel: usize): bool {
  const m0 = v128.load(mask), m1 = v128.load(mask + stride), m2 = v128.load(mask + 2 * stride), m3 = v128.load(mask + 3 * stride);
  transposeRows(
    f32x4.mul(v128.load(at), m0),
    f32x4.mul(v128.load(at + stride), m1),
    f32x4.mul(v128.load(at + 2 * stride), m2),
    f32x4.mul(v128.load(at + 3 * stride), m3),
    panel,
  );
  return v128.any_true(v128.or(v128.or(m0, m1), v128.or(m2, m3)));
}

/** Rows of the panel from the first that is not empty to after the last. */
let packedFirst: i32 = 0;
let packedLast: i32 = 0;

function packMasked(b: usize, mask: usize, bk: usize, bn: usize, K: i32, count: i32, panel: usize): void {
  let first = K, last = 0;
  let k = 0;
  if (count == WIDE && bn == 4) {
    for (; k < K; k++) {
      const m0 = v128.load(mask), m1 = v128.load(mask, 16);
      if (v128.any_true(v128.or(m0, m1))) {
        first = min(first, k);
        last = k + 1;
      }
      v128.store(panel, f32x4.mul(v128.load(b), m0));
      v128.store(panel, f32x4.mul(v128.load(b, 16), m1), 16);
      b += bk; mask += bk; panel += 32;
    }
  } else if (count == WIDE && bk == 4) {
    for (; k + 4 <= K; k += 4) {
      const low = transposeMasked(b, mask, bn, panel);
      if (transposeMasked(b + 4 * bn, mask + 4 * bn, bn, panel + 16) || low) {
        first = min(first, k);
        last = k + 4;
      }
      b += 16; mask += 16; panel += 128;
    }
  }
  for (; k < K; k++) {
    let any: f32 = 0;
    for (let j = 0; j < WIDE; j++) {
      let value: f32 = 0;
      if (j < count) {
        const m = f32.load(mask + <usize>j * bn);
        any += m;
        value = f32.load(b + <usize>j * bn) * m;
      }
      f32.store(panel + (<usize>j << 2), value);
    }
    if (any != 0) {
      first = min(first, k);
      last = k + 1;
    }
    b += bk; mask += bk; panel += 32;
  }
  packedFirst = min(first, last);
  packedLast = last;
}
