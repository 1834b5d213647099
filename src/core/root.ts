import type { Tensor } from '@tensorflow/tfjs-core';
import { abs, add, div, greaterEqual, lessEqual, logicalAnd, mul, sub, where } from '@tensorflow/tfjs-core';
import { stopGradient, untaped } from './stopGradient.js';

/** What `monotoneRoot` takes. */
export interface RootProblem {
  /** Elementwise residual, increasing in x, and its derivative with respect to x. Must not depend on anything but x that changes between calls. */
  readonly residual: (x: Tensor) => [value: Tensor, derivative: Tensor];
  /** A bracket: residual(low) <= 0 <= residual(high), elementwise, of the shape of the root. */
  readonly low: Tensor;
  readonly high: Tensor;
  /** Newton or bisection steps; each at least halves the bracket or the step. Default 32. */
  readonly iterations?: number;
}

/**
 * The root of an increasing scalar function, for each element, on the device.
 *
 * Newton's method, with a bisection wherever a Newton step would leave the bracket or would not halve the step before
 * last: so many iterations that float32 is exhausted, always the same number, none of them looked at by the host. The search
 * is not recorded. A last Newton step is, taken at the found root with the derivative held constant,
 *
 *   x = x* - residual(x*) / residual'(x*),
 *
 * and its gradient with respect to whatever the residual depends on is that of the implicit function theorem,
 * dx = -d residual / residual'.
 */
export function monotoneRoot({ residual, low, high, iterations = 32 }: RootProblem): Tensor {
  const found = untaped(() => search(residual, low, high, iterations));
  const [value, derivative] = residual(found);
  return sub(found, div(value, stopGradient(derivative)));
}

function search(residual: RootProblem['residual'], low: Tensor, high: Tensor, iterations: number): Tensor {
  let lower = low;
  let upper = high;
  let x = mul(add(lower, upper), 0.5);
  let step = sub(upper, lower);
  let previous = step;
  for (let i = 0; i < iterations; i++) {
    const [value, derivative] = residual(x);
    const below = lessEqual(value, 0);
    lower = where(below, x, lower);
    upper = where(below, upper, x);
    const middle = mul(add(lower, upper), 0.5);
    const newton = sub(x, div(value, derivative));
    // A comparison with NaN is false, so a derivative of zero or infinity ends in the bisection.
    // Equality counts as inside and as shrinking: at the root itself the step is zero, and must stay so.
    const inside = logicalAnd(greaterEqual(newton, lower), lessEqual(newton, upper));
    const shrinking = lessEqual(mul(abs(sub(newton, x)), 2), abs(previous));
    const next = where(logicalAnd(inside, shrinking), newton, middle);
    previous = step;
    step = sub(next, x);
    x = next;
  }
  return x;
}
