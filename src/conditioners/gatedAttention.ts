import type { Tensor } from '@tensorflow/tfjs-core';
import {
  add,
  cast,
  concat,
  div,
  elu,
  exp,
  greaterEqual,
  matMul,
  mean,
  mul,
  neg,
  ones,
  reshape,
  sigmoid,
  split,
  sqrt,
  square,
  sub,
  transpose,
  zeros,
} from '@tensorflow/tfjs-core';
import type { CallOptions } from '../core/bijector.js';
import type { Conditioner } from '../core/conditioner.js';
import { checkInteger, checkNumber, checkOptions, invalid } from '../core/errors.js';
import { logSoftmax } from '../core/math.js';
import type { Module } from '../core/module.js';
import { defineModule, parameter } from '../core/module.js';
import type { Rng } from '../core/rng.js';
import { createRng } from '../core/rng.js';
import { own } from '../core/stopGradient.js';
import type { ConvNetOptions } from './convNet.js';
import type { Convolution } from './convolution.js';
import { convolution } from './convolution.js';
import type { ImageConditionerOptions } from './defineImageConditioner.js';
import {
  checkImageConditioner,
  checkKernelSize,
  defineImageConditioner,
  IMAGE_CONDITIONER_OPTIONS,
} from './defineImageConditioner.js';

/** What `gatedAttention` takes. */
export interface GatedAttentionOptions extends ImageConditionerOptions, Pick<ConvNetOptions, 'zeroOutput' | 'rng'> {
  /** [H, W] of the images: every pixel has its own positional embedding. */
  readonly imageSize: readonly [height: number, width: number];
  /** Channels of the hidden layers, a multiple of `heads`. Default 96. */
  readonly channels?: number;
  /** How many blocks, each a gated convolution and a gated attention. Default 4. */
  readonly blocks?: number;
  /** Attention heads. Default 4. */
  readonly heads?: number;
  /** Side of the kernels, odd. Default 3. */
  readonly kernelSize?: number;
  /** Probability of dropping a unit where a call says `training: true`. Default 0. */
  readonly dropout?: number;
}

/**
 * The network of Flow++ over images: h = x * K + context C + b; each block, with c(h) = elu([h, -h]) and [a, g] halves of
 * the channels,
 *
 * - h = norm(h + a sigmoid(g)), [a, g] = dropout(c(c(h) * K_1 + context C_1 + b_1)) * K_2 + b_2,
 * - h = norm(h + a sigmoid(g)), [a, g] = dropout(attention(h + position)) W + b;
 *
 * output h * K + b. `norm` is layer normalisation over the channels of each pixel; attention is scaled dot-product attention of
 * every pixel to all pixels, with several heads, its queries, keys and values 1x1 convolutions.
 *
 * Dropout acts where a call says `training: true` and draws from the call's `rng`. Two calls draw anew, so that a flow is no
 * bijection while it trains with dropout: each pass by itself is right, a round trip is not.
 *
 * Parameters `input...`, `block0.inner...`, `block0.outer...`, `block0.convolutionNorm.gain` [channels], `.bias`,
 * `block0.position` [H, W, channels], `block0.queryKeyValue...`, `block0.mix...`, `block0.attentionNorm...`, ..., `output...`;
 * convolutions as in `convNet`.
 *
 * Shapes: x [...batch, H, W, inputDim], context [...batch, contextDim] (leading axes may broadcast), output
 * [...batch, H, W, outputDim]. Attention takes (H W)^2 numbers an image and head.
 *
 * @throws for sizes that are no positive integers, an even kernel, channels that the heads do not divide, a dropout outside [0, 1),
 * an unknown option, and at a call for a wrong shape.
 * Source: Ho et al. 2019, "Flow++", section 3.3 and appendix.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { createRng, gatedAttention } from 'tfjs-flows';
 *
 * const sizes = { inputDim: 1, outputDim: 2, imageSize: [4, 4] } as const;
 * const network = gatedAttention({ ...sizes, channels: 8, blocks: 1, rng: createRng(0) });
 * console.log(network.apply(tf.zeros([5, 4, 4, 1])).shape); // => [ 5, 4, 4, 2 ]
 * ```
 */
export function gatedAttention(options: GatedAttentionOptions): Conditioner {
  const names = ['channels', 'blocks', 'heads', 'kernelSize', 'dropout', 'zeroOutput', 'rng'];
  checkOptions('gatedAttention', options, [...IMAGE_CONDITIONER_OPTIONS, ...names]);
  checkImageConditioner('gatedAttention', options);
  const { inputDim, outputDim, contextDim = 0, imageSize, channels = 96, blocks = 4, heads = 4, kernelSize = 3 } = options;
  const { dropout = 0, zeroOutput = false, rng = createRng() } = options;
  if (imageSize === undefined) {
    throw invalid('gatedAttention', 'options.imageSize', 'a list [height, width]', imageSize);
  }
  checkInteger('gatedAttention', 'options.channels', channels, 1);
  checkInteger('gatedAttention', 'options.blocks', blocks, 0);
  checkInteger('gatedAttention', 'options.heads', heads, 1);
  if (channels % heads !== 0) {
    throw invalid('gatedAttention', 'options.channels', `a multiple of the ${heads} heads`, channels);
  }
  checkKernelSize('gatedAttention', 'options.kernelSize', kernelSize);
  checkNumber('gatedAttention', 'options.dropout', dropout, { least: 0, below: 1 });

  const shared = { init: 'glorot', rng } as const;
  const input = convolution({ ...shared, inputs: inputDim, outputs: channels, size: kernelSize, contextDim });
  const layers = Array.from({ length: blocks }, () =>
    block({ channels, heads, kernelSize, contextDim, dropout, imageSize, rng }),
  );
  const init = zeroOutput ? 'zero' : 'glorot';
  const output = convolution({ inputs: channels, outputs: outputDim, size: kernelSize, init, rng });
  return defineImageConditioner({
    name: 'gatedAttention',
    inputDim,
    outputDim,
    contextDim,
    imageSize,
    parts: { input, ...Object.fromEntries(layers.map((layer, i) => [`block${i}`, layer])), output },
    apply: (x, call) =>
      output.apply(
        layers.reduce((h, layer) => layer.apply(h, call), input.apply(x, call)),
        call,
      ),
  });
}

