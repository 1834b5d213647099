import type { CpuKernels } from '../cpu/cpu.js';
import { NORM } from './norm.js';

export const normKernels: CpuKernels = {
  [NORM]: (cpu, tensors) => {
    let sum = 0;
    for (const tensor of tensors) {
      for (const value of cpu.values(tensor)) {
        sum += value * value;
      }
    }
    return [cpu.output([], Float32Array.of(Math.sqrt(sum)))];
  },
};
