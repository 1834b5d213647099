import type { Tensor, Tensor4D, Variable } from '@tensorflow/tfjs-core';
import { add, div, mul, reshape, sqrt, square, sum, zeros } from '@tensorflow/tfjs-core';
import type { CallOptions } from '../core/bijector.js';
import type { Module } from '../core/module.js';
import { defineModule, parameter } from '../core/module.js';
import type { Rng } from '../core/rng.js';
import { own } from '../core/stopGradient.js';
import { convolve2d } from '../kernels/convolve2d/convolve2d.js';
import { multiply } from '../kernels/dense/multiply.js';

/** What `convolution` takes. */
export interface ConvolutionOptions {
  readonly inputs: number;
  readonly outputs: number;
  /** Side of the kernel, odd. */
  readonly size: number;
  /** Default 0: takes no context. */
  readonly contextDim?: number;
  /** As in `linear`; a fan is the size of the kernel times the channels. */
  readonly init: 'he' | 'glorot' | 'zero';
  /** Whether the kernel is direction / |direction| gain, a norm an output channel. Default false. */
  readonly weightNorm?: boolean;
  readonly rng: Rng;
}

/** A convolutional layer over [N, H, W, inputs]. */
export interface Convolution extends Module {
  apply(x: Tensor, options: CallOptions): Tensor;
}

/**
 * A layer x * K + context C + b over images [N, H, W, inputs]: parameters `kernel` [size, size, inputs, outputs] (with weight
 * normalisation `direction` of that shape and `gain` [outputs]), `bias` [outputs] and, where contextDim > 0, `context`
 * [contextDim, outputs], which adds the same to every pixel of a channel.
 *
 * Weight normalisation: Salimans and Kingma 2016. The initial kernel is the same with and without it.
 */
export function convolution(options: ConvolutionOptions): Convolution {
  const { inputs, outputs, size, contextDim = 0, init, weightNorm = false, rng } = options;
  const area = size * size;
  const fanIn = area * inputs + contextDim;
  const deviation = Math.sqrt(2 / (init === 'he' ? fanIn : fanIn + area * outputs));
  const drawn = (shape: number[]): Tensor => (init === 'zero' && !weightNorm ? zeros(shape) : mul(rng.normal(shape), deviation));

  const kernelShape: [number, number, number, number] = [size, size, inputs, outputs];
  const kernel = parameter(() => drawn(kernelShape));
  const gain = weightNorm ? parameter(() => (init === 'zero' ? zeros([outputs]) : norms(kernel))) : undefined;
  const bias = parameter(() => zeros([outputs]));
  const fromContext: Variable | undefined =
    contextDim > 0 ? parameter(() => (init === 'zero' ? zeros([contextDim, outputs]) : drawn([contextDim, outputs]))) : undefined;

  const weights = (call: CallOptions): Tensor => {
    const raw = own(kernel, call);
    return gain === undefined ? raw : mul(raw, div(own(gain, call), norms(raw)));
  };
  return {
    ...defineModule({
      parameters: {
        ...(gain === undefined ? { kernel } : { direction: kernel, gain }),
        bias,
        ...(fromContext === undefined ? {} : { context: fromContext }),
      },
    }),
    apply: (x, call) => {
      const y = add(convolve2d(x as Tensor4D, weights(call) as Tensor4D), own(bias, call));
      if (fromContext === undefined) {
        return y;
      }
      return add(y, reshape(multiply(call.context as Tensor, own(fromContext, call)), [-1, 1, 1, outputs]));
    },
  };
}

/** The norm of what makes each output channel, [outputs]; a hair above 0, where it has no gradient. */
function norms(kernel: Tensor): Tensor {
  const outputs = kernel.shape[3] as number;
  return sqrt(add(sum(square(reshape(kernel, [-1, outputs])), 0), 1e-12));
}
