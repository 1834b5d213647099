import type { Tensor } from '@tensorflow/tfjs-core';
import type { CallOptions } from './bijector.js';

/** A differentiable estimate for each example, in nats, to be maximised: x [...batch, ...event] -> [...batch]. */
export type Objective = (x: Tensor, options?: CallOptions) => Tensor;

/** An objective that also tells what it is made of. */
export interface ObjectiveWithTerms<Terms extends Record<string, Tensor>> extends Objective {
  /** Every term [...batch], the value itself among them. */
  terms(x: Tensor, options?: CallOptions): Terms;
}
