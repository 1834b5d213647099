import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { CpuKernels } from '../cpu/cpu.js';
import type { AdamSettings } from './adam.js';
import { ADAM } from './adam.js';

/** Moments are overwritten. */
export const adamKernels: CpuKernels = {
  [ADAM]: (cpu, inputs, attributes) => {
    const { beta1, beta2, rate, scale, floor, keep } = attributes as AdamSettings;
    const count = inputs.length / 4;
    return inputs.slice(0, count).map(({ shape }, k) => {
      const [theta, gradient, m, v] = [0, 1, 2, 3].map((part) => cpu.values(inputs[part * count + k] as TensorInfo)) as [
        Float32Array,
        Float32Array,
        Float32Array,
        Float32Array,
      ];
      const result = new Float32Array(theta.length);
      for (let i = 0; i < result.length; i++) {
        const g = gradient[i] as number;
        m[i] = beta1 * (m[i] as number) + (1 - beta1) * g;
        v[i] = beta2 * (v[i] as number) + (1 - beta2) * g * g;
        result[i] = keep * (theta[i] as number) - (rate * (m[i] as number)) / (scale * Math.sqrt(v[i] as number) + floor);
      }
      return cpu.output(shape, result);
    });
  },
};
