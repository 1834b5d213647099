import type { TensorInfo } from '@tensorflow/tfjs-core';
import { sizeOf } from '../../core/shapes.js';
import type { CpuKernels } from '../cpu/cpu.js';
import type { JoinAttributes } from './join.js';
import { JOIN } from './join.js';
import type { TakeAttributes } from './take.js';
import { TAKE } from './take.js';

export const takeKernels: CpuKernels = {
  [TAKE]: (cpu, [x], attributes) => {
    const { size, inner, indices, shape } = attributes as TakeAttributes;
    const values = cpu.values(x as TensorInfo);
    const result = new Float32Array(sizeOf(shape));
    for (let from = 0, to = 0; from < values.length; from += size * inner) {
      for (const index of indices) {
        for (let i = 0; index >= 0 && i < inner; i++) {
          result[to + i] = values[from + index * inner + i] as number;
        }
        to += inner;
      }
    }
    return [cpu.output(shape, result)];
  },
  [JOIN]: (cpu, parts, attributes) => {
    const { places } = attributes as JoinAttributes;
    const rows = (parts[0] as TensorInfo).shape[0] as number;
    const width = places.flat().length;
    const result = new Float32Array(rows * width);
    parts.forEach((part, i) => {
      const values = cpu.values(part);
      const columns = places[i] as readonly number[];
      for (let row = 0, from = 0; row < rows; row++) {
        for (const column of columns) {
          result[row * width + column] = values[from] as number;
          from += 1;
        }
      }
    });
    return [cpu.output([rows, width], result)];
  },
};
