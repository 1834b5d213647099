// One step of Adam for one parameter, and squared norms, for all of them one call after the other.
import { loadPart, storePart } from '../dense/product.as';

/**
 * m <- beta1 m + (1 - beta1) g, v <- beta2 v + (1 - beta2) g^2, out <- keep theta - rate m / (scale sqrt(v) + floor).
 *
 * `out` may be `theta`.
 */
export function adamStep(
  theta: usize, out: usize, g: usize, m: usize, v: usize, size: i32,
  beta1: f32, beta2: f32, rate: f32, scale: f32, floor: f32, keep: f32,
): void {
  const b1 = f32x4.splat(beta1), c1 = f32x4.splat(1 - beta1), b2 = f32x4.splat(beta2), c2 = f32x4.splat(1 - beta2);
  const r = f32x4.splat(rate), s = f32x4.splat(scale), e = f32x4.splat(floor), k = f32x4.splat(keep);
  for (let i = 0; i < size; i += 4) {
    const at = <usize>i << 2, count = size - i;
    const gradient = loadPart(g + at, count);
    const first = f32x4.add(f32x4.mul(loadPart(m + at, count), b1), f32x4.mul(gradient, c1));
    const second = f32x4.add(f32x4.mul(loadPart(v + at, count), b2), f32x4.mul(f32x4.mul(gradient, gradient), c2));
    storePart(m + at, first, count);
    storePart(v + at, second, count);
    const step = f32x4.div(f32x4.mul(first, r), f32x4.add(f32x4.mul(f32x4.sqrt(second), s), e));
    storePart(out + at, f32x4.sub(f32x4.mul(loadPart(theta + at, count), k), step), count);
  }
}

/** Sum of squares, in float64; four sums, since each addition waits for the one before it. */
export function squaredNorm(x: usize, size: i32): f64 {
  let a = f64x2.splat(0), b = a, c = a, d = a;
  for (let i = 0; i < size; i += 8) {
    const low = loadPart(x + (<usize>i << 2), size - i), high = loadPart(x + (<usize>i << 2) + 16, size - i - 4);
    a = f64x2.add(a, squares(low));
    b = f64x2.add(b, squares(v128.shuffle<f32>(low, low, 2, 3, 2, 3)));
    c = f64x2.add(c, squares(high));
    d = f64x2.add(d, squares(v128.shuffle<f32>(high, high, 2, 3, 2, 3)));
  }
  const all = f64x2.add(f64x2.add(a, b), f64x2.add(c, d));
  return f64x2.extract_lane(all, 0) + f64x2.extract_lane(all, 1);
}

/** Of the first two numbers. */
@inline function squares(numbers: v128): v128 {
  const x = f64x2.promote_low_f32x4(numbers);
  return f64x2.mul(x, x);
}
