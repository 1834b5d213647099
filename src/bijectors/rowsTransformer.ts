import type { Tensor } from '@tensorflow/tfjs-core';
import { fused } from '../core/fused.js';
import { sumTrailing } from '../core/shapes.js';
import type { Transformer } from '../core/transformer.js';
import { join } from '../kernels/take/join.js';
import { take } from '../kernels/take/take.js';
import type { RowsAttributes } from '../kernels/transformRows.js';
import { ROWS } from '../kernels/transformRows.js';

/**
 * A transformer on some elements of each row; the others stay.
 *
 * @param dim elements of a row
 * @param moved the places of those to transform, in ascending order
 * @returns from x, float32 [rows, dim], and parameters [rows, moved, P] to y [rows, dim] and the sums of the log-derivatives [rows]
 */
export function rowsTransformer(transformer: Transformer, dim: number, moved: readonly number[]): TransformRows {
  const { kernel } = transformer;
  const kept = Array.from({ length: dim }, (_, d) => d).filter((d) => !moved.includes(d));
  return (method, x, parameters) => {
    const composed = (rows: Tensor, p: Tensor): [Tensor, Tensor] => {
      const [y, logDerivative] = transformer[method](kept.length === 0 ? rows : take(rows, moved), p);
      return [kept.length === 0 ? y : join([take(rows, kept), y], [kept, moved]), sumTrailing(logDerivative, 1)];
    };
    const attributes: RowsAttributes = { ...kernel?.attributes, inverse: method === 'inverseAndLogDerivative', moved, composed };
    const made = kernel && fused(kernel.name + ROWS, [x, parameters], attributes);
    return (made as [Tensor, Tensor] | undefined) ?? composed(x, parameters);
  };
}

/** See `rowsTransformer`. */
export type TransformRows = (
  method: 'forwardAndLogDerivative' | 'inverseAndLogDerivative',
  x: Tensor,
  parameters: Tensor,
) => [y: Tensor, logDet: Tensor];
