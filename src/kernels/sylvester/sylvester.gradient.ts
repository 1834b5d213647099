import type { Tensor } from '@tensorflow/tfjs-core';
import type { FusedKernel } from '../../core/fused.js';
import { registerFusedGradient, runKernel, runRecorded } from '../fusedGradient.js';
import { SYLVESTER } from './sylvester.js';

/** Gradients in all inputs. Its own are these, the arguments of tanh, which the kernel puts out where it is recorded, and the gradients. */
export const SYLVESTER_GRADIENT = 'FlowsSylvesterGradient';

/** How the kernel is called: it does not broadcast, but for leading axes of u. */
export const sylvesterOf: FusedKernel['call'] = (inputs, attributes) => {
  const [u, triangles, diagonal, diagonalTilde, b] = inputs.map(({ shape }) => shape) as [number[], number[], ...number[][]];
  const all = [u.slice(-(b as number[]).length), triangles.slice(0, -1), diagonal, diagonalTilde];
  return all.every((shape) => `${shape}` === `${b}`) ? runRecorded(SYLVESTER, inputs, attributes) : undefined;
};

export function registerSylvesterGradient(): void {
  registerFusedGradient({
    name: SYLVESTER,
    outputs: 2,
    needsOutputs: () => false,
    gradients: (dys, inputs, [s]) => runKernel(SYLVESTER_GRADIENT, [...inputs, s as Tensor, ...dys]),
  });
}