interface BlockOptions
  extends Required<
    Pick<GatedAttentionOptions, 'channels' | 'heads' | 'kernelSize' | 'contextDim' | 'dropout' | 'imageSize' | 'rng'>
  > {}

/** A gated convolution and a gated attention, each added to what came and then normalised. */
function block({ channels, heads, kernelSize, contextDim, dropout, imageSize, rng }: BlockOptions): Convolution {
  const layer = (inputs: number, outputs: number, size: number, context = 0): Convolution =>
    convolution({ inputs, outputs, size, contextDim: context, init: 'glorot', rng });
  const inner = layer(2 * channels, channels, kernelSize, contextDim);
  const outer = layer(2 * channels, 2 * channels, kernelSize);
  const convolutionNorm = layerNorm(channels);
  const position = parameter(() => mul(rng.normal([...imageSize, channels]), 0.01));
  const queryKeyValue = layer(channels, 3 * channels, 1);
  const mix = layer(channels, 2 * channels, 1);
  const attentionNorm = layerNorm(channels);
  return {
    ...defineModule({
      parameters: { position },
      parts: { inner, outer, convolutionNorm, queryKeyValue, mix, attentionNorm },
    }),
    apply: (h, call) => {
      const inside = concatElu(inner.apply(concatElu(h), call));
      const convolved = gate(outer.apply(drop(inside, dropout, call), call));
      const first = convolutionNorm.apply(add(h, convolved), call);
      const seen = attend(queryKeyValue.apply(add(first, own(position, call)), call), heads);
      const mixed = gate(mix.apply(drop(seen, dropout, call), call));
      return attentionNorm.apply(add(first, mixed), call);
    },
  };
}

/** elu([h, -h]): twice the channels, and a gradient on both sides of 0. */
function concatElu(h: Tensor): Tensor {
  return elu(concat([h, neg(h)], -1));
}

/** a sigmoid(g) of the halves [a, g] of the channels. */
function gate(h: Tensor): Tensor {
  const [a, g] = split(h, 2, -1) as [Tensor, Tensor];
  return mul(a, sigmoid(g));
}

/** Queries, keys and values [N, H, W, 3 C] of all pixels to what each head sees, [N, H, W, C]. */
function attend(queryKeyValue: Tensor, heads: number): Tensor {
  const [count, height, width, triple] = queryKeyValue.shape as [number, number, number, number];
  const [pixels, size] = [height * width, triple / 3 / heads];
  // [N heads, pixels, size], four axes at a time.
  const perHead = (part: Tensor): Tensor =>
    reshape(transpose(reshape(part, [count, pixels, heads, size]), [0, 2, 1, 3]), [count * heads, pixels, size]);
  const [query, key, value] = split(queryKeyValue, 3, -1).map(perHead) as [Tensor, Tensor, Tensor];
  const scores = matMul(mul(query, 1 / Math.sqrt(size)), transpose(key, [0, 2, 1]));
  const seen = matMul(exp(logSoftmax(scores)), value);
  const together = transpose(reshape(seen, [count, heads, pixels, size]), [0, 2, 1, 3]);
  return reshape(together, [count, height, width, heads * size]);
}

/** Zeroes units with that probability while training, and makes up for it in the others. */
function drop(h: Tensor, probability: number, { training = false, rng = createRng() }: CallOptions): Tensor {
  if (!training || probability === 0) {
    return h;
  }
  const kept = cast(greaterEqual((rng as Rng).uniform(h.shape), probability), 'float32');
  return mul(h, div(kept, 1 - probability));
}

interface LayerNorm extends Module {
  apply(h: Tensor, options: CallOptions): Tensor;
}

/** Mean 0 and variance 1 over the channels of each pixel, then a gain and a bias a channel. */
function layerNorm(channels: number): LayerNorm {
  const gain = parameter(() => ones([channels]));
  const bias = parameter(() => zeros([channels]));
  return {
    ...defineModule({ parameters: { gain, bias } }),
    apply: (h, call) => {
      const centred = sub(h, mean(h, -1, true));
      const deviation = sqrt(add(mean(square(centred), -1, true), 1e-5));
      return add(mul(div(centred, deviation), own(gain, call)), own(bias, call));
    },
  };
}
