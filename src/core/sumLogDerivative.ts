import type { Tensor } from '@tensorflow/tfjs-core';
import { add, mul, zeros } from '@tensorflow/tfjs-core';
import { batchShapeOf, sizeOf, sumTrailing } from './shapes.js';

/**
 * The log-det, [...batch], of an elementwise map of x whose log-derivative is given as a tensor that broadcasts to x: each
 * number is summed as often as it is used, without spreading it out.
 */
export function sumLogDerivative(logDerivative: Tensor, x: Tensor, eventRank: number): Tensor {
  const rank = Math.min(eventRank, logDerivative.shape.length);
  const eventSize = sizeOf(x.shape.slice(x.shape.length - eventRank));
  const given = sizeOf(logDerivative.shape.slice(logDerivative.shape.length - rank));
  const batch = batchShapeOf(x, eventRank);
  const total = mul(sumTrailing(logDerivative, rank), eventSize / given);
  return total.shape.length === batch.length && total.shape.every((size, i) => size === batch[i])
    ? total
    : add(total, zeros(batch));
}
