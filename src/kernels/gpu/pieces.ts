import type { TensorInfo } from '@tensorflow/tfjs-core';
import { sizeOf } from '../../core/shapes.js';
import type { Gpu } from './gpu.js';

/** The elements of some tensors, those of one after those of the other, as one tensor. */
export function joined(gpu: Gpu, tensors: readonly TensorInfo[]): TensorInfo {
  if (tensors.length > gpu.inputs) {
    const parts: TensorInfo[] = [];
    for (let i = 0; i < tensors.length; i += gpu.inputs) {
      parts.push(joined(gpu, tensors.slice(i, i + gpu.inputs)));
    }
    const all = joined(gpu, parts);
    parts.forEach(gpu.free);
    return all;
  }
  const ends = endsOf(tensors.map(({ shape }) => shape));
  return gpu.run(`joined ${ends}`, tensors, [ends.at(-1) as number], ({ choose, read }) => {
    const from = (i: number): string => {
      const own = (): string => read(i, i === 0 ? 'index' : `index - ${ends[i - 1]}`);
      return i === tensors.length - 1 ? own() : choose(`index < ${ends[i]}`, own, () => from(i + 1));
    };
    return from(0);
  });
}

/** The elements of one tensor as some of these shapes. */
export function separated(gpu: Gpu, tensor: TensorInfo, shapes: readonly (readonly number[])[]): TensorInfo[] {
  const ends = endsOf(shapes);
  return gpu.runAll(`separated ${ends}`, [tensor], shapes, ({ read }, i) =>
    read(0, i === 0 ? 'index' : `index + ${ends[i - 1]}`),
  );
}

function endsOf(shapes: readonly (readonly number[])[]): number[] {
  let end = 0;
  return shapes.map((shape) => {
    end += sizeOf(shape);
    return end;
  });
}
