import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import { reshape, tensor1d, zeros } from '@tensorflow/tfjs-core';
import type { Bijector } from '../core/bijector.js';
import { defineBijector } from '../core/bijector.js';
import { checkInteger, checkOptions, invalid } from '../core/errors.js';
import { buffer } from '../core/module.js';
import { randomPermutation } from '../core/randomPermutation.js';
import type { Rng } from '../core/rng.js';
import { createRng } from '../core/rng.js';
import { batchShapeOf } from '../core/shapes.js';
import { rearrange } from '../kernels/rearrange/rearrange.js';

/** What `permutation` takes. */
export interface PermutationOptions {
  /** A rearrangement of 0 ... D - 1, or the D for which to draw one. */
  readonly order: readonly number[] | Int32Array | { readonly dim: number; readonly rng?: Rng };
}

/**
 * Rearranges the last axis: y[..., i] = x[..., order[i]]. log|det| = 0.
 *
 * The order and its inverse are the int32 buffers `order`[D] and `inverseOrder`[D], so that a drawn one is saved with the
 * weights and comes back with them.
 *
 * Shapes: x and y [...batch, D], log-det [...batch].
 *
 * @throws where `order` is no rearrangement, for an unknown option, and at a call for a wrong shape.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { permutation } from 'tfjs-flows';
 *
 * const turn = permutation({ order: [2, 0, 1] });
 * console.log(turn.forward(tf.tensor1d([10, 20, 30])).arraySync()); // => [ 30, 10, 20 ]
 * console.log(turn.inverse(tf.tensor1d([30, 10, 20])).arraySync()); // => [ 10, 20, 30 ]
 * ```
 */
export function permutation(options: PermutationOptions): Bijector {
  checkOptions('permutation', options, ['order']);
  const indices = readOrder(options.order);
  const inverse = new Int32Array(indices.length);
  indices.forEach((from, to) => {
    inverse[from] = to;
  });
  const order = buffer(() => tensor1d(indices, 'int32'));
  const inverseOrder = buffer(() => tensor1d(inverse, 'int32'));
  const logDet = (x: Tensor): Tensor => zeros(batchShapeOf(x, 1));
  return defineBijector({
    name: 'permutation',
    forwardEvent: [indices.length],
    buffers: { order, inverseOrder },
    forwardAndLogDet: (x) => [along(x, order, inverseOrder), logDet(x)],
    inverseAndLogDet: (y) => [along(y, inverseOrder, order), logDet(y)],
  });
}

/** By rows, whatever the rank. */
function along(x: Tensor, indices: Variable, inverse: Variable): Tensor {
  return reshape(rearrange(reshape(x, [-1, indices.size]), indices, inverse, 1), x.shape);
}

function readOrder(order: PermutationOptions['order']): Int32Array {
  if (Array.isArray(order) || ArrayBuffer.isView(order)) {
    const sorted = [...(order as readonly number[])].sort((a, b) => a - b);
    if (sorted.length === 0 || sorted.some((value, i) => value !== i)) {
      throw invalid('permutation', 'options.order', 'a rearrangement of 0 ... D - 1', order);
    }
    return Int32Array.from(order as readonly number[]);
  }
  if (typeof order !== 'object' || order === null) {
    throw invalid('permutation', 'options.order', 'a rearrangement of 0 ... D - 1, or { dim, rng }', order);
  }
  checkOptions('permutation', order, ['dim', 'rng']);
  const { dim, rng = createRng() } = order as { dim: number; rng?: Rng };
  checkInteger('permutation', 'options.order.dim', dim, 1);
  return randomPermutation(rng, dim);
}
