import type { Tensor } from '@tensorflow/tfjs-core';
import { addN } from '@tensorflow/tfjs-core';

/**
 * The sum of tensors of one shape. `addN` alone will not do: on WebGPU a program has eight tensors, with the sum seven terms, and of
 * more TensorFlow.js 4.22 adds none and says nothing.
 */
export function addAll(terms: readonly Tensor[]): Tensor {
  let total = terms[0] as Tensor;
  for (let k = 1; k < terms.length; k += MOST - 1) {
    total = addN([total, ...terms.slice(k, k + MOST - 1)]);
  }
  return total;
}

const MOST = 7;
