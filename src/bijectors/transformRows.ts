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
 * @param x float32 [rows, D]
 * @param parameters [rows, moved, P]
 * @param moved the places of the elements, in ascending order
 * @returns y [rows, D], and the sums of the log-derivatives [rows]
 */
export function transformRows(
  transformer: Transformer,
  method: 'forwardAndLogDerivative' | 'inverseAndLogDerivative',
  x: Tensor,
  parameters: Tensor,
  moved: readonly number[],
): [y: Tensor, logDet: Tensor] {
  const places = Array.from({ length: x.shape[1] as number }, (_, d) => d);
  const composed = (rows: Tensor, p: Tensor): [Tensor, Tensor] => {
    if (moved.length === places.length) {
      const [y, logDerivative] = transformer[method](rows, p);
      return [y, sumTrailing(logDerivative, 1)];
    }
    const kept = places.filter((d) => !moved.includes(d));
    const [y, logDerivative] = transformer[method](take(rows, moved), p);
    return [join([take(rows, kept), y], [kept, moved]), sumTrailing(logDerivative, 1)];
  };
  const { kernel } = transformer;
  const attributes: RowsAttributes = { ...kernel?.attributes, inverse: method === 'inverseAndLogDerivative', moved, composed };
  const made = kernel && fused(kernel.name + ROWS, [x, parameters], attributes);
  return (made as [Tensor, Tensor] | undefined) ?? composed(x, parameters);
}
