import type { Tensor } from '@tensorflow/tfjs-core';
import type { CallOptions } from './bijector.js';

/** What a call of an objective may take; what `fit` gives to a loss is fit for it. */
export interface ObjectiveOptions extends CallOptions {
  /** The step of training, from 1: what schedules go by. */
  readonly step?: number;
}

/** A differentiable estimate for each example, in nats, to be maximised: x [...batch, ...event] -> [...batch]. */
export type Objective = (x: Tensor, options?: ObjectiveOptions) => Tensor;

/** An objective that also tells what it is made of. */
export interface ObjectiveWithTerms<Terms extends Record<string, Tensor>> extends Objective {
  /** Every term [...batch], the value itself among them. */
  terms(x: Tensor, options?: ObjectiveOptions): Terms;
}
