import type { Tensor } from '@tensorflow/tfjs-core';

/** Whether all tensors are of the shape of the first. */
export const haveOneShape = (tensors: readonly Tensor[]): boolean =>
  tensors.every(({ shape }) => `${shape}` === `${(tensors[0] as Tensor).shape}`);
