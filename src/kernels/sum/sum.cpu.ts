import type { TensorInfo } from '@tensorflow/tfjs-core';
import { SUM } from '../../core/addAll.js';
import type { CpuKernels } from '../cpu/cpu.js';

export const sumKernels: CpuKernels = {
  [SUM]: (cpu, [first, ...others]) => {
    const sum = cpu.values(first as TensorInfo).slice();
    for (const term of others) {
      const values = cpu.values(term);
      for (let i = 0; i < sum.length; i++) {
        sum[i] = (sum[i] as number) + (values[i] as number);
      }
    }
    return [cpu.output((first as TensorInfo).shape, sum)];
  },
};
