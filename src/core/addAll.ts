import type { Tensor } from '@tensorflow/tfjs-core';
import { addN } from '@tensorflow/tfjs-core';

/**
 * The sum of tensors of one shape. `addN` alone will not do: on WebGPU a program has eight tensors, with the sum seven terms, and of
 * more TensorFlow.js 4.22 adds none and says nothing.
 */
export const addAll = (terms: readonly Tensor[]): Tensor =>
  terms.length < 2 ? (terms[0] as Tensor) : addAll([addN(terms.slice(0, MOST)), ...terms.slice(MOST)]);

const MOST = 7;
