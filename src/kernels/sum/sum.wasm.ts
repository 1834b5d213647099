import type { TensorInfo } from '@tensorflow/tfjs-core';
import { SUM } from '../../core/addAll.js';
import { sizeOf } from '../../core/shapes.js';
import type { WasmKernels } from '../wasm/register.js';

export const sumKernels: WasmKernels = {
  [SUM]: (instance, [first, ...others]) => {
    const { shape } = first as TensorInfo;
    const result = instance.output(shape);
    const [at, size] = [instance.address(result), sizeOf(shape)];
    let sum = instance.address(first as TensorInfo);
    for (const term of others) {
      instance.exports.add(sum, instance.address(term), at, size);
      sum = at;
    }
    return [result];
  },
};
