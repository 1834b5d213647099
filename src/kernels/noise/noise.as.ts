// Philox 4x32-10 and what is made of its words, four blocks at a time; the same numbers as those of core/rng.ts.

/**
 * `size` standard normal numbers from the blocks counter, counter + 1, ...
 *
 * @param scratch 64 bytes
 */
export function normals(out: usize, size: i32, key0: i32, key1: i32, counter: i32, counterHigh: i32, scratch: usize): void {
  words = scratch;
  for (let i = 0; i < size; i += 16) {
    blocks(key0, key1, counter, counterHigh);
    if (counter + 4 >= 0 && counter < 0) counterHigh += 1;
    counter += 4;
    for (let j = 0; j < 4; j++) {
      // Lane j of the words 0 and 1, and of 2 and 3: two pairs.
      const w = v128.load(words + (<usize>j << 4));
      boxMuller(w);
      const count = size - i - 4 * j;
      if (count >= 4) {
        v128.store(out, result);
        out += 16;
      } else if (count > 0) {
        v128.store32_lane(out, result, 0);
        if (count > 1) v128.store32_lane(out + 4, result, 1);
        if (count > 2) v128.store32_lane(out + 8, result, 2);
      }
    }
  }
}

/** `size` numbers low + span u, u of 23 bits and a half. */
export function uniforms(out: usize, size: i32, key0: i32, key1: i32, counter: i32, counterHigh: i32, low: f64, span: f64, scratch: usize): void {
  words = scratch;
  for (let i = 0; i < size; i += 16) {
    blocks(key0, key1, counter, counterHigh);
    if (counter + 4 >= 0 && counter < 0) counterHigh += 1;
    counter += 4;
    const count = min(16, size - i);
    for (let j = 0; j < count; j++) {
      const u = (<f64>(load<u32>(words + (<usize>j << 2)) >>> 9) + 0.5) / 8388608.0;
      f32.store(out, <f32>(low + span * u));
      out += 4;
    }
  }
}

/** Sixteen words, block after block. A module that works in another's memory has no data of its own there. */
let words: usize = 0;

function blocks(key0: i32, key1: i32, counter: i32, counterHigh: i32): void {
  const steps = i32x4(0, 1, 2, 3);
  let c0 = i32x4.add(i32x4.splat(counter), steps);
  // Where the low word wraps around, the high one goes up.
  const wrapped = i32x4.lt_u(c0, i32x4.splat(counter));
  let c1 = i32x4.sub(i32x4.splat(counterHigh), wrapped);
  let c2 = i32x4.splat(0), c3 = c2;
  for (let round = 0; round < 10; round++) {
    const m0 = i32x4.splat(0xd2511f53), m1 = i32x4.splat(0xcd9e8d57);
    const high0 = high(c0, m0), low0 = i32x4.mul(c0, m0);
    const high1 = high(c2, m1), low1 = i32x4.mul(c2, m1);
    c0 = v128.xor(v128.xor(high1, c1), i32x4.splat(key0));
    c1 = low1;
    c2 = v128.xor(v128.xor(high0, c3), i32x4.splat(key1));
    c3 = low0;
    key0 += 0x9e3779b9;
    key1 += 0xbb67ae85;
  }
  const t0 = v128.shuffle<i32>(c0, c1, 0, 4, 1, 5), t1 = v128.shuffle<i32>(c0, c1, 2, 6, 3, 7);
  const t2 = v128.shuffle<i32>(c2, c3, 0, 4, 1, 5), t3 = v128.shuffle<i32>(c2, c3, 2, 6, 3, 7);
  v128.store(words, v128.shuffle<i32>(t0, t2, 0, 1, 4, 5));
  v128.store(words, v128.shuffle<i32>(t0, t2, 2, 3, 6, 7), 16);
  v128.store(words, v128.shuffle<i32>(t1, t3, 0, 1, 4, 5), 32);
  v128.store(words, v128.shuffle<i32>(t1, t3, 2, 3, 6, 7), 48);
}

/** Upper halves of the four products. */
@inline function high(a: v128, b: v128): v128 {
  return v128.shuffle<i32>(i64x2.extmul_low_i32x4_u(a, b), i64x2.extmul_high_i32x4_u(a, b), 1, 3, 5, 7);
}

let result: v128 = i32x4.splat(0);

