import type { Tensor } from '@tensorflow/tfjs-core';
import { scalar, sqrt, square, stack, sum } from '@tensorflow/tfjs-core';
import { fused } from '../../core/fused.js';

/** The name of the fused kernel. Inputs are the tensors. */
export const NORM = 'FlowsNorm';

/** The square root of the sum of all squared elements of all tensors: a scalar. */
export function norm(tensors: readonly Tensor[]): Tensor {
  if (tensors.length === 0) {
    return scalar(0);
  }
  return fused(NORM, tensors, (...all) => [sqrt(sum(stack(all.map((tensor) => sum(square(tensor))))))])[0];
}
