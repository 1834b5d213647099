import type { Tensor } from '@tensorflow/tfjs-core';
import { reshape, split, tidy } from '@tensorflow/tfjs-core';
import type { Cost } from './bijector.js';
import { invalid } from './errors.js';
import { fused } from './fused.js';
import { checkEvent } from './shapes.js';

/**
 * A monotone scalar map, element by element, whose parameters come from elsewhere, usually from a conditioner.
 *
 * With x of shape [...s] and parameters of shape [...s, P], both methods return tensors of shape [...s]: the value, and the
 * logarithm of the derivative of the map that was run.
 */
export interface Transformer {
  readonly name: string;
  /** P: how many numbers one element takes. All zero means the identity, unless the transformer says otherwise. */
  readonly parameterSize: number;
  readonly forwardCost: Cost;
  readonly inverseCost: Cost;
  /** y and log|dy/dx|, element by element. */
  forwardAndLogDerivative(x: Tensor, parameters: Tensor): [y: Tensor, logDerivative: Tensor];
  /** x and log|dx/dy|, element by element. */
  inverseAndLogDerivative(y: Tensor, parameters: Tensor): [x: Tensor, logDerivative: Tensor];
  /** A fused kernel that does the same, and what it is told. Those who write transformers of their own need none. */
  readonly kernel?: { readonly name: string; readonly attributes: object } | undefined;
}

/**
 * Makes a transformer of its formulas: shape checks and memory live here, once.
 *
 * @throws from the made methods: x or y is no live float32 tensor, or the parameters are not [...s, P].
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { defineTransformer } from 'tfjs-flows';
 *
 * const doubling = defineTransformer({
 *   name: 'doubling',
 *   parameterSize: 1,
 *   forwardCost: 'parallel',
 *   inverseCost: 'parallel',
 *   forwardAndLogDerivative: (x, p) => [tf.add(tf.mul(x, 2), tf.reshape(p, x.shape)), tf.fill(x.shape, Math.log(2))],
 *   inverseAndLogDerivative: (y, p) => [tf.div(tf.sub(y, tf.reshape(p, y.shape)), 2), tf.fill(y.shape, -Math.log(2))],
 * });
 * const [y] = doubling.forwardAndLogDerivative(tf.tensor1d([1, 2]), tf.tensor2d([[1], [0]]));
 * console.log(Array.from(y.dataSync())); // => [ 3, 4 ]
 * ```
 */
export function defineTransformer(spec: Transformer): Transformer {
  const run =
    (method: 'forwardAndLogDerivative' | 'inverseAndLogDerivative', argument: 'x' | 'y') =>
    (value: Tensor, parameters: Tensor): [Tensor, Tensor] => {
      const where = `${spec.name}.${method}`;
      checkEvent(where, argument, value, []);
      checkEvent(where, 'parameters', parameters, [...value.shape, spec.parameterSize]);
      if (parameters.shape.length !== value.shape.length + 1) {
        throw invalid(where, 'parameters', `of shape [${[...value.shape, spec.parameterSize].join(', ')}]`, parameters);
      }
      const { name, attributes } = spec.kernel ?? {};
      return tidy(() =>
        fused(name, [value, parameters], (x, p) => spec[method](x, p), { ...attributes, inverse: argument === 'y' }),
      );
    };
  return {
    ...spec,
    forwardAndLogDerivative: run('forwardAndLogDerivative', 'x'),
    inverseAndLogDerivative: run('inverseAndLogDerivative', 'y'),
  };
}

/** Parts of parameters [...s, P] along their last axis, of the given sizes: [...s, size] each. */
export function splitParameters(parameters: Tensor, sizes: readonly number[]): Tensor[] {
  const batch = parameters.shape.slice(0, -1);
  const flat = reshape(parameters, [-1, parameters.shape[batch.length] as number]);
  return split(flat, [...sizes], 1).map((part, i) => reshape(part, [...batch, sizes[i] as number]));
}
