import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import { add, mul, tensor2d, zeros } from '@tensorflow/tfjs-core';
import type { CallOptions } from '../core/bijector.js';
import type { Module } from '../core/module.js';
import { buffer, defineModule, parameter } from '../core/module.js';
import type { Rng } from '../core/rng.js';
import { own } from '../core/stopGradient.js';
import { dense } from '../kernels/dense/dense.js';

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
  apply(x: Tensor, options: CallOptions): Tensor;
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

  return {
    ...defineModule({
      parameters: { kernel, bias, ...(fromContext === undefined ? {} : { context: fromContext }) },
      buffers: masking === undefined ? {} : { mask: masking },
    }),
    apply: (x, options) => {
      const weight = own(kernel, options);
      const y = dense(x, masking === undefined ? weight : mul(weight, masking), own(bias, options));
      return fromContext === undefined ? y : add(y, dense(options.context as Tensor, own(fromContext, options)));
    },
  };
}
