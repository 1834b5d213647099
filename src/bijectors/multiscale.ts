import type { Tensor } from '@tensorflow/tfjs-core';
import { concat, reshape, split } from '@tensorflow/tfjs-core';
import type { Bijector, CallOptions } from '../core/bijector.js';
import { defineBijector } from '../core/bijector.js';
import { checkInteger, checkOptions, invalid } from '../core/errors.js';
import { checkImageShape, type ImageShape } from '../core/images.js';
import { defineModule } from '../core/module.js';
import { batchShapeOf, sizeOf, sumTrailing } from '../core/shapes.js';
import { checkBijectorLike } from '../core/structural.js';
import { chain } from './chain.js';

/** What `multiscale` takes. */
export interface MultiscaleOptions {
  /** [H, W, C] of the data. */
  readonly shape: ImageShape;
  /**
   * Bijectors over images, the first nearest to the data, which the multiscale bijector then owns. Each has an image [h, w, c] on its
   * data side and [h / factor, w / factor, factor^2 c] on its base side, as `chain([..., invert(squeeze2d({ factor }))])` has.
   */
  readonly levels: readonly Bijector[];
  /** How much each level squeezes; 1 where the levels keep the shape. Default 2. */
  readonly factor?: number;
}

/**
 * Multi-scale architecture: on the way from the data, after each level but the last, the second half of the channels (the smaller
 * one where their number is odd) is factored out and done, and the first half goes on through the next level. Nothing is thrown
 * away: the latents together are as many numbers as the image.
 *
 * x, the base side, is a vector of H W C latents, the coarsest first: what the last level leaves, then what was factored out after
 * the level before it, ..., and at the end what was factored out after level 0; each an image row by row, its channels last.
 * log|det| is the sum of the levels'.
 *
 * Shapes: x [...batch, H W C], y [...batch, H, W, C], log-det [...batch]. Options (context, frozen, training, rng) reach every
 * level; costs are those of the slowest. The parameters of level i are named `levels.i....`; `initialize` works from the data end.
 *
 * @throws for a shape that is no [H, W, C], an empty list, a level that is no bijector over images, sizes that the factors do not
 * divide, one channel alone where one is to be factored out, an unknown option; at a call where a level makes another shape.
 * Source: Dinh et al. 2017, "Density estimation using Real NVP", section 3.6.
 * @example
 * ```ts
 * import { actNorm, chain, createRng, invert, multiscale, squeeze2d } from 'tfjs-flows';
 *
 * const level = (dim: number) => chain([actNorm({ dim, eventRank: 3 }), invert(squeeze2d())]);
 * const bijector = multiscale({ shape: [4, 4, 1], levels: [level(4), level(8)] });
 * const image = createRng(0).normal([4, 4, 1]);
 * const latents = bijector.inverse(image);
 * console.log(latents.shape, bijector.forward(latents).shape); // => [ 16 ] [ 4, 4, 1 ]
 * console.log(bijector.forward(latents).equal(image).all().dataSync()[0]); // => 1
 * ```
 */
export function multiscale(options: MultiscaleOptions): Bijector {
  checkOptions('multiscale', options, ['shape', 'levels', 'factor']);
  const { shape, levels, factor = 2 } = options;
  checkImageShape('multiscale', shape);
  checkLevels(levels);
  checkInteger('multiscale', 'options.factor', factor, 1);

  const scales: Bijector[] = [];
  let data: ImageShape = shape;
  levels.forEach((level, i) => {
    const base = squeezed(shape, i, data, factor);
    const last = i === levels.length - 1;
    const kept = last ? base[2] : Math.ceil(base[2] / 2);
    if (!last && base[2] < 2) {
      throw invalid('multiscale', 'options.levels', `at most ${i + 1}, since level ${i} leaves one channel`, levels.length);
    }
    scales.unshift(scale({ level, path: `levels[${i}]`, data, base, kept, event: shape, outermost: i === 0 }));
    data = [base[0], base[1], kept];
  });
  return {
    ...chain(scales, { name: 'multiscale' }),
    ...defineModule({ parts: Object.fromEntries(levels.map((level, i) => [`levels.${i}`, level])) }),
  };
}

