import type { Tensor } from '@tensorflow/tfjs-core';
import type { Cost } from './bijector.js';

/**
 * A monotone scalar map, element by element, whose parameters come from elsewhere, usually from a conditioner.
 *
 * With x of shape [...s] and parameters of shape [...s, P], both methods return tensors of shape [...s]: the value, and the
 * logarithm of the derivative of the map that was run.
 */
export interface Transformer {
  readonly name: string;
  /** P: how many numbers one element takes. All zero means the identity, unless the transformer says otherwise. */
  readonly parameterSize: number;
  readonly forwardCost: Cost;
  readonly inverseCost: Cost;
  forwardAndLogDerivative(x: Tensor, parameters: Tensor): [y: Tensor, logDerivative: Tensor];
  inverseAndLogDerivative(y: Tensor, parameters: Tensor): [x: Tensor, logDerivative: Tensor];
}
