import { actNorm } from '../bijectors/actNorm.js';
import { chain } from '../bijectors/chain.js';
import { coupling } from '../bijectors/coupling.js';
import { invert } from '../bijectors/invert.js';
import { invertibleConv1x1 } from '../bijectors/invertibleConv1x1.js';
import { multiscale } from '../bijectors/multiscale.js';
import { squeeze2d } from '../bijectors/squeeze2d.js';
import type { ConvNetOptions } from '../conditioners/convNet.js';
import { convNet } from '../conditioners/convNet.js';
import type { Bijector } from '../core/bijector.js';
import { checkInteger, checkOptions, invalid } from '../core/errors.js';
import type { ImageShape } from '../core/images.js';
import { checkImageShape } from '../core/images.js';
import { createRng } from '../core/rng.js';
import type { Transformer } from '../core/transformer.js';
import { affineTransformer } from '../transformers/affineTransformer.js';

/** What `glow` takes. */
export interface GlowOptions extends Pick<ConvNetOptions, 'contextDim' | 'activation' | 'rng'> {
  /** [H, W, C] of the data; 2^levels has to divide H and W. */
  readonly shape: ImageShape;
  /** Default 3. */
  readonly levels?: number;
  /** Steps a level. Default 8. */
  readonly steps?: number;
  /** Channels of the hidden layers of each coupling's `convNet`. Default [64, 64]. */
  readonly hidden?: readonly number[];
  /** Of the couplings. Default `affineTransformer()`. */
  readonly transformer?: Transformer;
}

/**
 * Glow: on the way from the data each level squeezes, then takes steps of activation normalisation, an invertible 1x1 convolution and
 * a coupling by channels; after each level but the last half of the channels are factored out.
 *
 * x, the base side, is the vector of latents that `multiscale` describes. Both directions parallel. The couplings start as the
 * identity and the convolutions as rotations; `initialize(data)` sets the normalisations, and is worth calling before training.
 *
 * Shapes: x [...batch, H W C], y [...batch, H, W, C], log-det [...batch], context [...batch, contextDim].
 *
 * @throws for wrong sizes and unknown options.
 * Source: Kingma and Dhariwal 2018, "Glow: Generative Flow with Invertible 1x1 Convolutions".
 * @example
 * ```ts
 * import { createRng, flow, standardNormal } from 'tfjs-flows';
 * import { glow } from 'tfjs-flows/models';
 *
 * const rng = createRng(0);
 * const bijector = glow({ shape: [4, 4, 1], levels: 2, steps: 1, hidden: [8], rng });
 * const images = rng.normal([8, 4, 4, 1]); // stands for your data
 * bijector.initialize!(images);
 * const density = flow({ base: standardNormal({ eventShape: [16] }), bijector, eventShape: [4, 4, 1] });
 * console.log(density.logProb(images).shape, density.sample({ rng }).shape); // => [ 8 ] [ 4, 4, 1 ]
 * ```
 */
export function glow(options: GlowOptions): Bijector {
  const known = ['shape', 'levels', 'steps', 'hidden', 'transformer', 'contextDim', 'activation', 'rng'];
  checkOptions('glow', options, known);
  const { shape, levels = 3, steps = 8, hidden = [64, 64], transformer = affineTransformer(), contextDim = 0 } = options;
  const { activation = 'relu', rng = createRng() } = options;
  checkImageShape('glow', shape);
  checkInteger('glow', 'options.levels', levels, 1);
  checkInteger('glow', 'options.steps', steps, 1);
  if (shape[0] % 2 ** levels !== 0 || shape[1] % 2 ** levels !== 0) {
    throw invalid('glow', 'options.shape', `of a height and a width that 2^${levels} divides`, shape);
  }

  // Parts stand in the order from the base to the data.
  const step = (image: ImageShape): Bijector => {
    const dim = image[2];
    return chain([
      coupling({
        shape: image,
        transformer,
        contextDim,
        conditioner: (sizes) => convNet({ ...sizes, hidden, activation, zeroOutput: true, rng }),
      }),
      // Turned round, so that a density needs no inverse matrix.
      invert(invertibleConv1x1({ dim, rng })),
      actNorm({ dim, eventRank: 3 }),
    ]);
  };
  const level = (i: number): Bijector => {
    const side = 2 ** (i + 1);
    const image: ImageShape = [shape[0] / side, shape[1] / side, shape[2] * 2 ** (i + 2)];
    return chain([...Array.from({ length: steps }, () => step(image)), invert(squeeze2d())]);
  };
  return multiscale({ shape, levels: Array.from({ length: levels }, (_, i) => level(i)) });
}
