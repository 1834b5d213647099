import type { TensorInfo } from '@tensorflow/tfjs-core';
import { sizeOf } from '../../core/shapes.js';
import type { WasmKernels } from '../wasm/register.js';
import type { AdamSettings } from './adam.js';
import { ADAM } from './adam.js';
import { NORM } from './norm.js';

export const adamKernels: WasmKernels = {
  [ADAM]: (instance, inputs, attributes) => {
    const { beta1, beta2, rate, scale, floor, keep } = attributes as AdamSettings;
    const count = inputs.length / 4;
    inputs.slice(0, count).forEach(({ shape }, i) => {
      const addresses = [0, 1, 2, 3].map((part) => instance.address(inputs[part * count + i] as TensorInfo));
      instance.exports.adamStep(...addresses, sizeOf(shape), beta1, beta2, rate, scale, floor, keep);
    });
    return [];
  },
  [NORM]: (instance, inputs) => {
    const total = inputs.reduce(
      (sum, tensor) => sum + instance.exports.squaredNorm(instance.address(tensor), sizeOf(tensor.shape)),
      0,
    );
    return [instance.scalar(Math.sqrt(total))];
  },
};
