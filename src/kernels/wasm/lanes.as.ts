// Four float32 numbers at a time: what `Lanes<F>` of ../lanes.ts is on WASM, with F = v128.

/** Where functions meet no numbers of their own: the kernels' mathematics is written against this. */
export class Lanes<F> {
  @inline constant(value: number): F { return f32x4.splat(<f32>value); }
  @inline add(a: F, b: F): F { return f32x4.add(a, b); }
  @inline sub(a: F, b: F): F { return f32x4.sub(a, b); }
  @inline mul(a: F, b: F): F { return f32x4.mul(a, b); }
  @inline div(a: F, b: F): F { return f32x4.div(a, b); }
  @inline neg(a: F): F { return f32x4.neg(a); }
  @inline abs(a: F): F { return f32x4.abs(a); }
  @inline sqrt(a: F): F { return f32x4.sqrt(a); }
  /** As in most hardware: b where a is NaN. */
  @inline max(a: F, b: F): F { return f32x4.pmax(b, a); }
  @inline min(a: F, b: F): F { return f32x4.pmin(b, a); }
  /** a b + c. */
  @inline fma(a: F, b: F, c: F): F { return multiplyAdd(a, b, c); }
  /** Where a >= b, `yes`, else `no`. */
  @inline ifAtLeast(a: F, b: F, yes: F, no: F): F { return v128.bitselect(yes, no, f32x4.ge(a, b)); }
  @inline exp(a: F): F { return exp4(a); }
  @inline log(a: F): F { return log4(a); }
  @inline log1p(a: F): F { return log1p4(a); }
  @inline tanh(a: F): F { return tanh4(a); }
  @inline sigmoid(a: F): F { return sigmoid4(a); }
}

/** Vectors one after the other in memory: the first is where `this` points to. */
export class Columns<F> {
  @inline at(p: i32): F { return v128.load(changetype<usize>(this) + (<usize>p << 4)); }
  @inline put(p: i32, value: F): void { v128.store(changetype<usize>(this) + (<usize>p << 4), value); }
}

@inline export function multiplyAdd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

@inline function c4(x: f32): v128 { return f32x4.splat(x); }

/** Cephes' expf: 2^n e^r, |r| <= log(2) / 2. 0 below -87, Infinity above 88.72. */
export function exp4(a: v128): v128 {
  // Held where n is from -126, whose power comes out as 0, to 128, whose comes out as Infinity if a is too large; NaN stays.
  const x = f32x4.pmin(f32x4.pmax(a, c4(-87.33)), c4(89));
  // So large a number added, the last bits of the sum are n + 126.
  const shifted = f32x4.add(f32x4.mul(x, c4(1.44269504088896341)), c4(12583038));
  // 2^n as 2^(n - 1) times 2: n can be 128, whose bits are those of Infinity.
  return f32x4.mul(f32x4.mul(expRest(x, f32x4.sub(shifted, c4(12583038))), i32x4.shl(shifted, 23)), c4(2));
}

/** The same of numbers up to 0, in fewer operations: below -80 it is 1.8e-35. */
@inline export function expBelow(a: v128): v128 {
  const x = f32x4.pmax(a, c4(-80));
  const shifted = f32x4.add(f32x4.mul(x, c4(1.44269504088896341)), c4(12582912));
  // n is added to the exponent.
  return i32x4.add(expRest(x, f32x4.sub(shifted, c4(12582912))), i32x4.shl(shifted, 23));
}

/** e^r, where x = n log(2) + r. */
@inline function expRest(x: v128, n: v128): v128 {
  // log 2 in two parts, the first of which has few digits, so that its products are exact.
  let r = multiplyAdd(n, c4(-0.693359375), x);
  r = multiplyAdd(n, c4(2.12194440e-4), r);
  let p = c4(1.9875691500e-4);
  p = multiplyAdd(p, r, c4(1.3981999507e-3));
  p = multiplyAdd(p, r, c4(8.3334519073e-3));
  p = multiplyAdd(p, r, c4(4.1665795894e-2));
  p = multiplyAdd(p, r, c4(1.6666665459e-1));
  p = multiplyAdd(p, r, c4(5.0000001201e-1));
  return multiplyAdd(p, f32x4.mul(r, r), f32x4.add(r, c4(1)));
}

