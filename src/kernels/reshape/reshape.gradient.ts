import type { Tensor } from '@tensorflow/tfjs-core';
import { RESHAPE } from '../../core/withShape.js';
import { registerFusedGradient, runKernel } from '../fusedGradient.js';

export function registerReshapeGradient(): void {
  registerFusedGradient<{ readonly shape: readonly number[] }>({
    name: RESHAPE,
    outputs: 1,
    needsOutputs: () => false,
    needsInput: () => false,
    gradients: ([dy], [x]) => runKernel(RESHAPE, [dy as Tensor], { shape: (x as Tensor).shape }),
  });
}
