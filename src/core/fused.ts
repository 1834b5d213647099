import type { NamedTensorMap, Tensor } from '@tensorflow/tfjs-core';
import { engine, getBackend, getKernel } from '@tensorflow/tfjs-core';

/**
 * Runs a fused kernel, recorded for gradients like any op, where the current backend has it; undefined where it has not, and the
 * caller composes the same of TensorFlow.js's ops.
 *
 * Kernels come with `useBackend`, so a program that does not ask for them does not carry them.
 */
export function fused(name: string, inputs: readonly Tensor[], attributes: object = {}): Tensor[] | undefined {
  return hasKernel(name)
    ? ([] as Tensor[]).concat(engine().runKernel(name, inputs as unknown as NamedTensorMap, attributes as never))
    : undefined;
}

/** Whether the current backend has a kernel, for those who would prepare its inputs in vain. */
export const hasKernel = (name: string): boolean => getKernel(name, getBackend()) !== undefined;
