import type { Tensor } from '@tensorflow/tfjs-core';
import type { Rng } from '../core/rng.js';

/** Rows of levels, an integer of 0 ... size - 1 for each factor. */
export type FactorRows = readonly ArrayLike<number>[];

/**
 * Sim(v, w), the "true world" of disentanglement (Higgins et al. 2017): it makes an image of factors v, which are drawn independently
 * of each other and which a code should tell apart, and of w, which are drawn together and may stay entangled.
 *
 * `sprites` makes one. For data of your own give an object with these members, and `represent` and the metrics take it.
 */
export interface Simulator {
  /** [K]. */
  readonly factorNames: readonly string[];
  /** Levels of each factor: [K]. */
  readonly factorSizes: readonly number[];
  /** Combinations of factors: the product of the sizes. */
  readonly gridSize: number;
  /** Of one image: [height, width, channels]. */
  readonly imageShape: readonly [height: number, width: number, channels: number];
  /** Images of given factors, and of given w where there are any: [N, ...imageShape], float32 between 0 and 1. */
  render(v: FactorRows, w?: readonly ArrayLike<number>[]): Tensor;
  /** v: `count` rows of factors, all levels equally likely. */
  drawFactors(count: number, rng?: Rng): Int32Array[];
  /** w: `count` rows; undefined where the simulator has none. */
  drawNuisance(count: number, rng?: Rng): Float32Array[] | undefined;
  /** Rows start ... end - 1 of the grid of all combinations, the last factor changing fastest. Default: all of it. */
  factorGrid(start?: number, end?: number): Int32Array[];
  /** `count` images with the factors that they were made of. The images are the caller's to dispose. */
  sample(count: number, rng?: Rng): SimulatorSample;
  /** What `fit` takes as its data: a function that gives so many batches of fresh images, [batchSize, ...imageShape], an epoch. */
  batches(options: SimulatorBatches): (epoch: { readonly rng: Rng }) => Generator<Tensor>;
}

/** Images, and what they show. */
export interface SimulatorSample {
  /** [count, ...imageShape]. */
  readonly images: Tensor;
  /** v. */
  readonly factors: Int32Array[];
  /** w, where there is any. */
  readonly nuisance?: Float32Array[];
}

/** What `batches` takes. */
export interface SimulatorBatches {
  /** Batches an epoch. */
  readonly batches: number;
  /** Default 64. */
  readonly batchSize?: number;
}
