import type { Tensor } from '@tensorflow/tfjs-core';
import { sumTrailing } from '../core/shapes.js';
import type { Transformer } from '../core/transformer.js';
import { join } from '../kernels/take/join.js';
import { take } from '../kernels/take/take.js';
import type { TransformerMethod } from '../kernels/transformRows.js';
import { transformRows } from '../kernels/transformRows.js';

/**
 * A transformer on some elements of each row; the others stay.
 *
 * @param dim elements of a row
 * @param moved the places of those to transform, in ascending order
 * @returns from x, float32 [rows, dim], and parameters [rows, moved P] to y [rows, dim] and the sums of the log-derivatives [rows]
 */
export function rowsTransformer(transformer: Transformer, dim: number, moved: readonly number[]): TransformRows {
  const kept = Array.from({ length: dim }, (_, d) => d).filter((d) => !moved.includes(d));
  return (method, ...inputs) =>
    transformRows(transformer, method, inputs, moved, (rows, p) => {
      const [y, logDerivative] = transformer[method](take(rows, moved), p);
      return [join([take(rows, kept), y], [kept, moved]), sumTrailing(logDerivative, 1)];
    });
}

/** See `rowsTransformer`. */
export type TransformRows = (method: TransformerMethod, x: Tensor, parameters: Tensor) => [y: Tensor, logDet: Tensor];
