// Parameters that lie together for each element, P of them, as vectors of one parameter of four elements.
import { Lanes } from './lanes.as';

let base: usize = 0;
let stride: usize = 0;
let rows: i32 = 0;

/** Sets where `column` and `putColumn` work: elements of `size` numbers, from an address, at most `count` of them. */
@inline export function columns(address: usize, size: i32, count: i32): void {
  base = address;
  stride = <usize>size << 2;
  rows = count;
}

/** Parameter p of four elements; 0 beyond the last. */
@inline export function column(p: i32): v128 {
  const at = base + (<usize>p << 2);
  let v = v128.load32_zero(at);
  if (rows > 1) v = v128.load32_lane(at + stride, v, 1);
  if (rows > 2) v = v128.load32_lane(at + 2 * stride, v, 2);
  if (rows > 3) v = v128.load32_lane(at + 3 * stride, v, 3);
  return v;
}

@inline export function putColumn(p: i32, v: v128): void {
  const at = base + (<usize>p << 2);
  v128.store32_lane(at, v, 0);
  if (rows > 1) v128.store32_lane(at + stride, v, 1);
  if (rows > 2) v128.store32_lane(at + 2 * stride, v, 2);
  if (rows > 3) v128.store32_lane(at + 3 * stride, v, 3);
}

/** What the mathematics of kernels is run with; it has no fields, so no memory. */
@inline export function lanes(): Lanes<v128> {
  return changetype<Lanes<v128>>(0);
}
