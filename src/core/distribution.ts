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
  /** Axes of the batch of distributions, which a context may decide: a draw is [...shape, ...batch, ...event]. Default: none. */
  batchShape?(options?: { readonly context?: Tensor }): number[];
  /** Reparameterised wherever that is possible: gradients flow from the draw into the parameters. */
  sample(options?: SampleOptions): Tensor;
  /** log p(value) in nats, of the shape of value without its event axes. */
  logProb(value: Tensor, options?: CallOptions): Tensor;
  /** A draw and its log-density, for less than the two by themselves where both share work. */
  sampleAndLogProb(options?: SampleOptions): [sample: Tensor, logProb: Tensor];
  /** Where it exists. */
  mean?(options?: CallOptions): Tensor;
  /** Where it exists. */
  mode?(options?: CallOptions): Tensor;
  /** In nats, where it exists. */
  entropy?(options?: CallOptions): Tensor;
  /** What formulas between distributions go by, where there is any. */
  readonly family?: DistributionFamily;
  /** KL(this || other) of the batch shapes, where a formula exists for that pair; undefined otherwise. `klDivergence` asks it. */
  klTo?(other: Distribution, options?: CallOptions): Tensor | undefined;
}

/**
 * A family with a closed form, and the parameters that tell its members apart, each broadcastable to [...batch, ...event], or to
 * that with axes of its own behind it (the classes of categorical logits, the columns of a matrix).
 */
export interface DistributionFamily {
  readonly name: string;
  /** Fresh tensors, inside a tidy of the caller's. */
  parameters(options?: CallOptions): Readonly<Record<string, Tensor>>;
  /** KL(p || this), where p is a member of another family that this one knows a formula for; undefined otherwise. */
  klFrom?(p: DistributionFamily, options?: CallOptions): Tensor | undefined;
}
