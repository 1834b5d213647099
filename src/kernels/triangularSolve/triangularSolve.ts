import type { GradSaveFunc, Tensor } from '@tensorflow/tfjs-core';
import {
  cast,
  customGrad,
  div,
  greater,
  matMul,
  mul,
  neg,
  range,
  reshape,
  slice,
  sub,
  sum,
  tidy,
  transpose,
} from '@tensorflow/tfjs-core';

/**
 * The z with L z = b for every row b, L the lower triangle of a matrix, its diagonal without a zero: [M, D, D] and [M, N, D] give
 * [M, N, D]. Entries above the diagonal do not count.
 *
 * D steps of substitution over all rows at once, on the device. The gradient is one more solution, with the transpose, and one product;
 * any number of derivatives may be taken.
 */
export function triangularSolve(lower: Tensor, rows: Tensor): Tensor {
  return solve(lower, rows, false);
}

function solve(lower: Tensor, rows: Tensor, transposed: boolean): Tensor {
  return customGrad((l, r, save) => {
    const [matrix, given] = [l as Tensor, r as Tensor];
    (save as unknown as GradSaveFunc)([matrix, given]);
    return {
      value: substitute(matrix, given, transposed),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [matrix, given] = saved as [Tensor, Tensor];
        const inRows = solve(matrix, dy, !transposed);
        // Not the saved result, through which no second derivative would pass.
        const z = solve(matrix, given, transposed);
        const [left, right] = transposed ? [z, inRows] : [inRows, z];
        const outer = matMul(transpose(left, [0, 2, 1]), right);
        return [neg(lowerTriangle(outer, true)), inRows];
      },
    };
  })(lower, rows);
}

/** x with zeros above the diagonal, and on it too unless it is included; [..., D, D]. */
export function lowerTriangle(x: Tensor, diagonal: boolean): Tensor {
  const size = x.shape.at(-1) as number;
  const columns = range(0, size);
  const rows = reshape(range(diagonal ? 1 : 0, diagonal ? size + 1 : size), [size, 1]);
  return mul(x, cast(greater(rows, columns), 'float32'));
}

/** The diagonal: [..., D, D] -> [..., D]. */
export function diagonalOf(x: Tensor): Tensor {
  return sum(sub(lowerTriangle(x, true), lowerTriangle(x, false)), -1);
}

function substitute(lower: Tensor, rows: Tensor, transposed: boolean): Tensor {
  const [count, size] = lower.shape as [number, number, number];
  const diagonal = reshape(diagonalOf(lower), [count, 1, size]);
  const strict = lowerTriangle(lower, false);
  // Column i of the matrix, which is to act on z_i = rest_i / diagonal_i, divided by that diagonal entry already.
  const columns = div(transposed ? transpose(strict, [0, 2, 1]) : strict, diagonal);
  let rest = rows;
  for (let step = 0; step < size - 1; step++) {
    const i = transposed ? size - 1 - step : step;
    const before = rest;
    rest = tidy(() => {
      const column = reshape(slice(columns, [0, 0, i], [count, size, 1]), [count, 1, size]);
      return sub(before, mul(slice(before, [0, 0, i], [-1, -1, 1]), column));
    });
  }
  return div(rest, diagonal);
}
