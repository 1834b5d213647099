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
  const run = (x: Tensor, vectors: Tensor, order: (places: number[]) => number[]): Tensor => {
    const count = vectors.shape[vectors.rank - 2] as number;
    const shape = [...vectors.shape.slice(0, -2), dim];
    const places = order(Array.from({ length: count }, (_, k) => k));
    return places.reduce((value, k) => reflect(value, reshape(take(vectors, [k], -2), shape)), x);
  };
  return defineBijector({
    name,
    forwardEvent: [dim],
    contextDim,
    parameters: source.parameters,
    forwardAndLogDet: (x, call) => [run(x, source.at(call).vectors, (places) => places), logDet(x)],
    inverseAndLogDet: (y, call) => [run(y, source.at(call).vectors, (places) => places.reverse()), logDet(y)],
  });
}

/** x - 2 v (v . x) / |v|^2 */
function reflect(x: Tensor, v: Tensor): Tensor {
  const along = div(sum(mul(x, v), -1), maximum(sum(square(v), -1), SHORTEST));
  return sub(x, mul(mul(expandDims(along, -1), v), 2));
}

/** |v|^2 of a vector that reflects nothing. */
const SHORTEST = 1e-12;
