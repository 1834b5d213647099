import type { Tensor } from '@tensorflow/tfjs-core';
import { registerFusedGradient, runKernel } from '../fusedGradient.js';
import type { SylvesterAttributes } from './sylvester.js';
import { SYLVESTER } from './sylvester.js';

/** Gradients in all inputs. Its own are these, the arguments of tanh, which the kernel puts out where it is recorded, and the gradients. */
export const SYLVESTER_GRADIENT = 'FlowsSylvesterGradient';

export function registerSylvesterGradient(): void {
  registerFusedGradient<SylvesterAttributes>({
    name: SYLVESTER,
    outputs: 2,
    needsOutputs: () => false,
    composed: (inputs, { composed }) => composed(...(inputs as [Tensor, Tensor, Tensor, Tensor, Tensor])),
    gradients: (dys, inputs, [s]) => runKernel(SYLVESTER_GRADIENT, [...inputs, s as Tensor, ...dys]),
  });
}
