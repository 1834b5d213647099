import type { Tensor } from '@tensorflow/tfjs-core';
import { concat, customGrad, gather, reshape, slice, tensor1d, zeros } from '@tensorflow/tfjs-core';
import { invalid } from '../../core/errors.js';
import { fused } from '../../core/fused.js';
import { sizeOf } from '../../core/shapes.js';

/**
 * The entries at `indices` along an axis, each at most once: a subset, a permutation, or both.
 *
 * The gradient puts them back by another gather. That of tfjs's own `gather` adds up with UnsortedSegmentSum, which WASM does
 * not have. Entries that lie in a row are sliced. Any number of derivatives may be taken.
 *
 * @param x any float32 tensor of rank 1 or more
 * @param axis default the last
 * @throws where an index is out of range or comes twice.
 */
export function take(x: Tensor, indices: readonly number[], axis = -1): Tensor {
  const at = axis < 0 ? axis + x.shape.length : axis;
  const size = x.shape[at] as number;
  checkIndices(indices, size);
  const outer = x.shape.slice(0, at);
  const inner = x.shape.slice(at + 1);
  const shape = [...outer, indices.length, ...inner];
  // Three axes whatever the rank: some backends slice and gather no further than four.
  const composed = (tensor: Tensor): Tensor =>
    reshape(pick(reshape(tensor, [sizeOf(outer), size, sizeOf(inner)]), indices), shape);
  const attributes: TakeAttributes = { size, inner: sizeOf(inner), indices, shape };
  return fused(TAKE, [x], (tensor) => [composed(tensor)], attributes)[0];
}

/** The name of the fused kernel. */
export const TAKE = 'FlowsTake';

/** What it is told of x [outer, size, inner], of which it takes `indices` along the middle axis; a 0 where an index is -1. */
export interface TakeAttributes {
  readonly size: number;
  readonly inner: number;
  readonly indices: readonly number[];
  /** Of the result. */
  readonly shape: readonly number[];
}

/** [outer, size, inner] -> [outer, indices, inner]. */
function pick(x: Tensor, indices: readonly number[]): Tensor {
  const size = x.shape[1] as number;
  const first = indices[0] ?? 0;
  return customGrad((input) => {
    const value = indices.every((index, i) => index === first + i)
      ? slice(input as Tensor, [0, first, 0], [-1, indices.length, -1])
      : gather(input as Tensor, tensor1d([...indices], 'int32'), 1);
    return { value, gradFunc: (dy: Tensor) => put(dy, indices, size) };
  })(x);
}

/** The transpose of `pick`: entry i goes to `indices[i]` of `size` places, 0 to the others. */
function put(x: Tensor, indices: readonly number[], size: number): Tensor {
  return customGrad((input) => {
    const y = input as Tensor;
    const [outer, count, inner] = y.shape as [number, number, number];
    const places = Array.from({ length: size }, () => count);
    indices.forEach((index, i) => {
      places[index] = i;
    });
    const padded = count === size ? y : concat([y, zeros([outer, 1, inner])], 1);
    return {
      value: gather(padded, tensor1d(places, 'int32'), 1),
      gradFunc: (dy: Tensor) => pick(dy, indices),
    };
  })(x);
}

function checkIndices(indices: readonly number[], size: number): void {
  const known = (index: number): boolean => Number.isInteger(index) && index >= 0 && index < size;
  if (indices.length === 0 || !indices.every(known) || new Set(indices).size !== indices.length) {
    throw invalid('take', 'indices', `distinct integers from 0 to ${size - 1}, one at least`, indices);
  }
}
