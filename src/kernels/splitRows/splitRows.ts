import type { Tensor } from '@tensorflow/tfjs-core';
import { split } from '@tensorflow/tfjs-core';

/**
 * Pieces of x along its first axis, of the given sizes.
 *
 * The gradients of tfjs's own `split` and `unstack` fail where there is one piece only.
 */
export function splitRows(x: Tensor, sizes: readonly number[]): Tensor[] {
  return sizes.length === 1 ? [x] : split(x, [...sizes], 0);
}