interface Scale {
  readonly level: Bijector;
  readonly path: string;
  /** Images on the level's data side, and on its base side. */
  readonly data: ImageShape;
  readonly base: ImageShape;
  /** How many channels of the base side go on. */
  readonly kept: number;
  readonly event: ImageShape;
  readonly outermost: boolean;
}

/** One level on [image, what is done already], flat; the data side of the outermost, where nothing is done, is the image. */
function scale({ level, path, data, base, kept, event, outermost }: Scale): Bijector {
  const [height, width, channels] = base;
  const out = channels - kept;
  const pixels = height * width;
  const rest = sizeOf(event) - sizeOf(data);
  const dataEvent = outermost ? event : [sizeOf(event)];

  const toImage = (y: Tensor): [image: Tensor, done: Tensor] => {
    const batch = batchShapeOf(y, dataEvent.length);
    const [image, done] = split(reshape(y, [...batch, sizeOf(event)]), [sizeOf(data), rest], -1) as [Tensor, Tensor];
    return [reshape(image, [...batch, ...data]), done];
  };
  const checked = (method: string, image: Tensor, expected: ImageShape): Tensor => {
    if (image.shape.slice(-3).join() !== expected.join()) {
      throw invalid(`multiscale.${method}`, `what options.${path} makes`, `of shape [...batch, ${expected.join(', ')}]`, image);
    }
    return image;
  };
  return defineBijector({
    name: 'multiscale',
    forwardEvent: [sizeOf(event)],
    inverseEvent: dataEvent,
    forwardCost: level.forwardCost,
    inverseCost: level.inverseCost,
    forwardAndLogDet: (x, call) => {
      const batch = batchShapeOf(x, 1);
      const rows = sizeOf(batch) * pixels;
      const [inner, outer, done] = split(x, [pixels * kept, pixels * out, rest], -1) as [Tensor, Tensor, Tensor];
      const latents = concat([reshape(inner, [rows, kept]), reshape(outer, [rows, out])], 1);
      const [image, logDet] = level.forwardAndLogDet(reshape(latents, [...batch, ...base]), call);
      const flat = reshape(checked('forward', image, data), [...batch, sizeOf(data)]);
      const y = reshape(concat([flat, done], -1), [...batch, ...dataEvent]);
      return [y, sumTrailing(logDet, 3 - level.forwardEventRank)];
    },
    inverseAndLogDet: (y, call) => {
      const batch = batchShapeOf(y, dataEvent.length);
      const [image, done] = toImage(y);
      const [latents, logDet] = level.inverseAndLogDet(image, call);
      const parts = split(reshape(checked('inverse', latents, base), [-1, channels]), [kept, out], 1);
      const flat = parts.map((part) => reshape(part, [...batch, pixels * (part.shape[1] as number)]));
      return [concat([...flat, done], -1), sumTrailing(logDet, 3 - level.inverseEventRank)];
    },
    ...(level.initialize === undefined
      ? {}
      : {
          initialize: (y: Tensor, call: CallOptions): void => level.initialize?.(toImage(y)[0], call),
        }),
  });
}

function squeezed(shape: ImageShape, level: number, [height, width, channels]: ImageShape, factor: number): ImageShape {
  if (height % factor !== 0 || width % factor !== 0) {
    const times = `${level + 1} ${level === 0 ? 'time' : 'times'}`;
    throw invalid('multiscale', 'options.shape', `of a height and a width that ${factor} divides ${times}`, shape);
  }
  return [height / factor, width / factor, channels * factor * factor];
}

function checkLevels(levels: unknown): asserts levels is readonly Bijector[] {
  if (!Array.isArray(levels) || levels.length === 0) {
    throw invalid('multiscale', 'options.levels', 'a list of at least one bijector', levels);
  }
  levels.forEach((level: unknown, i) => {
    checkBijectorLike('multiscale', `options.levels[${i}]`, level);
    if (level.forwardEventRank > 3 || level.inverseEventRank - level.forwardEventRank !== 0) {
      throw invalid('multiscale', `options.levels[${i}]`, 'a bijector from images to images', level.name);
    }
  });
}
