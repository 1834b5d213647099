import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { WasmKernels } from '../wasm/register.js';
import type { NormalLogSumsAttributes } from './normalLogSums.js';
import { NORMAL_LOG_SUMS } from './normalLogSums.js';

export const normalLogSumsKernels: WasmKernels = {
  [NORMAL_LOG_SUMS]: (instance, inputs, attributes) => {
    const [points, , , atMean] = inputs as [TensorInfo, TensorInfo, TensorInfo, TensorInfo];
    const { skipped } = attributes as NormalLogSumsAttributes;
    const [rows, dim] = points.shape as [number, number];
    const result = instance.output([rows, 2]);
    const own = instance.exports.logSumsScratch();
    const scratch = instance.scratch(own + 4 * rows);
    const [at, ...normals] = inputs.map(instance.address) as [number, ...number[]];
    const list = instance.integersAt(scratch + own, skipped);
    const count = atMean.shape[0] as number;
    instance.exports.normalLogSums(at, rows, dim, count, ...normals, list, instance.address(result), scratch);
    return [result];
  },
};
