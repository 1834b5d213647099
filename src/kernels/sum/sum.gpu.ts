import type { TensorInfo } from '@tensorflow/tfjs-core';
import { SUM } from '../../core/addAll.js';
import type { GpuKernels } from '../gpu/gpu.js';

export const sumKernels: GpuKernels = {
  [SUM]: (gpu, terms) => {
    const { shape } = terms[0] as TensorInfo;
    const run = (some: readonly TensorInfo[]): TensorInfo =>
      gpu.run(`sum ${some.length}`, some, shape, ({ lanes: o, read }) => some.map((_, i) => read(i, 'index')).reduce(o.add));
    // As many at a time as a program can read, what was added up before among them.
    let sum = run(terms.slice(0, gpu.inputs));
    for (let i = gpu.inputs; i < terms.length; i += gpu.inputs - 1) {
      const before = sum;
      sum = run([before, ...terms.slice(i, i + gpu.inputs - 1)]);
      gpu.free(before);
    }
    return [sum];
  },
};
