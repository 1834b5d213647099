import type { GradSaveFunc, Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import { argMax, cast, customGrad, equal, expandDims, gather, range } from '@tensorflow/tfjs-core';

/**
 * The entries of x along an axis in another order, which is known to the device alone: entry i is entry `indices[i]` of x.
 *
 * The gradient is the inverse rearrangement; that of tfjs's `gather` lacks a kernel on WASM. Any number of derivatives may be
 * taken.
 *
 * @param x float32 of up to four axes
 * @param indices int32, a permutation
 * @param inverse int32, the inverse permutation
 */
export function rearrange(x: Tensor, indices: Tensor, inverse: Tensor, axis: number): Tensor {
  return customGrad((value, save) => {
    (save as GradSaveFunc)([indices, inverse]);
    return {
      value: gather(value as Tensor, indices as Tensor1D, axis),
      gradFunc: (dy: Tensor, [there, back]: Tensor[]) => rearrange(dy, back as Tensor, there as Tensor, axis),
    };
  })(x);
}

/** The inverse of a permutation, int32 [D], on the device. */
export function inversePermutation(indices: Tensor): Tensor {
  const places = range(0, indices.size, 1, 'int32');
  return argMax(cast(equal(indices, expandDims(places, 1)), 'float32'), 1);
}
