import type { Tensor } from '@tensorflow/tfjs-core';
import { tensor } from '@tensorflow/tfjs-core';
import type { StoredTensor } from '../io/format.js';

/** What `readTensors` stored, back on the device. */
export function toTensor({ dtype, shape, data }: StoredTensor): Tensor {
  return tensor(data as Float32Array, [...shape], dtype === 'F32' ? 'float32' : dtype === 'I32' ? 'int32' : 'bool');
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i]);
}
