import type { Tensor } from '@tensorflow/tfjs-core';

/** What is appended to the name of a transformer's kernel: the same for some elements of each row, and the sum of their log-derivatives. */
export const ROWS = 'Rows';

/** What it is told, beside the settings of the transformer. Inputs are x [rows, D] and parameters [rows, moved, P]. */
export interface RowsAttributes {
  readonly inverse: boolean;
  /** The places of the elements, ascending. */
  readonly moved: readonly number[];
  /** The same, of TensorFlow.js's ops. */
  composed(x: Tensor, parameters: Tensor): [y: Tensor, logDet: Tensor];
}
