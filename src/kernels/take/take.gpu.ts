import type { TensorInfo } from '@tensorflow/tfjs-core';
import { sizeOf } from '../../core/shapes.js';
import type { GpuKernels } from '../gpu/gpu.js';
import type { JoinAttributes } from './join.js';
import { JOIN } from './join.js';
import type { TakeAttributes } from './take.js';
import { TAKE } from './take.js';

export const takeKernels: GpuKernels = {
  [TAKE]: (gpu, inputs, attributes) => {
    const { size, inner, indices, shape } = attributes as TakeAttributes;
    const first = indices[0] as number;
    const isRun = indices.every((index, i) => index === first + i);
    const key = `take ${size} ${inner} ${indices}`;
    return [
      gpu.run(key, inputs, shape, (shader) => {
        const i = shader.integer(`index % ${inner}`);
        const j = shader.integer(`(index / ${inner}) % ${indices.length}`);
        const outer = shader.integer(`index / ${inner * indices.length}`);
        const from = isRun ? shader.integer(`${j} + ${first}`) : shader.lookUp(indices, j);
        const read = (): string => shader.read(0, `(${outer} * ${size} + ${from}) * ${inner} + ${i}`);
        return indices.includes(-1) ? shader.choose(`${from} >= 0`, read, () => '0.0') : read();
      }),
    ];
  },
  [JOIN]: (gpu, parts, attributes) => {
    const { places } = attributes as JoinAttributes;
    const all = places.flat();
    const width = all.length;
    const rows = sizeOf((parts[0] as TensorInfo).shape) / (places[0] as readonly number[]).length;
    return [
      gpu.run(`join ${places.map(String).join(' ')}`, parts, [rows, width], (shader) => {
        const column = shader.integer(`index % ${width}`);
        const row = shader.integer(`index / ${width}`);
        // Which part a column is of, and where there.
        const from = shader.lookUp(
          Array.from({ length: width }, (_, d) => places.findIndex((part) => part.includes(d))),
          column,
        );
        const at = shader.lookUp(
          Array.from({ length: width }, (_, d) => (places.find((part) => part.includes(d)) as readonly number[]).indexOf(d)),
          column,
        );
        const readOf = (part: number): string =>
          shader.read(part, `${row} * ${(places[part] as readonly number[]).length} + ${at}`);
        const choose = (part: number): string =>
          part === places.length - 1
            ? readOf(part)
            : shader.choose(
                `${from} == ${part}`,
                () => readOf(part),
                () => choose(part + 1),
              );
        return choose(0);
      }),
    ];
  },
};
