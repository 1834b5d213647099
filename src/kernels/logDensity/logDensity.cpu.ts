import type { TensorInfo } from '@tensorflow/tfjs-core';
import { sizeOf } from '../../core/shapes.js';
import type { Cpu, CpuKernels } from '../cpu/cpu.js';
import { numbers } from '../cpu/numbers.js';
import type { LogDensityGradientAttributes } from './logDensity.gradient.js';
import { LOG_DENSITY_GRADIENT } from './logDensity.gradient.js';
import type { LogDensityAttributes } from './logDensity.js';
import { DENSITY_KINDS, LOG_DENSITY } from './logDensity.js';
import { term, termSlope, termSlopeOfB } from './math.js';

/** `math.ts` over the elements of events. */
export const logDensityKernels: CpuKernels = {
  [LOG_DENSITY]: (cpu, inputs, attributes) => {
    const { kind, rank, constant } = attributes as LogDensityAttributes;
    const { batch, size, at } = elementsOf(cpu, inputs, rank);
    const sums = new Float32Array(sizeOf(batch));
    for (let row = 0; row < sums.length; row++) {
      let sum = constant;
      for (let i = row * size; i < (row + 1) * size; i++) {
        sum += term(numbers.lanes, at(0, i), at(1, i), DENSITY_KINDS.indexOf(kind));
      }
      sums[row] = sum;
    }
    return [cpu.output(batch, sums)];
  },
  [LOG_DENSITY_GRADIENT]: (cpu, inputs, attributes) => {
    const { kind, rank, wanted } = attributes as LogDensityGradientAttributes;
    const { size, at } = elementsOf(cpu, inputs.slice(0, -1), rank);
    const outer = cpu.values(inputs.at(-1) as TensorInfo);
    const slope = wanted === 0 ? termSlope : termSlopeOfB;
    const gradient = Float32Array.from(
      { length: outer.length * size },
      (_, i) => (outer[Math.floor(i / size)] as number) * slope(numbers.lanes, at(0, i), at(1, i), DENSITY_KINDS.indexOf(kind)),
    );
    return [cpu.output((inputs[0] as TensorInfo).shape, gradient)];
  },
};

/** Element i of each input, 0 where there is no second one. */
function elementsOf(cpu: Cpu, inputs: readonly TensorInfo[], rank: number) {
  const { shape } = inputs[0] as TensorInfo;
  const batch = shape.slice(0, shape.length - rank);
  const values = inputs.map(cpu.values);
  return { batch, size: sizeOf(shape) / sizeOf(batch), at: (input: number, i: number): number => values[input]?.[i] ?? 0 };
}
