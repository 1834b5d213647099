import type { Tensor } from '@tensorflow/tfjs-core';
import type { Bijector, CallOptions } from './bijector.js';
import { fused } from './fused.js';

/** What is needed to run several maps of one kind, one after the other, forward, as one fused kernel. */
export interface Stack {
  /** Its name. Inputs are x and then the tensors of each map, outputs y and the log-det. */
  readonly kernel: string;
  tensors(call: CallOptions): readonly Tensor[];
  /** One map of these tensors, of TensorFlow.js's ops. */
  composed(x: Tensor, tensors: readonly Tensor[]): [y: Tensor, logDet: Tensor];
}

/** What the kernel is told. */
export interface StackAttributes {
  readonly stacks: readonly Stack[];
}

/** The first of these bijectors, as many as there are of its kind: y, log-det and how many; undefined where there is no kernel. */
export function runStack(
  parts: readonly Pick<Bijector, 'stack'>[],
  x: Tensor,
  call: CallOptions,
): [y: Tensor, logDet: Tensor, count: number] | undefined {
  const kernel = parts[0]?.stack?.kernel as string;
  const end = parts.findIndex(({ stack }) => stack?.kernel !== kernel);
  const stacks = parts.slice(0, end < 0 ? parts.length : end).map(({ stack }) => stack as Stack);
  const attributes: StackAttributes = { stacks };
  const made = kernel && fused(kernel, [x, ...stacks.flatMap((stack) => stack.tensors(call))], attributes);
  return made ? [made[0] as Tensor, made[1] as Tensor, stacks.length] : undefined;
}
