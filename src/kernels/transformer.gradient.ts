import type { Tensor } from '@tensorflow/tfjs-core';
import { registerFusedGradient, runKernel } from './fusedGradient.js';

/** What the kernel of a transformer is told, beside its own settings. Inputs are x [...s] and parameters [...s, P]. */
export interface TransformerAttributes {
  readonly inverse: boolean;
  /** The same, of TensorFlow.js's ops. */
  composed(x: Tensor, parameters: Tensor): readonly Tensor[];
}

/** The kernel of the gradients of one: inputs x, parameters, y, log-derivative, and the gradients in those two. */
export const gradientOf = (name: string): string => `${name}Gradient`;

/** Registers the gradient of a transformer's kernel, another kernel. */
export function registerTransformerGradient(name: string): void {
  registerFusedGradient<TransformerAttributes>({
    name,
    outputs: 2,
    composed: ([x, parameters], { composed }) => composed(x as Tensor, parameters as Tensor),
    gradients: (dys, inputs, outputs, attributes) => runKernel(gradientOf(name), [...inputs, ...outputs, ...dys], attributes),
  });
}
