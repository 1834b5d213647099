import type { TensorInfo } from '@tensorflow/tfjs-core';
import { sizeOf } from '../../core/shapes.js';
import type { Instance } from '../wasm/instance.js';
import type { WasmKernels } from '../wasm/register.js';
import type { LogDensityGradientAttributes } from './logDensity.gradient.js';
import { LOG_DENSITY_GRADIENT } from './logDensity.gradient.js';
import type { LogDensityAttributes } from './logDensity.js';
import { DENSITY_KINDS, LOG_DENSITY } from './logDensity.js';

/** For each element, about. */
const NANOSECONDS = 2;

export const logDensityKernels: WasmKernels = {
  [LOG_DENSITY]: (instance, inputs, attributes) => {
    const { constant } = attributes as LogDensityAttributes;
    const { batch, given, sizes } = prepare(instance, inputs, attributes as LogDensityAttributes);
    const result = instance.output(batch);
    const [[rows, size, kind], to] = [sizes, instance.address(result)];
    instance.overRows('logDensity', {
      rows,
      nanoseconds: NANOSECONDS * size,
      numbers: (first, some) => [...given.map((at) => at && at + 4 * first * size), to + 4 * first, some, size, kind, constant],
    });
    return [result];
  },
  [LOG_DENSITY_GRADIENT]: (instance, inputs, attributes) => {
    const { wanted } = attributes as LogDensityGradientAttributes;
    const { given, sizes } = prepare(instance, inputs.slice(0, -1), attributes as LogDensityAttributes);
    const result = instance.output((inputs[0] as TensorInfo).shape);
    const outer = instance.address(inputs.at(-1) as TensorInfo);
    const [[rows, size, kind], to] = [sizes, instance.address(result)];
    instance.overRows('logDensityGradient', {
      rows,
      nanoseconds: NANOSECONDS * size,
      numbers: (first, some) => {
        const here = 4 * first * size;
        return [...given.map((at) => at && at + here), outer + 4 * first, to + here, some, size, kind, wanted];
      },
    });
    return [result];
  },
};

function prepare(instance: Instance, [x, b]: readonly TensorInfo[], { kind, rank }: LogDensityAttributes) {
  const { shape } = x as TensorInfo;
  const batch = shape.slice(0, shape.length - rank);
  const rows = sizeOf(batch);
  return {
    batch,
    given: [instance.address(x as TensorInfo), b === undefined ? 0 : instance.address(b)],
    sizes: [rows, sizeOf(shape) / rows, DENSITY_KINDS.indexOf(kind)] as const,
  };
}