/** Two pairs of words to two pairs of normal numbers, in float64, left in `result`. */
function boxMuller(w: v128): void {
  const first = f64x2.convert_low_i32x4_u(v128.shuffle<i32>(w, w, 0, 2, 0, 2));
  const u = f64x2.mul(f64x2.add(first, f64x2.splat(0.5)), f64x2.splat(1.0 / 4294967296.0));
  const radius = f64x2.sqrt(f64x2.mul(f64x2.splat(-2), log(u)));
  const turn = v128.shuffle<i32>(w, w, 1, 3, 1, 3);
  // The nearest eighth of a turn that is even, and what is left, in [-1/8, 1/8) turns.
  const quadrant = i32x4.shr_u(i32x4.add(turn, i32x4.splat(0x20000000)), 30);
  const left = i32x4.sub(turn, i32x4.shl(quadrant, 30));
  const x = f64x2.mul(f64x2.convert_low_i32x4_s(left), f64x2.splat(6.283185307179586 / 4294967296.0));
  const z = f64x2.mul(x, x);
  let s = f64x2.splat(2.8114572543455206e-15);
  s = madd(s, z, -7.647163731819816e-13);
  s = madd(s, z, 1.6059043836821613e-10);
  s = madd(s, z, -2.505210838544172e-8);
  s = madd(s, z, 2.7557319223985893e-6);
  s = madd(s, z, -1.984126984126984e-4);
  s = madd(s, z, 8.333333333333333e-3);
  s = madd(s, z, -0.16666666666666666);
  s = f64x2.add(x, f64x2.mul(f64x2.mul(s, z), x));
  let c = f64x2.splat(4.779477332387385e-14);
  c = madd(c, z, -1.1470745597729725e-11);
  c = madd(c, z, 2.08767569878681e-9);
  c = madd(c, z, -2.755731922398589e-7);
  c = madd(c, z, 2.48015873015873e-5);
  c = madd(c, z, -1.388888888888889e-3);
  c = madd(c, z, 4.1666666666666664e-2);
  c = madd(c, z, -0.5);
  c = madd(c, z, 1);
  // Quadrants 1 and 3 swap sine and cosine; 1 and 2 have a negative cosine, 2 and 3 a negative sine.
  const q = i64x2.extend_low_i32x4_u(quadrant);
  const odd = i64x2.neg(v128.and(q, i64x2.splat(1)));
  const cosine = v128.bitselect(s, c, odd);
  const sine = v128.bitselect(c, s, odd);
  const sineSign = i64x2.shl(v128.and(q, i64x2.splat(2)), 62);
  const cosineSign = i64x2.shl(v128.and(i64x2.add(q, i64x2.splat(1)), i64x2.splat(2)), 62);
  const a = f32x4.demote_f64x2_zero(f64x2.mul(radius, v128.xor(cosine, cosineSign)));
  const b = f32x4.demote_f64x2_zero(f64x2.mul(radius, v128.xor(sine, sineSign)));
  result = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
}

@inline function madd(a: v128, b: v128, c: f64): v128 {
  return f64x2.add(f64x2.mul(a, b), f64x2.splat(c));
}

/** log of two normal float64 numbers: e log 2 + 2 atanh((m - 1) / (m + 1)), m between sqrt(1/2) and sqrt(2). */
function log(x: v128): v128 {
  const bits = i64x2.sub(x, i64x2.splat(0x3fe6a09e667f3bcd));
  const e = i64x2.shr_s(bits, 52);
  const m = i64x2.add(v128.and(bits, i64x2.splat(0x000fffffffffffff)), i64x2.splat(0x3fe6a09e667f3bcd));
  const s = f64x2.div(f64x2.sub(m, f64x2.splat(1)), f64x2.add(m, f64x2.splat(1)));
  const z = f64x2.mul(s, s);
  let p = f64x2.splat(2.0 / 21.0);
  p = madd(p, z, 2.0 / 19.0);
  p = madd(p, z, 2.0 / 17.0);
  p = madd(p, z, 2.0 / 15.0);
  p = madd(p, z, 2.0 / 13.0);
  p = madd(p, z, 2.0 / 11.0);
  p = madd(p, z, 2.0 / 9.0);
  p = madd(p, z, 2.0 / 7.0);
  p = madd(p, z, 2.0 / 5.0);
  p = madd(p, z, 2.0 / 3.0);
  p = madd(p, z, 2);
  const exponent = f64x2.convert_low_i32x4_s(v128.shuffle<i32>(e, e, 0, 2, 0, 2));
  return f64x2.add(f64x2.mul(exponent, f64x2.splat(0.6931471805599453)), f64x2.mul(p, s));
}
