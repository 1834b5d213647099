import type { Tensor } from '@tensorflow/tfjs-core';
import { add, addN } from '@tensorflow/tfjs-core';
import { fused } from './fused.js';

/**
 * The sum of tensors of one shape. `addN` alone will not do: on WebGPU a program has eight tensors, with the sum seven terms, and of
 * more TensorFlow.js 4.22 adds none and says nothing.
 */
export const addAll = (terms: readonly Tensor[]): Tensor =>
  terms.length < 2
    ? (terms[0] as Tensor)
    : (fused(SUM, terms)?.[0] ?? addAll([addN(terms.slice(0, MOST)), ...terms.slice(MOST)]));

/** a + b, which may broadcast. */
export const addTwo = (a: Tensor, b: Tensor): Tensor => fused(SUM, [a, b])?.[0] ?? add(a, b);

/** The kernel, whose gradients share memory where those of TensorFlow.js's ops are copies made by ops. */
export const SUM = 'FlowsSum';

const MOST = 7;
