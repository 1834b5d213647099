import type { Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import type { FusedAttributes } from '../../core/fused.js';
import { sizeOf } from '../../core/shapes.js';
import type { GpuKernels } from '../gpu/gpu.js';
import type { LogDensityGradientAttributes } from './logDensity.gradient.js';
import { LOG_DENSITY_GRADIENT } from './logDensity.gradient.js';
import type { LogDensityAttributes } from './logDensity.js';
import { DENSITY_KINDS, LOG_DENSITY } from './logDensity.js';
import { term, termSlope, termSlopeOfB } from './math.js';

/** A thread adds up an event, so one of more elements than this is left to the sums of TensorFlow.js. */
const LONGEST = 2 ** 12;

export const logDensityKernels: GpuKernels = {
  [LOG_DENSITY]: (gpu, inputs, attributes) => {
    const { kind, rank, constant, composed } = attributes as LogDensityAttributes & FusedAttributes;
    const { shape } = inputs[0] as TensorInfo;
    const size = sizeOf(shape.slice(shape.length - rank));
    if (size > LONGEST) {
      return [...composed(...(inputs as Tensor[]))];
    }
    const key = `log-density ${kind} ${inputs.length} ${size} ${constant}`;
    return [
      gpu.run(key, inputs, shape.slice(0, shape.length - rank), ({ lanes: o, integer, read, sum }) => {
        const total = sum(size, (i) => {
          const at = integer(`index * ${size} + ${i}`);
          const b = inputs.length === 1 ? o.constant(0) : read(1, at);
          return term(o, read(0, at), b, DENSITY_KINDS.indexOf(kind));
        });
        return o.add(total, o.constant(constant));
      }),
    ];
  },
  [LOG_DENSITY_GRADIENT]: (gpu, inputs, attributes) => {
    const { kind, rank, wanted } = attributes as LogDensityGradientAttributes;
    const { shape } = inputs[0] as TensorInfo;
    const size = sizeOf(shape.slice(shape.length - rank));
    const key = `log-density gradient ${kind} ${inputs.length} ${size} ${wanted}`;
    return [
      gpu.run(key, inputs, shape, ({ lanes: o, read }) => {
        const b = inputs.length === 2 ? o.constant(0) : read(1, 'index');
        const slope = (wanted === 0 ? termSlope : termSlopeOfB)(o, read(0, 'index'), b, DENSITY_KINDS.indexOf(kind));
        return o.mul(read(inputs.length - 1, `index / ${size}`), slope);
      }),
    ];
  },
};
