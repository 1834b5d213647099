import type { Tensor } from '@tensorflow/tfjs-core';
import { reshape } from '@tensorflow/tfjs-core';
import { fused } from '../core/fused.js';
import { sumTrailing } from '../core/shapes.js';
import type { Transformer } from '../core/transformer.js';

/** A direction of a transformer. */
export type TransformerMethod = 'forwardAndLogDerivative' | 'inverseAndLogDerivative';

/**
 * A transformer on some elements of each row; the others stay.
 *
 * @param inputs x [rows, D] and parameters [rows, moved P]
 * @param moved the places of the elements to transform, in ascending order
 * @param composed the same, of TensorFlow.js's ops, with parameters [rows, moved, P]
 * @returns y [rows, D] and the sums of the log-derivatives [rows]
 */
export function transformRows(
  { kernel, parameterSize }: Transformer,
  method: TransformerMethod,
  inputs: readonly [x: Tensor, parameters: Tensor],
  moved: readonly number[],
  composed: (x: Tensor, parameters: Tensor) => [y: Tensor, logDet: Tensor],
): [y: Tensor, logDet: Tensor] {
  const attributes: RowsAttributes = { inverse: method === 'inverseAndLogDerivative', moved };
  return fused(
    kernel && kernel.name + ROWS,
    inputs,
    (x, parameters) => composed(x, reshape(parameters, [-1, moved.length, parameterSize])),
    { ...kernel?.attributes, ...attributes },
  );
}

/** A transformer on all elements of each row, x [rows, D] and parameters [rows, D P]: y, and the sums of the log-derivatives [rows]. */
export const transformAll = (
  transformer: Transformer,
  method: TransformerMethod,
  x: Tensor,
  parameters: Tensor,
): [y: Tensor, logDet: Tensor] => {
  const all = Array.from({ length: x.shape[1] as number }, (_, d) => d);
  return transformRows(transformer, method, [x, parameters], all, (rows, p) => {
    const [y, logDerivative] = transformer[method](rows, p);
    return [y, sumTrailing(logDerivative, 1)];
  });
};

/** What is appended to the name of a transformer's kernel. */
export const ROWS = 'Rows';

/** What it is told, beside the settings of the transformer. */
export interface RowsAttributes {
  readonly inverse: boolean;
  readonly moved: readonly number[];
}
