import type { Tensor } from '@tensorflow/tfjs-core';
import type { CallOptions } from './bijector.js';
import type { Module } from './module.js';
import type { Rng } from './rng.js';

/** What a draw may take. */
export interface SampleOptions {
  /** Leading axes of independent draws: a result is [...shape, ...batch, ...event]. Default []: one draw. */
  readonly shape?: readonly number[];
  readonly context?: Tensor;
  /** Default: a generator with a fresh seed. */
  readonly rng?: Rng;
  /** Own parameters count as constants. */
  readonly frozen?: boolean;
}

/**
 * A probability distribution over events of one shape.
 *
 * A distribution whose parameters are tensors [...batch, ...event] is a batch of them. `logProb` takes
 * [...any, ...batch, ...event] and returns the shape without the event axes, in nats.
 */
export interface Distribution extends Module {
  readonly name: string;
  readonly eventShape: readonly number[];
  /** Reparameterised wherever that is possible: gradients flow from the draw into the parameters. */
  sample(options?: SampleOptions): Tensor;
  logProb(value: Tensor, options?: CallOptions): Tensor;
  sampleAndLogProb(options?: SampleOptions): [sample: Tensor, logProb: Tensor];
  /** Where it exists. */
  mean?(options?: CallOptions): Tensor;
  /** Where it exists. */
  mode?(options?: CallOptions): Tensor;
  /** In nats, where it exists. */
  entropy?(options?: CallOptions): Tensor;
}
