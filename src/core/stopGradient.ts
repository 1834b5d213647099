import type { Tensor } from '@tensorflow/tfjs-core';
import { clone, customGrad, scalar, tidy } from '@tensorflow/tfjs-core';

/**
 * Runs `f` without recording it: its result is a constant to every gradient.
 *
 * TensorFlow.js has no such thing. A custom gradient hides what happens inside it, and one whose only input is a fresh
 * constant lies on no path from a variable to a loss, so backpropagation does not even visit it.
 *
 * @param f must return a tensor that it made.
 */
export function untaped(f: () => Tensor): Tensor {
  return tidy(() => customGrad(() => ({ value: f(), gradFunc: () => [scalar(0)] }))(scalar(0)));
}

/**
 * The same values as a constant: no gradient flows back through the result.
 *
 * Where all that a loss depends on is stopped, `tf.grad` complains that the loss does not depend on its input, as it does
 * for any constant.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { stopGradient } from 'tfjs-flows';
 *
 * const g = tf.grad((x) => tf.mul(x, stopGradient(x)));
 * console.log(g(tf.scalar(3)).dataSync()[0]); // => 3
 * ```
 */
export function stopGradient(x: Tensor): Tensor {
  return untaped(() => clone(x));
}

/** A module's own tensor as a call sees it: a constant where the call is frozen. */
export function own<T extends Tensor>(x: T, options?: { readonly frozen?: boolean }): Tensor {
  return options?.frozen ? stopGradient(x) : x;
}
