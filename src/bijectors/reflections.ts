import type { Tensor } from '@tensorflow/tfjs-core';
import { div, expandDims, maximum, mul, reshape, square, sub, sum, zeros } from '@tensorflow/tfjs-core';
import type { Bijector } from '../core/bijector.js';
import { defineBijector } from '../core/bijector.js';
import { batchShapeOf } from '../core/shapes.js';
import { take } from '../kernels/take/take.js';
import type { ParameterSource } from './amortised.js';

/** The product of the reflections at the vectors [..., K, D], the first one first in `forward`. */
export function reflections(
  name: string,
  source: ParameterSource<'vectors'>,
  dim: number,
  contextDim: number | undefined,
): Bijector {
  const logDet = (x: Tensor): Tensor => zeros(batchShapeOf(x, 1));
  return defineBijector({
    name,
    forwardEvent: [dim],
    contextDim,
    parameters: source.parameters,
    forwardAndLogDet: (x, call) => [reflected(x, source.at(call).vectors), logDet(x)],
    inverseAndLogDet: (y, call) => [reflected(y, source.at(call).vectors, 'backwards'), logDet(y)],
  });
}

/** x [..., D] reflected at the vectors [..., K, D], the first one first, or the last. */
export function reflected(x: Tensor, vectors: Tensor, order: 'forwards' | 'backwards' = 'forwards'): Tensor {
  const [count, dim] = vectors.shape.slice(-2) as [number, number];
  const shape = [...vectors.shape.slice(0, -2), dim];
  const places = Array.from({ length: count }, (_, k) => (order === 'forwards' ? k : count - 1 - k));
  return places.reduce((value, k) => reflect(value, reshape(take(vectors, [k], -2), shape)), x);
}

/** x - 2 v (v . x) / |v|^2 */
function reflect(x: Tensor, v: Tensor): Tensor {
  const along = div(sum(mul(x, v), -1), maximum(sum(square(v), -1), SHORTEST));
  return sub(x, mul(mul(expandDims(along, -1), v), 2));
}

/** |v|^2 of a vector that reflects nothing. */
const SHORTEST = 1e-12;
