import type { Tensor } from '@tensorflow/tfjs-core';
import { addAll } from '../core/addAll.js';
import type { FusedAttributes, FusedKernel } from '../core/fused.js';
import type { Stack } from '../core/stack.js';

/** How a kernel, given the way to call it, is run for those that are of its kind at the head of a list. */
export const stackOf =
  (kernelName: string, run: FusedKernel['call']): FusedKernel['stack'] =>
  (parts, x, call) => {
    const end = parts.findIndex(({ stack }) => stack?.kernel !== kernelName);
    const stacks = parts.slice(0, end < 0 ? parts.length : end).map(({ stack }) => stack as Stack);
    const tensors = stacks.map((stack) => stack.tensors(call));
    const attributes: FusedAttributes = { composed: (at, ...all) => oneByOne(at as Tensor, all, stacks) };
    const made = run([x, ...tensors.flat()], attributes);
    return made && [made[0] as Tensor, made[1] as Tensor, stacks.length];
  };

/** The same, of TensorFlow.js's ops: each map by itself. */
function oneByOne(x: Tensor, tensors: readonly Tensor[], stacks: readonly Stack[]): [y: Tensor, logDet: Tensor] {
  const each = tensors.length / stacks.length;
  let y = x;
  const logDets = stacks.map(({ composed }, i) => {
    const [next, logDet] = composed(y, ...tensors.slice(i * each, (i + 1) * each));
    y = next;
    return logDet;
  });
  return [y, addAll(logDets)];
}
