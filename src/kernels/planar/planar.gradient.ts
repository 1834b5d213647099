import type { Tensor } from '@tensorflow/tfjs-core';
import { add } from '@tensorflow/tfjs-core';
import { softplusInverse } from '../../core/softplusInverse.js';
import { registerFusedGradient, runKernel } from '../fusedGradient.js';
import type { StackAttributes } from '../stack.js';

/** What is added to w . u in the softplus that bends u, by the kernel's name. */
export const PLANAR_SHIFTS: Readonly<Record<string, number>> = {
  'FlowsPlanar centred': softplusInverse(1),
  'FlowsPlanar original': 0,
};

export function registerPlanarGradient(): void {
  for (const name of Object.keys(PLANAR_SHIFTS)) {
    registerFusedGradient<StackAttributes>({
      name,
      outputs: 2,
      needsOutputs: () => false,
      composed: ([x, ...rest], { stacks }) => oneByOne(x as Tensor, rest, stacks),
      gradients: (dys, [x, ...layers], _, { stacks }) =>
        runKernel(`${name}Gradient`, [x, ...dys, ...layers] as never, { stacks }),
    });
  }
}

/** The same, of TensorFlow.js's ops: each map by itself. */
function oneByOne(x: Tensor, tensors: readonly Tensor[], stacks: StackAttributes['stacks']): [y: Tensor, logDet: Tensor] {
  const each = tensors.length / stacks.length;
  let y = x;
  const logDets = stacks.map(({ composed }, i) => {
    const [next, logDet] = composed(y, tensors.slice(i * each, (i + 1) * each));
    y = next;
    return logDet;
  });
  return [y, logDets.reduce((sum, logDet) => add(sum, logDet))];
}
