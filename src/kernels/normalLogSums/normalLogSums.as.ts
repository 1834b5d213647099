// log sum_j N(point | normal j) for many points, without a matrix of all pairs.
import { exp4, expBelow, multiplyAdd } from '../wasm/lanes.as';

/** Normals whose terms wait in scratch memory until their largest is known. */
const BLOCK: i32 = 512;

/** Bytes of scratch memory: terms of four points, then the largest and the sum of each. */
export function logSumsScratch(): usize {
  return 4 * (<usize>BLOCK << 2) + 64;
}

/**
 * @param points [n, D]
 * @param mean inverse [N / 8, D, 8] each: eight normals side by side, so that memory is read on and on
 * @param atMean [N]: log-densities at the means; -Infinity where there is no normal
 * @param skipped [n] of 32-bit integers: a normal to leave out for each point, or -1
 * @param out [n, 2]: the largest term, and the sum of all relative to it
 */
export function normalLogSums(
  points: usize, n: i32, D: i32, N: i32, mean: usize, inverse: usize, atMean: usize, skipped: usize, out: usize, scratch: usize,
): void {
  const state = scratch + 4 * (<usize>BLOCK << 2);
  const width = <usize>D << 2;
  for (let i = 0; i < n; i += 4) {
    const rows = min(4, n - i);
    // Beyond the last point the last one again.
    const p0 = points + <usize>i * width;
    const p1 = rows > 1 ? p0 + width : p0;
    const p2 = rows > 2 ? p1 + width : p1;
    const p3 = rows > 3 ? p2 + width : p2;
    for (let r: usize = 0; r < 4; r++) {
      f32.store(state + (r << 4), -Infinity);
      f64.store(state + (r << 4), 0, 8);
    }
    for (let from = 0; from < N; from += BLOCK) {
      const size = min(BLOCK, N - from);
      const panel = <usize>from * width;
      terms(p0, p1, p2, p3, D, mean + panel, inverse + panel, atMean + (<usize>from << 2), size, scratch);
      for (let r = 0; r < rows; r++) {
        const row = scratch + <usize>r * (<usize>BLOCK << 2);
        const skip = load<i32>(skipped + (<usize>(i + r) << 2)) - from;
        if (skip >= 0 && skip < size) f32.store(row + (<usize>skip << 2), -Infinity);
        gather(row, size, state + (<usize>r << 4));
      }
    }
    for (let r = 0; r < rows; r++) {
      const at = state + (<usize>r << 4);
      f32.store(out + (<usize>(i + r) << 3), f32.load(at));
      f32.store(out + (<usize>(i + r) << 3), <f32>f64.load(at, 8), 4);
    }
  }
}

/** Log-densities of four points under `size` normals. */
function terms(
  p0: usize, p1: usize, p2: usize, p3: usize, D: i32, mean: usize, inverse: usize, atMean: usize, size: i32, scratch: usize,
): void {
  const row = <usize>BLOCK << 2;
  let m = mean, s = inverse;
  const half = f32x4.splat(-0.5);
  for (let j: usize = 0; j < <usize>size << 2; j += 32) {
    let a0 = f32x4.splat(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0;
    for (let d: usize = 0; d < <usize>D << 2; d += 4) {
      const m0 = v128.load(m), m1 = v128.load(m, 16), s0 = v128.load(s), s1 = v128.load(s, 16);
      let p = v128.load32_splat(p0 + d);
      let t = f32x4.mul(f32x4.sub(p, m0), s0);
      a0 = multiplyAdd(t, t, a0);
      t = f32x4.mul(f32x4.sub(p, m1), s1);
      a1 = multiplyAdd(t, t, a1);
      p = v128.load32_splat(p1 + d);
      t = f32x4.mul(f32x4.sub(p, m0), s0);
      b0 = multiplyAdd(t, t, b0);
      t = f32x4.mul(f32x4.sub(p, m1), s1);
      b1 = multiplyAdd(t, t, b1);
      p = v128.load32_splat(p2 + d);
      t = f32x4.mul(f32x4.sub(p, m0), s0);
      c0 = multiplyAdd(t, t, c0);
      t = f32x4.mul(f32x4.sub(p, m1), s1);
      c1 = multiplyAdd(t, t, c1);
      p = v128.load32_splat(p3 + d);
      t = f32x4.mul(f32x4.sub(p, m0), s0);
      d0 = multiplyAdd(t, t, d0);
      t = f32x4.mul(f32x4.sub(p, m1), s1);
      d1 = multiplyAdd(t, t, d1);
      m += 32; s += 32;
    }
    const top0 = v128.load(atMean + j), top1 = v128.load(atMean + j, 16);
    const o = scratch + j;
    v128.store(o, f32x4.add(top0, f32x4.mul(half, a0)));
    v128.store(o, f32x4.add(top1, f32x4.mul(half, a1)), 16);
    v128.store(o + row, f32x4.add(top0, f32x4.mul(half, b0)));
    v128.store(o + row, f32x4.add(top1, f32x4.mul(half, b1)), 16);
    v128.store(o + 2 * row, f32x4.add(top0, f32x4.mul(half, c0)));
    v128.store(o + 2 * row, f32x4.add(top1, f32x4.mul(half, c1)), 16);
    v128.store(o + 3 * row, f32x4.add(top0, f32x4.mul(half, d0)));
    v128.store(o + 3 * row, f32x4.add(top1, f32x4.mul(half, d1)), 16);
  }
}

/** Adds terms to the largest so far and the sum relative to it. */
function gather(row: usize, size: i32, state: usize): void {
  const end = row + (<usize>size << 2);
  // The maximum that a NaN would pass through takes eight instructions.
  let most = f32x4.splat(-Infinity), none = f32x4.splat(0);
  for (let p = row; p < end; p += 16) {
    const terms = v128.load(p);
    most = f32x4.pmax(most, terms);
    none = v128.or(none, f32x4.ne(terms, terms));
  }
  let largest: f32 = max(max(f32x4.extract_lane(most, 0), f32x4.extract_lane(most, 1)), max(f32x4.extract_lane(most, 2), f32x4.extract_lane(most, 3)));
  if (v128.any_true(none)) largest = NaN;
  let top = f32.load(state);
  let sum = f64.load(state, 8);
  if (largest != largest) {
    // A NaN among them: so is the sum.
    top = largest;
  } else if (largest > top) {
    sum *= <f64>f32x4.extract_lane(exp4(f32x4.splat(top - largest)), 0);
    top = largest;
  }
  f32.store(state, top);
  // Where there is no normal yet, all terms are -Infinity.
  const shift = f32x4.splat(max(top, -f32.MAX_VALUE));
  let total = f32x4.splat(0), other = total;
  // Two vectors at a time, by turns, for one waits for the result of each operation; scratch memory holds whole pairs.
  for (let p = row; p < end; p += 32) {
    total = f32x4.add(total, expBelow(f32x4.sub(v128.load(p), shift)));
    other = f32x4.add(other, expBelow(f32x4.sub(v128.load(p, 16), shift)));
  }
  total = f32x4.add(total, other);
  sum += <f64>f32x4.extract_lane(total, 0) + <f64>f32x4.extract_lane(total, 1) + <f64>f32x4.extract_lane(total, 2) + <f64>f32x4.extract_lane(total, 3);
  f64.store(state, sum, 8);
}
