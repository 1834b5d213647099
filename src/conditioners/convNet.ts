import type { Conditioner } from '../core/conditioner.js';
import { checkOptions, invalid } from '../core/errors.js';
import type { Rng } from '../core/rng.js';
import { createRng } from '../core/rng.js';
import type { Activation } from './activation.js';
import { activationFunction, saturates } from './activation.js';
import { convolution } from './convolution.js';
import { checkHidden } from './defineConditioner.js';
import type { ImageConditionerOptions } from './defineImageConditioner.js';
import {
  checkImageConditioner,
  checkKernelSize,
  defineImageConditioner,
  IMAGE_CONDITIONER_OPTIONS,
} from './defineImageConditioner.js';

/** What `convNet` takes. */
export interface ConvNetOptions extends ImageConditionerOptions {
  /** Channels of the hidden layers; none makes it one convolution. */
  readonly hidden: readonly number[];
  /** Side of each layer's kernel, odd, one more than there are hidden layers. Default as in Glow: 3, with 1 in between. */
  readonly kernelSizes?: readonly number[];
  /** After every hidden layer. Default 'relu'. */
  readonly activation?: Activation;
  /** Whether the output layer starts at zero, so that a flow starts as the identity. Default false. */
  readonly zeroOutput?: boolean;
  /** Draws the initial values. */
  readonly rng?: Rng;
}

/**
 * Convolutional network over images: h_0 = act(x * K_0 + context C + b_0), h_i = act(h_i-1 * K_i + b_i), output h * K + b, with
 * stride 1 and zeros around the image.
 *
 * The context adds the same to every pixel of a channel. Parameters `hidden0.kernel` [k, k, in, out], `hidden0.bias`,
 * `hidden0.context` [contextDim, out] where there is a context, `hidden1.kernel` ..., `output.kernel`, `output.bias`. Initial
 * values as those of `mlp`, fans counted over the kernel.
 *
 * Shapes: x [...batch, H, W, inputDim], context [...batch, contextDim] (leading axes may broadcast), output
 * [...batch, H, W, outputDim].
 *
 * @throws for sizes that are no positive integers, an even kernel, an unknown option or activation, and at a call for a wrong shape.
 * Source: Kingma and Dhariwal 2018, "Glow", section 5 and appendix B.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { convNet, createRng } from 'tfjs-flows';
 *
 * const network = convNet({ inputDim: 2, outputDim: 4, hidden: [8, 8], rng: createRng(0) });
 * console.log(network.apply(tf.zeros([5, 6, 6, 2])).shape); // => [ 5, 6, 6, 4 ]
 * console.log(network.parameters['hidden0.kernel']!.shape); // => [ 3, 3, 2, 8 ]
 * ```
 */
export function convNet(options: ConvNetOptions): Conditioner {
  const own = ['hidden', 'kernelSizes', 'activation', 'zeroOutput', 'rng'];
  checkOptions('convNet', options, [...IMAGE_CONDITIONER_OPTIONS, ...own]);
  checkImageConditioner('convNet', options);
  const { inputDim, outputDim, contextDim = 0, imageSize, hidden, activation = 'relu', zeroOutput = false } = options;
  const { rng = createRng() } = options;
  checkHidden('convNet', hidden, 0);
  const kernelSizes = options.kernelSizes ?? [...hidden, outputDim].map((_, i) => (i === 0 || i === hidden.length ? 3 : 1));
  if (!Array.isArray(kernelSizes) || kernelSizes.length !== hidden.length + 1) {
    throw invalid('convNet', 'options.kernelSizes', `a list of ${hidden.length + 1} odd sizes`, kernelSizes);
  }
  kernelSizes.forEach((size, i) => {
    checkKernelSize('convNet', `options.kernelSizes[${i}]`, size);
  });
  const act = activationFunction('convNet', activation);

  const layers = [...hidden, outputDim].map((outputs, i) => {
    const last = i === hidden.length;
    return convolution({
      inputs: i === 0 ? inputDim : (hidden[i - 1] as number),
      outputs,
      size: kernelSizes[i] as number,
      contextDim: i === 0 ? contextDim : 0,
      init: last ? (zeroOutput ? 'zero' : 'glorot') : saturates(activation) ? 'glorot' : 'he',
      rng,
    });
  });
  return defineImageConditioner({
    name: 'convNet',
    inputDim,
    outputDim,
    contextDim,
    imageSize,
    parts: Object.fromEntries(layers.map((layer, i) => [i === hidden.length ? 'output' : `hidden${i}`, layer])),
    apply: (x, call) => layers.reduce((h, layer, i) => layer.apply(i === 0 ? h : act(h), call), x as ReturnType<typeof act>),
  });
}
