// `math.ts` over the elements of events, whose sums or gradients are wanted.
import { lanes } from '../wasm/columns.as';
import { loadPart, storePart } from '../dense/product.as';
import { term, termSlope, termSlopeOfB } from './math';

/** x and b, if it is not 0, both [rows, size] -> [rows]. */
export function logDensity(x: usize, b: usize, y: usize, rows: i32, size: i32, kind: i32, constant: f32): void {
  const o = lanes();
  const places = i32x4(0, 1, 2, 3);
  for (let r = 0; r < rows; r++) {
    let total = f32x4.splat(0);
    for (let i = 0; i < size; i += 4) {
      const at = <usize>(r * size + i) << 2, count = size - i;
      const value = loadPart(x + at, count), other = b ? loadPart(b + at, count) : f32x4.splat(0);
      // Beyond the event nothing is added.
      total = f32x4.add(total, v128.and(term<v128>(o, value, other, kind), i32x4.lt_s(places, i32x4.splat(count))));
    }
    const sum = f32x4.extract_lane(total, 0) + f32x4.extract_lane(total, 1) + f32x4.extract_lane(total, 2) + f32x4.extract_lane(total, 3);
    f32.store(y + (<usize>r << 2), sum + constant);
  }
}

/** Gradients in b where `ofB`, else in x, of those in the sums. */
export function logDensityGradient(x: usize, b: usize, g: usize, dx: usize, rows: i32, size: i32, kind: i32, ofB: i32): void {
  const o = lanes();
  for (let r = 0; r < rows; r++) {
    const outer = v128.load32_splat(g + (<usize>r << 2));
    for (let i = 0; i < size; i += 4) {
      const at = <usize>(r * size + i) << 2, count = size - i;
      const value = loadPart(x + at, count), other = b ? loadPart(b + at, count) : f32x4.splat(0);
      const slope = ofB ? termSlopeOfB<v128>(o, value, other, kind) : termSlope<v128>(o, value, other, kind);
      storePart(dx + at, f32x4.mul(outer, slope), count);
    }
  }
}
