import type { Tensor } from '@tensorflow/tfjs-core';
import { add, clipByValue, exp, log, max, mean, sub } from '@tensorflow/tfjs-core';
import { stopGradient } from '../core/stopGradient.js';

/** Where every weight is zero, or one is infinite, there is none to divide by: the result is then that infinity, not NaN. */
const LARGEST = 1e38;

/** log of the mean of exp over the first axis: [S, ...batch] -> [...batch]. */
export function logMeanExp(x: Tensor): Tensor {
  const top = stopGradient(clipByValue(max(x, 0), -LARGEST, LARGEST));
  return add(log(mean(exp(sub(x, top)), 0)), top);
}
