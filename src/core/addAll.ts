import type { Tensor } from '@tensorflow/tfjs-core';
import { add } from '@tensorflow/tfjs-core';
import { fused } from './fused.js';

/**
 * The sum of tensors, which may broadcast.
 *
 * Not by `addN`: on WebGPU a program has eight tensors, and of more TensorFlow.js 4.22 adds none and says nothing.
 */
export const addAll = (terms: readonly Tensor[]): Tensor =>
  fused(SUM, terms, (...all) => [all.reduce((sum, term) => add(sum, term))])[0];

/** The kernel, whose gradients share memory where those of TensorFlow.js's ops are copies made by ops. */
export const SUM = 'FlowsSum';
