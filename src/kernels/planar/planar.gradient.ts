import { softplusInverse } from '../../core/softplusInverse.js';
import type { StackAttributes } from '../../core/stack.js';
import { registerFusedGradient, runKernel } from '../fusedGradient.js';

/** What is added to w . u in the softplus that bends u, by the kernel's name. */
export const PLANAR_SHIFTS: Readonly<Record<string, number>> = {
  FlowsPlanarCentred: softplusInverse(1),
  FlowsPlanarOriginal: 0,
};

export function registerPlanarGradient(): void {
  for (const name of Object.keys(PLANAR_SHIFTS)) {
    registerFusedGradient<StackAttributes>({
      name,
      outputs: 2,
      needsOutputs: () => false,
      composed: (inputs, { composed }) => composed(inputs),
      gradients: (dys, [x, ...layers], _, { count }) => runKernel(`${name}Gradient`, [x, ...dys, ...layers] as never, { count }),
    });
  }
}
