import type { Tensor } from '@tensorflow/tfjs-core';
import { abs, add, div, engine, greaterEqual, lessEqual, logicalAnd, mul, relu, sub, tidy } from '@tensorflow/tfjs-core';
import { select } from './select.js';
import { stopGradient, untaped } from './stopGradient.js';

/** What `monotoneRoot` takes. */
export interface RootProblem {
  /** Elementwise residual, increasing in x, and its derivative with respect to x. Must not depend on anything but x that changes between calls. */
  readonly residual: (x: Tensor) => [value: Tensor, derivative: Tensor];
  /** A bracket: residual(low) <= 0 <= residual(high), elementwise, of the shape of the root. */
  readonly low: Tensor;
  readonly high: Tensor;
  /** Newton or bisection steps. Default 32: enough for float32 on staircases whose slopes lie between e^-3, e^7 and nearly 0. */
  readonly iterations?: number;
}

/**
 * The root of an increasing scalar function, for each element, on the device.
 *
 * Newton's method, with a bisection wherever a Newton step would leave the bracket or would not halve the step before
 * last: so many iterations that float32 is exhausted, always the same number, none of them looked at by the host. The search
 * is not recorded. Its result x* is returned as
 *
 *   x = x* - (residual(x*) - c) / residual'(x*),
 *
 * with the constant c = residual(x*) and the derivative held constant: the value is x* to the bit, never outside the
 * bracket, and the gradient with respect to whatever the residual depends on is that of the implicit function theorem,
 * dx = -d residual / residual'. Where that is to be differentiated itself, two such steps are taken, of derivatives that are not held
 * constant, which makes derivatives right up to the third.
 *
 * Where the function is so flat that float32 cannot tell its values apart, any point of the plateau is a root; the slope
 * that the gradient divides by is then held at 1e-30, so that it is large and not NaN.
 *
 * Source: Press et al., "Numerical recipes", section 9.4 (rtsafe).
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { monotoneRoot } from 'tfjs-flows';
 *
 * const cubeRoot = (y: tf.Tensor) =>
 *   monotoneRoot({
 *     residual: (x) => [tf.sub(tf.mul(x, tf.square(x)), y), tf.mul(tf.square(x), 3)],
 *     low: tf.zerosLike(y),
 *     high: y,
 *   });
 * console.log(cubeRoot(tf.scalar(8)).dataSync()[0].toFixed(4)); // => 2.0000
 * console.log(tf.grad(cubeRoot)(tf.scalar(8)).dataSync()[0].toFixed(4)); // => 0.0833
 * ```
 */
export function monotoneRoot({ residual, low, high, iterations = 32 }: RootProblem): Tensor {
  return tidy(() => {
    const isNested = engine().state.gradientDepth > 1;
    let x = untaped(() => search(residual, low, high, iterations));
    for (let left = isNested ? 2 : 1; left > 0; left--) {
      const [value, derivative] = residual(x);
      // TensorFlow.js has no gradients of the gradient of `maximum`.
      const slope = add(relu(sub(derivative, FLATTEST)), FLATTEST);
      x = sub(x, div(sub(value, stopGradient(value)), isNested ? slope : stopGradient(slope)));
    }
    return x;
  });
}

const FLATTEST = 1e-30;

type State = [x: Tensor, lower: Tensor, upper: Tensor, step: Tensor, previous: Tensor];

function search(residual: RootProblem['residual'], low: Tensor, high: Tensor, iterations: number): Tensor {
  const width = sub(high, low);
  let state: State = [mul(add(low, high), 0.5), low, high, width, width];
  for (let i = 0; i < iterations; i++) {
    const before = state;
    // What an iteration leaves behind is freed at once: a mixture's residual takes many times the memory of its root.
    state = tidy(() => improve(residual, before));
  }
  return state[0];
}

function improve(residual: RootProblem['residual'], [x, lower, upper, step, previous]: State): State {
  const [value, derivative] = residual(x);
  const below = lessEqual(value, 0);
  const low = select(below, x, lower);
  const high = select(below, upper, x);
  const newton = sub(x, div(value, derivative));
  const isFit = [
    // A comparison with NaN is false, so a derivative of zero ends in the bisection, and so does an infinite one, whose step is none:
    // one above the largest float32 number, nearly.
    lessEqual(derivative, 3e38),
    // Equality counts as inside and as shrinking: at the root itself the step is zero, and must stay so.
    greaterEqual(newton, low),
    lessEqual(newton, high),
    lessEqual(mul(abs(sub(newton, x)), 2), abs(previous)),
  ].reduce((all, each) => logicalAnd(all, each));
  const next = select(isFit, newton, mul(add(low, high), 0.5));
  return [next, low, high, sub(next, x), step];
}
