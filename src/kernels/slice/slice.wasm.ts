import type { Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { slice_util, util } from '@tensorflow/tfjs-core';
import { sizeOf } from '../../core/shapes.js';
import type { WasmOverrides } from '../wasm/register.js';

/** TensorFlow.js's own copies the whole tensor first: all data for each batch. */
export const sliceOverrides: WasmOverrides = {
  Slice: (original) => (instance, call) => {
    const { x } = call.inputs as { x: TensorInfo };
    if (x.dtype !== 'float32' || x.shape.length === 0) {
      return original(call);
    }
    const attributes = call.attrs as unknown as { begin: number | number[]; size: number | number[] };
    const [begin, size] = slice_util.parseSliceParams(x as Tensor, attributes.begin, attributes.size) as [number[], number[]];
    const result = instance.output(size);
    // From the last axis that is cut on, what is taken lies in one piece.
    const last = Math.max(
      0,
      x.shape.findLastIndex((length, axis) => length !== size[axis]),
    );
    const piece = sizeOf(size.slice(last));
    const strides = [...util.computeStrides(x.shape), 1];
    const [from, to] = [instance.address(x), instance.address(result)];
    const pieces = piece === 0 ? 0 : sizeOf(size) / piece;
    const at = [...begin];
    for (let i = 0; i < pieces; i++) {
      const offset = at.reduce((sum, index, axis) => sum + index * (strides[axis] as number), 0);
      instance.exports.copy(from + BYTES * offset, to + BYTES * piece * i, piece);
      step(at, begin, size, last - 1);
    }
    return result;
  },
};

const BYTES = 4;

/** The next index, of which the given axis and those before it count up. */
function step(at: number[], begin: readonly number[], size: readonly number[], axis: number): void {
  if (axis < 0) {
    return;
  }
  (at[axis] as number) += 1;
  if (at[axis] === (begin[axis] as number) + (size[axis] as number)) {
    at[axis] = begin[axis] as number;
    step(at, begin, size, axis - 1);
  }
}
