import type { Tensor } from '@tensorflow/tfjs-core';
import type { FusedKernel } from '../../core/fused.js';
import { registerFusedGradient, runKernel, runRecorded } from '../fusedGradient.js';
import { PLANAR, SHIFTS } from './planar.js';

/** What is added to w . u in the softplus that bends u, by the kernel's name. */
export const PLANAR_SHIFTS: Readonly<Record<string, number>> = Object.fromEntries(
  Object.entries(SHIFTS).map(([constraint, shift]) => [PLANAR + constraint, shift]),
);

/** How each is called: with one w, u and b for all examples, of the size of x. */
export const planarsOf: Readonly<Record<string, FusedKernel['call']>> = Object.fromEntries(
  Object.keys(PLANAR_SHIFTS).map((name) => [
    name,
    ([x, ...layers], attributes) => {
      const size = `${(x as Tensor).shape.slice(-1)}`;
      const fits = layers.every(({ shape }, i) => `${shape}` === (i % 3 < 2 ? size : ''));
      return fits ? runRecorded(name, [x as Tensor, ...layers], attributes) : undefined;
    },
  ]),
);

export function registerPlanarGradient(): void {
  for (const name of Object.keys(PLANAR_SHIFTS)) {
    registerFusedGradient({
      name,
      outputs: 2,
      needsOutputs: () => false,
      gradients: (dys, [x, ...layers]) => runKernel(`${name}Gradient`, [x as Tensor, ...dys, ...layers]),
    });
  }
}
