import type { TensorInfo } from '@tensorflow/tfjs-core';
import { sizeOf } from '../../core/shapes.js';
import type { GpuKernels } from '../gpu/gpu.js';
import { joined } from '../gpu/pieces.js';
import { NORM } from './norm.js';

/** So many threads share what is to be added up; one adds up their sums. */
const THREADS = 256;

export const normKernels: GpuKernels = {
  [NORM]: (gpu, tensors) => {
    const parts: TensorInfo[] = [];
    for (let first = 0; first < tensors.length; first += gpu.inputs) {
      const some = tensors.slice(first, first + gpu.inputs);
      const sizes = some.map(({ shape }) => sizeOf(shape));
      parts.push(
        gpu.run(`squares ${sizes}`, some, [THREADS], ({ lanes: o, choose, integer, read, sum }) =>
          sizes
            .map((size, i) =>
              sum(Math.ceil(size / THREADS), (k) => {
                const at = integer(`${k} * ${THREADS} + index`);
                const square = (): string => {
                  const value = read(i, at);
                  return o.mul(value, value);
                };
                return choose(`${at} < ${size}`, square, () => '0.0');
              }),
            )
            .reduce((total, each) => o.add(total, each)),
        ),
      );
    }
    const all = joined(gpu, parts);
    const count = parts.length * THREADS;
    const result = gpu.run(`norm ${count}`, [all], [], ({ lanes: o, read, sum }) => o.sqrt(sum(count, (i) => read(0, i))));
    [...parts, all].forEach(gpu.free);
    return [result];
  },
};
