import type { Tensor, Tensor2D, Variable } from '@tensorflow/tfjs-core';
import { add, mul, reshape, tensor2d, transpose, zeros } from '@tensorflow/tfjs-core';
import type { CallOptions } from '../core/bijector.js';
import type { Module } from '../core/module.js';
import { buffer, defineModule, parameter } from '../core/module.js';
import type { Rng } from '../core/rng.js';
import { own } from '../core/stopGradient.js';
import type { DenseLayer } from '../kernels/dense/dense.js';
import { dense } from '../kernels/dense/dense.js';
import { multiply } from '../kernels/dense/multiply.js';
import type { Activation } from './activation.js';

/** What `linear` takes. */
export interface LinearOptions {
  readonly inputs: number;
  readonly outputs: number;
  /** 0: takes no context. */
  readonly contextDim: number;
  /** Which input reaches which output: rows of 0 and 1, [inputs][outputs]. Default: all reach all. */
  readonly mask?: readonly (readonly number[])[];
  /** 'he': variance 2 / fan-in. 'glorot': variance 2 / (fan-in + fan-out). 'zero': all zero. Biases start at 0. */
  readonly init: 'he' | 'glorot' | 'zero';
  readonly rng: Rng;
}

/** An affine layer. */
export interface Linear extends Module {
  apply(x: Tensor, options: CallOptions, activation?: Activation): Tensor;
  /** What it is at a call. */
  layer(options: CallOptions, activation?: Activation): DenseLayer;
  /** The same layer with an example a column, for the parts of it that a step needs. */
  columns(batch: readonly number[], options: CallOptions): LinearColumns;
}

/** W and offset of a layer that takes x [inputs, N] to W^T x + offset, without its mask. */
export interface LinearColumns {
  /** W [inputs, outputs]. */
  readonly kernel: Tensor;
  /** Bias and context: [outputs, N]. */
  readonly offset: Tensor;
}

/**
 * A layer x (W mask) + context C + b of a conditioner: parameters `kernel` [inputs, outputs], `bias` [outputs] and, where
 * contextDim > 0, `context` [contextDim, outputs]; buffer `mask` [inputs, outputs] where there is one.
 *
 * Two products rather than one of a concatenation: the context's leading axes may broadcast. Fan-in counts what reaches an
 * output through the mask, and the context.
 */
export function linear({ inputs, outputs, contextDim, mask, init, rng }: LinearOptions): Linear {
  const deviations = Array.from({ length: outputs }, (_, column) => {
    const reached = mask === undefined ? inputs : mask.reduce((total, row) => total + (row[column] as number), 0);
    const fanIn = Math.max(1, reached + contextDim);
    return Math.sqrt(2 / (init === 'he' ? fanIn : fanIn + outputs));
  });
  const weights = (rows: number): Variable =>
    parameter(() => (init === 'zero' ? zeros([rows, outputs]) : mul(rng.normal([rows, outputs]), deviations)));

  const kernel = weights(inputs);
  const bias = parameter(() => zeros([outputs]));
  const fromContext = contextDim > 0 ? weights(contextDim) : undefined;
  const masking =
    mask === undefined
      ? undefined
      : buffer(() =>
          tensor2d(
            mask.map((row) => [...row]),
            [inputs, outputs],
            'float32',
          ),
        );

  const layer: Linear['layer'] = (options, activation) => ({
    kernel: own(kernel, options),
    bias: own(bias, options),
    mask: masking,
    // A product of its own, since a context's leading axes may broadcast.
    offset: fromContext && dense(options.context as Tensor, [{ kernel: own(fromContext, options) }]),
    activation,
  });
  return {
    ...defineModule({
      parameters: { kernel, bias, ...(fromContext === undefined ? {} : { context: fromContext }) },
      buffers: masking === undefined ? {} : { mask: masking },
    }),
    layer,
    apply: (x, options, activation) => dense(x, [layer(options, activation)]),
    columns: (batch, options) => {
      const bare = reshape(own(bias, options), [outputs, 1]);
      // One product a context, however many examples share it.
      const context = fromContext === undefined ? undefined : (options.context as Tensor);
      const columns = context === undefined ? bare : add(bare, contextColumns(context, own(fromContext as Variable, options)));
      const shared = context === undefined ? [] : context.shape.slice(0, -1);
      const axes = [...batch.slice(shared.length).map(() => 1), ...shared];
      const offset = add(reshape(columns, [outputs, ...axes]), zeros([outputs, ...batch]));
      return { kernel: own(kernel, options), offset: reshape(offset, [outputs, -1]) };
    },
  };
}

/** Layers one after the other, each with the activation that follows it, in as few kernels as can be. */
export const applyLayers = (
  x: Tensor,
  layers: readonly (readonly [linear: Pick<Linear, 'layer'>, activation?: Activation | undefined])[],
  options: CallOptions,
): Tensor =>
  dense(
    x,
    layers.map(([linear, activation]) => linear.layer(options, activation)),
  );

/** (c C)^T for each context c: [..., contextDim] -> [outputs, N]. */
const contextColumns = (context: Tensor, weights: Tensor): Tensor =>
  multiply(transpose(weights) as Tensor2D, transpose(reshape(context, [-1, weights.shape[0] as number])) as Tensor2D);
