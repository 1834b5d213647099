// Sums of numbers that lie in the same order.
import { loadPart, storePart } from '../dense/product.as';

/** `out` may be `a` or `b`. */
export function add(a: usize, b: usize, out: usize, size: i32): void {
  for (let i = 0; i < size; i += 4) {
    const at = <usize>i << 2, count = size - i;
    storePart(out + at, f32x4.add(loadPart(a + at, count), loadPart(b + at, count)), count);
  }
}
