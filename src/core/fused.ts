import type { KernelConfig, Tensor } from '@tensorflow/tfjs-core';
import { getBackend, getKernel } from '@tensorflow/tfjs-core';
import type { Bijector, CallOptions } from './bijector.js';

/** A fused kernel as tfjs-core's registry holds it: one that knows how it is called. */
export interface FusedKernel extends KernelConfig {
  /** Runs it on the current backend, recorded for gradients like any op. */
  call(inputs: readonly Tensor[], attributes: object): Tensor[];
  /** Runs it for the first of these bijectors, as many as there are of its kind: y, log-det and how many. */
  stack(parts: readonly Pick<Bijector, 'stack'>[], x: Tensor, call: CallOptions): [y: Tensor, logDet: Tensor, count: number];
}

/**
 * Runs a fused kernel, recorded for gradients like any op, where the current backend has it; undefined where it has not, and the
 * caller composes the same of TensorFlow.js's ops.
 *
 * Kernels come with `useBackend`, so a program that does not ask for them does not carry them.
 */
export const fused = (name: string, inputs: readonly Tensor[], attributes: object = {}): Tensor[] | undefined =>
  kernelOf(name)?.call(inputs, attributes);

/** Whether the current backend has a kernel, for those who would prepare its inputs in vain. */
export const hasKernel = (name: string): boolean => kernelOf(name) !== undefined;

/** The current backend's kernel of a name. */
export const kernelOf = (name: string): FusedKernel | undefined => getKernel(name, getBackend()) as FusedKernel | undefined;
