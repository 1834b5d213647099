import type { Tensor } from '@tensorflow/tfjs-core';
import type { FusedKernel } from '../../core/fused.js';
import { registerFusedGradient, runKernel, runRecorded } from '../fusedGradient.js';
import { haveOneShape } from '../haveOneShape.js';
import type { LogDensityAttributes } from './logDensity.js';
import { LOG_DENSITY } from './logDensity.js';

/** The gradient in one of the inputs. These are the kernel's own, the value first, and then the gradient in the sums. */
export const LOG_DENSITY_GRADIENT = 'FlowsLogDensityGradient';

/** What it is told. */
export interface LogDensityGradientAttributes extends LogDensityAttributes {
  /** The number of the input. */
  readonly wanted: number;
}

/** How the kernel is called: it does not broadcast. */
export const logDensityOf: FusedKernel['call'] = (inputs, attributes) =>
  (attributes as Partial<LogDensityAttributes>).kind && haveOneShape(inputs)
    ? runRecorded(LOG_DENSITY, inputs, attributes)
    : undefined;

export function registerLogDensityGradient(): void {
  registerFusedGradient<LogDensityAttributes>({
    name: LOG_DENSITY,
    outputs: 1,
    needsOutputs: () => false,
    gradients: ([dy], inputs, _, attributes) =>
      inputs.map((_, wanted) => () => {
        const given: LogDensityGradientAttributes = { ...attributes, wanted };
        return runKernel(LOG_DENSITY_GRADIENT, [...inputs, dy as Tensor], given)[0] as Tensor;
      }),
  });
}