/** Cephes' logf: -Infinity for 0, NaN below. */
export function log4(number: v128): v128 {
  // Denormal numbers are brought among the others.
  const isTiny = f32x4.lt(number, c4(1.1754944e-38));
  const x = v128.bitselect(f32x4.mul(number, c4(8388608)), number, isTiny);
  const bits = i32x4.sub(x, i32x4.splat(0x3f3504f3));
  const e = f32x4.sub(f32x4.convert_i32x4_s(i32x4.shr_s(bits, 23)), v128.and(c4(23), isTiny));
  // Between sqrt(1/2) and sqrt(2), less 1.
  const m = f32x4.sub(i32x4.add(v128.and(bits, i32x4.splat(0x007fffff)), i32x4.splat(0x3f3504f3)), c4(1));
  const z = f32x4.mul(m, m);
  let p = c4(7.0376836292e-2);
  p = multiplyAdd(p, m, c4(-1.1514610310e-1));
  p = multiplyAdd(p, m, c4(1.1676998740e-1));
  p = multiplyAdd(p, m, c4(-1.2420140846e-1));
  p = multiplyAdd(p, m, c4(1.4249322787e-1));
  p = multiplyAdd(p, m, c4(-1.6668057665e-1));
  p = multiplyAdd(p, m, c4(2.0000714765e-1));
  p = multiplyAdd(p, m, c4(-2.4999993993e-1));
  p = multiplyAdd(p, m, c4(3.3333331174e-1));
  let y = f32x4.mul(f32x4.mul(p, m), z);
  y = multiplyAdd(e, c4(-2.12194440e-4), y);
  y = multiplyAdd(c4(-0.5), z, y);
  y = multiplyAdd(e, c4(0.693359375), f32x4.add(m, y));
  const finite = v128.bitselect(y, x, f32x4.lt(x, c4(Infinity)));
  const positive = v128.bitselect(finite, c4(NaN), f32x4.ge(x, c4(0)));
  return v128.bitselect(c4(-Infinity), positive, f32x4.eq(x, c4(0)));
}

/** log(1 + a) for a >= 0, to float32's relative accuracy. */
@inline export function log1p4(a: v128): v128 {
  const u = f32x4.add(a, c4(1));
  // What 1 + a lost to rounding, put back.
  const lost = f32x4.sub(a, f32x4.sub(u, c4(1)));
  return f32x4.add(log4(u), f32x4.div(lost, u));
}

export function tanh4(x: v128): v128 {
  const size = f32x4.abs(x);
  const z = f32x4.mul(x, x);
  let p = c4(-5.70498872745e-3);
  p = multiplyAdd(p, z, c4(2.06390887954e-2));
  p = multiplyAdd(p, z, c4(-5.37397155531e-2));
  p = multiplyAdd(p, z, c4(1.33314422036e-1));
  p = multiplyAdd(p, z, c4(-3.33332819422e-1));
  const near = multiplyAdd(f32x4.mul(p, z), x, x);
  const far = f32x4.sub(c4(1), f32x4.div(c4(2), f32x4.add(exp4(f32x4.add(size, size)), c4(1))));
  const signed = v128.bitselect(x, far, c4(-0.0));
  return v128.bitselect(near, signed, f32x4.lt(size, c4(0.625)));
}

@inline export function sigmoid4(x: v128): v128 {
  return f32x4.div(c4(1), f32x4.add(c4(1), exp4(f32x4.neg(x))));
}

/** log(1 + e^a). */
@inline export function softplus<F>(o: Lanes<F>, a: F): F {
  return o.add(o.max(a, o.constant(0)), o.log1p(o.exp(o.neg(o.abs(a)))));
}

/** log(1 + e^x). */
@inline export function softplus4(x: v128): v128 {
  return f32x4.add(f32x4.pmax(c4(0), x), log1p4(exp4(f32x4.neg(f32x4.abs(x)))));
}
