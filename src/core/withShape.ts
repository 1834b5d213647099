import type { Tensor } from '@tensorflow/tfjs-core';
import { reshape } from '@tensorflow/tfjs-core';

/** x in another shape; x itself where it has that shape: a reshape that changes nothing costs as much as any op. */
export function withShape(x: Tensor, shape: readonly number[]): Tensor {
  return `${x.shape}` === `${shape}` ? x : reshape(x, [...shape]);
}
