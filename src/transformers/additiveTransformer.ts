import type { Tensor } from '@tensorflow/tfjs-core';
import { add, reshape, sub, zerosLike } from '@tensorflow/tfjs-core';
import type { Transformer } from '../core/transformer.js';
import { defineTransformer } from '../core/transformer.js';

/**
 * Shift of each element: y = x + shift, from one parameter [shift]. The log-derivative is 0.
 *
 * Shapes: x and y [...s], parameters [...s, 1], log-derivative [...s]. Both directions parallel.
 *
 * @throws from its methods for wrong shapes.
 * Source: Dinh et al. 2014, "NICE: non-linear independent components estimation", section 3.2.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { additiveTransformer } from 'tfjs-flows';
 *
 * const [y] = additiveTransformer().forwardAndLogDerivative(tf.tensor1d([3]), tf.tensor2d([[1]]));
 * console.log(y.dataSync()[0]); // => 4
 * ```
 */
export function additiveTransformer(): Transformer {
  const shiftOf = (x: Tensor, parameters: Tensor): Tensor => reshape(parameters, x.shape);
  return defineTransformer({
    name: 'additiveTransformer',
    parameterSize: 1,
    forwardCost: 'parallel',
    inverseCost: 'parallel',
    forwardAndLogDerivative: (x, parameters) => [add(x, shiftOf(x, parameters)), zerosLike(x)],
    inverseAndLogDerivative: (y, parameters) => [sub(y, shiftOf(y, parameters)), zerosLike(y)],
  });
}
