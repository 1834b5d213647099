import { registerFusedGradient, runKernel } from './fusedGradient.js';

/** What the kernel of a transformer is told, beside its own settings. Inputs are x [...s] and parameters, usually one tensor [...s, P]. */
export interface TransformerAttributes {
  readonly inverse: boolean;
}

/** The kernel of the gradients of one: inputs x, parameters, the outputs y and log-derivative if needed, and the gradients in those two. */
export const gradientOf = (name: string): string => `${name}Gradient`;

/** Registers the gradient of a transformer's kernel, another kernel, which looks at the outputs of the former where it says so. */
export function registerTransformerGradient(
  name: string,
  needsOutputs: (attributes: TransformerAttributes) => boolean = () => true,
): void {
  registerFusedGradient<TransformerAttributes>({
    name,
    outputs: 2,
    needsOutputs,
    gradients: (dys, inputs, outputs, attributes) => runKernel(gradientOf(name), [...inputs, ...outputs, ...dys], attributes),
  });
}
