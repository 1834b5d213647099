import type { Tensor } from '@tensorflow/tfjs-core';
import type { CallOptions } from './bijector.js';

/** What is needed to run several maps of one kind, one after the other, forward, as one fused kernel. */
export interface Stack {
  /** Its name. Inputs are x and then the tensors of each map, outputs y and the log-det. */
  readonly kernel: string;
  tensors(call: CallOptions): readonly Tensor[];
  /** One map of these tensors, of TensorFlow.js's ops. */
  composed(x: Tensor, ...tensors: Tensor[]): [y: Tensor, logDet: Tensor];
}
