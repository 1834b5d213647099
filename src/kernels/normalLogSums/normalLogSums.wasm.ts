import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { WasmKernels } from '../wasm/register.js';
import type { NormalLogSumsAttributes } from './normalLogSums.js';
import { NORMAL_LOG_SUMS } from './normalLogSums.js';

/** For each element of a pair, about. */
const NANOSECONDS = 0.2;

export const normalLogSumsKernels: WasmKernels = {
  [NORMAL_LOG_SUMS]: (instance, inputs, attributes) => {
    const [points, , , atMean] = inputs as [TensorInfo, TensorInfo, TensorInfo, TensorInfo];
    const { skipped } = attributes as NormalLogSumsAttributes;
    const [rows, dim] = points.shape as [number, number];
    const result = instance.output([rows, 2]);
    const own = instance.exports.logSumsScratch();
    const [at, ...normals] = inputs.map(instance.address) as [number, ...number[]];
    const count = atMean.shape[0] as number;
    instance.overRows('normalLogSums', {
      rows,
      nanoseconds: count * dim * NANOSECONDS,
      bytes: own + 4 * rows,
      numbers: (first, some, scratch) => {
        const list = instance.integersAt(scratch + own, skipped.slice(first, first + some));
        return [at + 4 * dim * first, some, dim, count, ...normals, list, instance.address(result) + 8 * first, scratch];
      },
    });
    return [result];
  },
};
