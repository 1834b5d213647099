import type { Tensor } from '@tensorflow/tfjs-core';
import { reshape } from '@tensorflow/tfjs-core';
import { fused } from './fused.js';

/** x in another shape; x itself where it has that shape: a reshape that changes nothing costs as much as any op. */
export function withShape(x: Tensor, shape: readonly number[]): Tensor {
  return `${x.shape}` === `${shape}` ? x : fused(RESHAPE, [x], (y) => [reshape(y, [...shape])], { shape })[0];
}

/** The kernel for backends where numbers lie in order whatever the shape. Its gradient keeps nothing. */
export const RESHAPE = 'FlowsReshape';
