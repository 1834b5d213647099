// Nonlinearities whose slope can be told from their value. The numbers are those of activations.ts.
import { exp4, sigmoid4, softplus4, tanh4 } from '../wasm/lanes.as';

@inline export function activate(x: v128, kind: i32): v128 {
  // One instruction, unlike the maximum that a NaN would pass through; here it is x that stays.
  if (kind == 1) return f32x4.pmax(x, f32x4.splat(0));
  return activateOther(x, kind);
}

function activateOther(x: v128, kind: i32): v128 {
  const zero = f32x4.splat(0);
  if (kind == 2) return v128.bitselect(x, f32x4.mul(x, f32x4.splat(0.2)), f32x4.ge(x, zero));
  if (kind == 3) return v128.bitselect(x, f32x4.sub(exp4(x), f32x4.splat(1)), f32x4.ge(x, zero));
  if (kind == 4) return tanh4(x);
  if (kind == 5) return sigmoid4(x);
  return softplus4(x);
}

/** act'(x) where y = act(x). */
@inline export function activationSlope(y: v128, kind: i32): v128 {
  const one = f32x4.splat(1);
  const above = f32x4.gt(y, f32x4.splat(0));
  if (kind == 1) return v128.and(one, above);
  if (kind == 2) return v128.bitselect(one, f32x4.splat(0.2), above);
  if (kind == 3) return v128.bitselect(one, f32x4.add(y, one), above);
  if (kind == 4) return f32x4.sub(one, f32x4.mul(y, y));
  if (kind == 5) return f32x4.mul(y, f32x4.sub(one, y));
  return f32x4.sub(one, exp4(f32x4.neg(y)));
}
