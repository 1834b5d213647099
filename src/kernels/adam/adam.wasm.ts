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
    return inputs.slice(0, count).map((parameter, i) => {
      const result = instance.output(parameter.shape);
      const [theta, gradient, m, v] = [0, 1, 2, 3].map((part) => instance.address(inputs[part * count + i] as TensorInfo));
      const addresses = [theta, instance.address(result), gradient, m, v] as number[];
      instance.overRows('adamStep', {
        rows: sizeOf(parameter.shape),
        nanoseconds: 1,
        numbers: (first, size) => [...addresses.map((at) => at + 4 * first), size, beta1, beta2, rate, scale, floor, keep],
      });
      return result;
    });
  },
  [NORM]: (instance, inputs) => {
    const total = inputs.reduce(
      (sum, tensor) => sum + instance.exports.squaredNorm(instance.address(tensor), sizeOf(tensor.shape)),
      0,
    );
    return [instance.scalar(Math.sqrt(total))];
  },
};
