import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { expectNoLeak } from '../../testing/index.js';
import { diagonalOf, lowerTriangle, triangularSolve } from './triangularSolve.js';

/** Two matrices, whose upper entries are there to be ignored, and three rows for each. */
const L = [
  [
    [2, 9, -7],
    [0.5, -1.5, 8],
    [-1, 0.75, 0.5],
  ],
  [
    [-1, 5, 6],
    [2, 0.25, 7],
    [0.5, -0.5, 3],
  ],
];
const ROWS = [
  [
    [1, -2, 0.5],
    [0.25, 3, -1],
    [-0.5, 0.75, 2],
  ],
  [
    [2, 1, -1],
    [0.5, -0.25, 0.75],
    [-3, 1.5, 0.125],
  ],
];

function substituted(matrix: number[][], row: number[]): number[] {
  const z: number[] = [];
  matrix.forEach((entries, i) => {
    const known = z.reduce((sum, value, j) => sum + (entries[j] as number) * value, 0);
    z.push(((row[i] as number) - known) / (entries[i] as number));
  });
  return z;
}

describe('triangularSolve', () => {
  it('solves for every row of every matrix, the upper triangle ignored', () => {
    const found = triangularSolve(tf.tensor3d(L), tf.tensor3d(ROWS)).arraySync() as number[][][];
    L.forEach((matrix, m) => {
      ROWS[m]?.forEach((row, n) => {
        substituted(matrix, row).forEach((value, d) => {
          expect(found[m]?.[n]?.[d]).toBeCloseTo(value, 4);
        });
      });
    });
    expect(triangularSolve(tf.tensor3d([[[4]]]), tf.tensor3d([[[2], [6]]])).arraySync()).toEqual([[[0.5], [1.5]]]);
    // An odd number of steps.
    const two = triangularSolve(
      tf.tensor3d([
        [
          [2, 5],
          [3, -4],
        ],
      ]),
      tf.tensor3d([[[1, 0.5]]]),
    );
    expect(two.arraySync()).toEqual([[[0.5, 0.25]]]);
  });

  it('has the gradients of finite differences, of the first and second order, none above the diagonal', () => {
    const weights = tf.tensor3d(ROWS.map((rows) => rows.map((row) => row.map((value) => value + 0.5))));
    // Not linear in the rows, so that second derivatives are there.
    const loss = (l: tf.Tensor, b: tf.Tensor) => tf.sum(tf.mul(tf.square(triangularSolve(l, b)), weights));
    const values = [tf.tensor3d(L), tf.tensor3d(ROWS)] as const;
    const onHost = (l: number[][][], b: number[][][]): number =>
      l.reduce(
        (total, matrix, m) =>
          total +
          (b[m] as number[][]).reduce(
            (sum, row, n) =>
              sum + substituted(matrix, row).reduce((s, z, d) => s + z * z * ((ROWS[m]?.[n]?.[d] as number) + 0.5), 0),
            0,
          ),
        0,
      );
    const differences = (table: number[][][], at: (moved: number[][][]) => number): number[] =>
      table.flatMap((rows, m) =>
        rows.flatMap((row, i) =>
          row.map((value, j) => {
            const moved = (by: number): number => {
              const copy = structuredClone(table);
              ((copy[m] as number[][])[i] as number[])[j] = value + by;
              return at(copy);
            };
            return (moved(1e-5) - moved(-1e-5)) / 2e-5;
          }),
        ),
      );
    const close = (found: tf.Tensor, expected: number[]): void => {
      found.dataSync().forEach((value, i) => {
        expect(Math.abs(value - (expected[i] as number))).toBeLessThan(2e-5 * (1 + Math.abs(expected[i] as number)));
      });
    };
    const [inL, inRows] = tf.grads(loss)([...values]) as [tf.Tensor, tf.Tensor];
    close(
      inL,
      differences(L, (l) => onHost(l, ROWS)),
    );
    close(
      inRows,
      differences(ROWS, (b) => onHost(L, b)),
    );
    // The slope along a direction, differentiated once more, against differences of our own first derivatives.
    const direction = tf.tensor3d(L.map((rows) => rows.map((row) => row.map((value) => Math.sin(value)))));
    const along = (l: tf.Tensor) => tf.sum(tf.mul(tf.grad((x: tf.Tensor) => loss(x, values[1]))(l), direction));
    const second = tf.grad(along)(values[0]).dataSync();
    const step = (by: number) => tf.grad((x: tf.Tensor) => loss(x, values[1]))(tf.add(values[0], tf.mul(direction, by)));
    const expected = tf.div(tf.sub(step(2e-3), step(-2e-3)), 4e-3).dataSync();
    second.forEach((value, i) => {
      expect(Math.abs(value - (expected[i] as number))).toBeLessThan(2e-2 * (1 + Math.abs(expected[i] as number)));
    });
  });

  it('takes triangles and diagonals, and leaks nothing', async () => {
    const x = tf.tensor3d(L);
    // Without the signs of zeros.
    expect((tf.add(lowerTriangle(x, true), 0).arraySync() as number[][][])[0]).toEqual([
      [2, 0, 0],
      [0.5, -1.5, 0],
      [-1, 0.75, 0.5],
    ]);
    expect((tf.add(lowerTriangle(x, false), 0).arraySync() as number[][][])[1]).toEqual([
      [0, 0, 0],
      [2, 0, 0],
      [0.5, -0.5, 0],
    ]);
    expect(diagonalOf(x).arraySync()).toEqual([
      [2, -1.5, 0.5],
      [-1, 0.25, 3],
    ]);
    expect(diagonalOf(tf.reshape(x, [2, 1, 3, 3])).arraySync()).toEqual([[[2, -1.5, 0.5]], [[-1, 0.25, 3]]]);
    const rows = tf.tensor3d(ROWS);
    await expectNoLeak(() => triangularSolve(x, rows));
  });
});
