/**
 * The arithmetic that a kernel's mathematics is written in, once for all backends: on WASM, F is a vector of four float32 numbers
 * (wasm/lanes.as.ts stands in for this file), on a CPU it is a number, on a GPU the text of a shader.
 */
export interface Lanes<F> {
  constant(value: number): F;
  add(a: F, b: F): F;
  sub(a: F, b: F): F;
  mul(a: F, b: F): F;
  div(a: F, b: F): F;
  neg(a: F): F;
  abs(a: F): F;
  sqrt(a: F): F;
  max(a: F, b: F): F;
  min(a: F, b: F): F;
  /** a b + c. */
  fma(a: F, b: F, c: F): F;
  /** `yes` where a >= b, else `no`. */
  ifAtLeast(a: F, b: F, yes: F, no: F): F;
  exp(a: F): F;
  log(a: F): F;
  /** log(1 + a) for a >= 0, exact where a is small. */
  log1p(a: F): F;
  tanh(a: F): F;
  sigmoid(a: F): F;
}

/** Numbers of the elements at hand: parameters of theirs, gradients, what is kept between steps. */
export interface Columns<F> {
  at(p: i32): F;
  put(p: i32, value: F): void;
}

/** log(1 + e^a). */
export function softplus<F>(o: Lanes<F>, a: F): F {
  return o.add(o.max(a, o.constant(0)), o.log1p(o.exp(o.neg(o.abs(a)))));
}
