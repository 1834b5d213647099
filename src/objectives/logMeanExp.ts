import type { Tensor } from '@tensorflow/tfjs-core';
import { add, exp, log, max, maximum, mean, squeeze, sub } from '@tensorflow/tfjs-core';
import { stopGradient } from '../core/stopGradient.js';

/** Where every weight is zero there is no largest one to divide by: the result is then -Infinity, not NaN. */
const LEAST = -1e38;

/** log of the mean of exp over the first axis: [S, ...batch] -> [...batch]. */
export function logMeanExp(x: Tensor): Tensor {
  const top = stopGradient(maximum(max(x, 0, true), LEAST));
  return add(log(mean(exp(sub(x, top)), 0)), squeeze(top, [0]));
}
