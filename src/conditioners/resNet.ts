import type { Tensor } from '@tensorflow/tfjs-core';
import { add } from '@tensorflow/tfjs-core';
import type { CallOptions } from '../core/bijector.js';
import type { Conditioner } from '../core/conditioner.js';
import { checkInteger, checkOptions } from '../core/errors.js';
import { createRng } from '../core/rng.js';
import { activationFunction, saturates } from './activation.js';
import type { ConvNetOptions } from './convNet.js';
import { convolution } from './convolution.js';
import type { ImageConditionerOptions } from './defineImageConditioner.js';
import {
  checkImageConditioner,
  checkKernelSize,
  defineImageConditioner,
  IMAGE_CONDITIONER_OPTIONS,
} from './defineImageConditioner.js';

/** What `resNet` takes. */
export interface ResNetOptions extends ImageConditionerOptions, Pick<ConvNetOptions, 'activation' | 'zeroOutput' | 'rng'> {
  /** Channels of the hidden layers. Default 64. */
  readonly channels?: number;
  /** How many residual blocks. Default 4. */
  readonly blocks?: number;
  /** Side of the kernels, odd. Default 3. */
  readonly kernelSize?: number;
}

/**
 * Residual network over images, its convolutions weight-normalised: h = x * K + context C + b; each block
 * h = h + act(act(h) * K_1 + context C_1 + b_1) * K_2 + b_2; output act(h) * K + b with a kernel of side 1. Stride 1, zeros around
 * the image.
 *
 * A kernel is direction / |direction| gain, the norm over all that makes one output channel, so that no batch statistics are needed.
 * Parameters `input.direction` [k, k, in, out], `input.gain` [out], `input.bias` [out], `input.context` [contextDim, out] where
 * there is a context, `block0.inner...` (with a context), `block0.outer...`, ..., `output...`. Initial kernels as in `convNet`; with
 * `zeroOutput` the gain of the output starts at zero.
 *
 * Shapes: x [...batch, H, W, inputDim], context [...batch, contextDim] (leading axes may broadcast), output
 * [...batch, H, W, outputDim].
 *
 * @throws for sizes that are no positive integers, an even kernel, an unknown option or activation, and at a call for a wrong shape.
 * Source: Dinh et al. 2017, "Density estimation using Real NVP", section 4.1; Salimans and Kingma 2016, "Weight normalization".
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { createRng, resNet } from 'tfjs-flows';
 *
 * const network = resNet({ inputDim: 1, outputDim: 2, channels: 8, blocks: 2, rng: createRng(0) });
 * console.log(network.apply(tf.zeros([5, 4, 4, 1])).shape); // => [ 5, 4, 4, 2 ]
 * ```
 */
export function resNet(options: ResNetOptions): Conditioner {
  const own = ['channels', 'blocks', 'kernelSize', 'activation', 'zeroOutput', 'rng'];
  checkOptions('resNet', options, [...IMAGE_CONDITIONER_OPTIONS, ...own]);
  checkImageConditioner('resNet', options);
  const { inputDim, outputDim, contextDim = 0, imageSize, channels = 64, blocks = 4, kernelSize = 3 } = options;
  const { activation = 'relu', zeroOutput = false, rng = createRng() } = options;
  checkInteger('resNet', 'options.channels', channels, 1);
  checkInteger('resNet', 'options.blocks', blocks, 0);
  checkKernelSize('resNet', 'options.kernelSize', kernelSize);
  const act = activationFunction('resNet', activation);

  const init = saturates(activation) ? 'glorot' : 'he';
  const shared = { outputs: channels, size: kernelSize, init, weightNorm: true, rng } as const;
  const input = convolution({ ...shared, inputs: inputDim, contextDim });
  const residual = Array.from({ length: blocks }, () => ({
    inner: convolution({ ...shared, inputs: channels, contextDim }),
    outer: convolution({ ...shared, inputs: channels }),
  }));
  const output = convolution({
    inputs: channels,
    outputs: outputDim,
    size: 1,
    init: zeroOutput ? 'zero' : 'glorot',
    weightNorm: true,
    rng,
  });
  const parts = residual.flatMap(({ inner, outer }, i) => [
    [`block${i}.inner`, inner] as const,
    [`block${i}.outer`, outer] as const,
  ]);
  return defineImageConditioner({
    name: 'resNet',
    inputDim,
    outputDim,
    contextDim,
    imageSize,
    parts: { input, ...Object.fromEntries(parts), output },
    apply: (x, call: CallOptions) => {
      const hidden = residual.reduce<Tensor>(
        (h, { inner, outer }) => add(h, outer.apply(act(inner.apply(act(h), call)), call)),
        input.apply(x, call),
      );
      return output.apply(act(hidden), call);
    },
  });
}
