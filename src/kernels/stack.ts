import type { Tensor } from '@tensorflow/tfjs-core';
import type { FusedKernel } from '../core/fused.js';
import type { Stack } from '../core/stack.js';

/** What the kernel of a stack is told. */
export interface StackAttributes {
  readonly stacks: readonly Stack[];
}

/** How a kernel, given the way to call it, is run for those that are of its kind at the head of a list. */
export const stackOf =
  (kernelName: string, run: FusedKernel['call']): FusedKernel['stack'] =>
  (parts, x, call) => {
    const end = parts.findIndex(({ stack }) => stack?.kernel !== kernelName);
    const stacks = parts.slice(0, end < 0 ? parts.length : end).map(({ stack }) => stack as Stack);
    const attributes: StackAttributes = { stacks };
    const [y, logDet] = run([x, ...stacks.flatMap((stack) => stack.tensors(call))], attributes);
    return [y as Tensor, logDet as Tensor, stacks.length];
  };
