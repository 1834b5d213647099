import type { Tensor } from '@tensorflow/tfjs-core';
import { add, mul, reshape, sub, tensor, tidy } from '@tensorflow/tfjs-core';
import type { Distribution } from '../core/distribution.js';
import { checkInteger, checkNumber, checkOptions, invalid, isTensorLike } from '../core/errors.js';
import { sizeOf } from '../core/shapes.js';
import { checkDistributionLike } from '../core/structural.js';
import type { LatentVariableModel } from '../objectives/latentVariableModel.js';
import { checkModel } from '../objectives/latentVariableModel.js';

/** What `latentTraversal` takes. */
export interface LatentTraversalOptions {
  /** What `vae` makes, or any object with prior, posterior(x) and likelihood(z); z has one axis. */
  readonly model: LatentVariableModel;
  /** One data point, [...event] or [1, ...event]: start from the mean of its posterior. */
  readonly x?: Tensor;
  /** Start from this code, [L] or [1, L]. Default, without x: zeros. */
  readonly z?: Tensor;
  /** The latents to move, one row each. Default: all. */
  readonly latents?: readonly number[];
  /** Where a latent goes from and to. Default [-2, 2]: standard deviations of a standard normal prior. */
  readonly range?: readonly [from: number, to: number];
  /** Images in a row. Default 7. */
  readonly steps?: number;
  /** The shape of an event as an image, [height, width, channels]. Default: what the likelihood has. */
  readonly imageShape?: readonly number[];
}

/**
 * Latent traversals: what a model draws while one latent moves and the others stay.
 *
 * Entry [r, s] is the mean of p(x | z) where z is the start but for latent `latents[r]`, which is
 * from + s (to - from) / (steps - 1). `imageGrid` makes one picture of them.
 *
 * Shape: [latents, steps, ...event], or [latents, steps, ...imageShape].
 *
 * @throws for unknown options, latents that the model does not have, a start that is none, a posterior or likelihood without a mean.
 * Source: the figures of Higgins et al. 2017, "beta-VAE: learning basic visual concepts with a constrained variational framework".
 * @example
 * ```ts
 * import { createRng } from 'tfjs-flows';
 * import { imageGrid, latentTraversal } from 'tfjs-flows/metrics';
 * import { mlpVae } from 'tfjs-flows/models';
 *
 * const rng = createRng(0);
 * const model = mlpVae({ dataDim: 64, latentDim: 3, hidden: [16], posterior: 'gaussian', rng });
 * const images = latentTraversal({ model, x: rng.uniform([64]), steps: 5, imageShape: [8, 8, 1] });
 * console.log(images.shape); // => [ 3, 5, 8, 8, 1 ]
 * console.log(imageGrid({ images }).shape); // => [ 24, 40, 1 ]
 * ```
 */
export function latentTraversal(options: LatentTraversalOptions): Tensor {
  const where = 'latentTraversal';
  checkOptions(where, options, ['model', 'x', 'z', 'latents', 'range', 'steps', 'imageShape']);
  const { model, range = [-2, 2], steps = 7, imageShape } = options;
  checkModel(where, model);
  const [dim, ...more] = model.prior.eventShape;
  if (dim === undefined || more.length > 0) {
    throw invalid(where, 'options.model.prior.eventShape', 'a single size', model.prior.eventShape);
  }
  const { latents = Array.from({ length: dim }, (_, d) => d) } = options;
  if (!Array.isArray(latents) || latents.length === 0 || latents.some((d) => !Number.isInteger(d) || d < 0 || d >= dim)) {
    throw invalid(where, 'options.latents', `integers from 0 to ${dim - 1}`, latents);
  }
  if (!Array.isArray(range) || range.length !== 2) {
    throw invalid(where, 'options.range', '[from, to]', range);
  }
  const [from, to] = range as [number, number];
  checkNumber(where, 'options.range[0]', from);
  checkNumber(where, 'options.range[1]', to);
  checkInteger(where, 'options.steps', steps, 2);

  return tidy(() => {
    const moving = tensor(
      latents.map((latent) => Array.from({ length: dim }, (_, d) => (d === latent ? 1 : 0))),
      [latents.length, 1, dim],
      'float32',
    );
    const values = tensor(
      Array.from({ length: steps }, (_, s) => from + (s * (to - from)) / (steps - 1)),
      [1, steps, 1],
      'float32',
    );
    const start = reshape(startOf(where, options, dim), [1, 1, dim]);
    const z = add(mul(sub(1, moving), start), mul(moving, values));
    const means = meanOf(where, 'options.model.likelihood(z)', model.likelihood(z), 'draw from it yourself');
    const event = means.shape.slice(2);
    if (imageShape === undefined) {
      return means;
    }
    const isShape = Array.isArray(imageShape) && imageShape.every((size) => Number.isInteger(size) && size > 0);
    if (!isShape || sizeOf(imageShape) !== sizeOf(event)) {
      throw invalid(where, 'options.imageShape', `a shape of ${sizeOf(event)} elements, as an event has`, imageShape);
    }
    return reshape(means, [latents.length, steps, ...imageShape]);
  });
}

function startOf(where: string, { model, x, z }: LatentTraversalOptions, dim: number): Tensor {
  if (x !== undefined && z !== undefined) {
    throw invalid(where, 'options.z', 'left out where options.x is given', z);
  }
  if (x !== undefined) {
    if (!isTensorLike(x) || x.isDisposed) {
      throw invalid(where, 'options.x', 'a tensor of one data point', x);
    }
    const mean = meanOf(where, 'options.model.posterior(x)', model.posterior(x), 'give options.z, for example a draw from it');
    if (mean.size !== dim) {
      throw invalid(where, 'options.x', 'one data point', x);
    }
    return mean;
  }
  if (z === undefined) {
    return tensor(new Array<number>(dim).fill(0), [dim], 'float32');
  }
  if (!isTensorLike(z) || z.isDisposed || z.dtype !== 'float32' || sizeOf(z.shape) !== dim) {
    throw invalid(where, 'options.z', `a float32 tensor of shape [${dim}]`, z);
  }
  return z;
}

function meanOf(where: string, what: string, distribution: Distribution, instead: string): Tensor {
  checkDistributionLike(where, what, distribution);
  if (distribution.mean === undefined) {
    throw new Error(`${where}: ${what} is a ${distribution.name}, which has no mean; ${instead}.`);
  }
  return distribution.mean();
}
