import type { Tensor } from '@tensorflow/tfjs-core';
import type { CallOptions } from './bijector.js';
import type { Module } from './module.js';

/** A network: x [...batch, inputDim] and, where contextDim > 0, context [...batch, contextDim] -> [...batch, outputDim]. */
export interface Conditioner extends Module {
  readonly inputDim: number;
  readonly outputDim: number;
  /** 0: takes no context. */
  readonly contextDim: number;
  /** The parameters for x: [...batch, outputDim]. */
  apply(x: Tensor, options?: CallOptions): Tensor;
}

/**
 * A conditioner whose outputs d P ... d P + P - 1 depend on the inputs of lower order than input d, and on nothing else of x.
 */
export interface AutoregressiveConditioner extends Conditioner {
  /** The rank of each input, a permutation of 0 ... inputDim - 1; an int32 tensor [inputDim] where it is saved with the weights. */
  readonly order: Tensor | readonly number[];
  /**
   * Where it is cheaper to evaluate the network input by input, each time its entry has become known, than from the start for each.
   *
   * Begins an evaluation for a batch of that shape, and returns its next step: the first call, given nothing, returns the
   * parameters [...batch, P] of the input of rank 0; call r, given the input of rank r - 1, [...batch], those of rank r. What it
   * keeps between the steps lives until the tidy around them ends. Undefined where that cannot be done after all. A conditioner with an `apply` of its own must not keep the
   * `stepwise` of another.
   */
  readonly stepwise?: ((batch: readonly number[], options: CallOptions) => ((entry?: Tensor) => Tensor) | undefined) | undefined;
}
