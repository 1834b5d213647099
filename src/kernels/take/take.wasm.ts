import type { TensorInfo } from '@tensorflow/tfjs-core';
import { sizeOf } from '../../core/shapes.js';
import type { WasmKernels } from '../wasm/register.js';
import type { JoinAttributes } from './join.js';
import { JOIN } from './join.js';
import type { TakeAttributes } from './take.js';
import { TAKE } from './take.js';

export const takeKernels: WasmKernels = {
  [TAKE]: (instance, inputs, attributes) => {
    const [x] = inputs as [TensorInfo];
    const { size, inner, indices, shape } = attributes as TakeAttributes;
    const result = instance.output(shape);
    const list = instance.integers(indices);
    const outer = sizeOf(x.shape) / (size * inner);
    instance.exports.take(instance.address(x), instance.address(result), outer, size, inner, list, indices.length);
    return [result];
  },
  [JOIN]: (instance, parts, attributes) => {
    const { places } = attributes as JoinAttributes;
    const rows = (parts[0] as TensorInfo).shape[0] as number;
    const width = places.flat().length;
    const result = instance.output([rows, width]);
    parts.forEach((part, i) => {
      const list = instance.integers(places[i] as readonly number[]);
      instance.exports.put(instance.address(part), instance.address(result), rows, width, list, part.shape[1] as number);
    });
    return [result];
  },
};
