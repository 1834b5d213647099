import type { Rng } from './rng.js';

/** Factors of a square matrix W = P L U, on the host. */
export interface Plu {
  readonly permutation: readonly (readonly number[])[];
  /** Ones on the diagonal. */
  readonly lower: readonly (readonly number[])[];
  readonly upper: readonly (readonly number[])[];
  /** The diagonal of U. */
  readonly scales: readonly number[];
}

/** A random orthogonal matrix [dim][dim], uniform among all, in float64: normal columns, made orthonormal one after the other. */
export function randomRotation(dim: number, rng: Rng): number[][] {
  const rows: number[][] = [];
  while (rows.length < dim) {
    const row = normals(dim, rng);
    // Twice, since once leaves what rounding makes of nearly parallel rows.
    for (const other of [...rows, ...rows]) {
      const along = row.reduce((sum, value, i) => sum + value * (other[i] as number), 0);
      row.forEach((value, i) => {
        row[i] = value - along * (other[i] as number);
      });
    }
    const length = Math.hypot(...row);
    rows.push(row.map((value) => value / length));
  }
  return rows;
}

/** W = P L U with partial pivoting. */
export function pluOf(matrix: readonly (readonly number[])[]): Plu {
  const size = matrix.length;
  const work = matrix.map((row) => [...row]);
  const order = work.map((_, i) => i);
  const at = (i: number, j: number): number => (work[i] as number[])[j] as number;
  for (let k = 0; k < size; k++) {
    let pivot = k;
    for (let i = k + 1; i < size; i++) {
      if (Math.abs(at(i, k)) > Math.abs(at(pivot, k))) pivot = i;
    }
    for (const list of [work, order] as unknown[][]) {
      [list[k], list[pivot]] = [list[pivot], list[k]];
    }
    for (let i = k + 1; i < size; i++) {
      const factor = at(i, k) / at(k, k);
      const row = work[i] as number[];
      row[k] = factor;
      for (let j = k + 1; j < size; j++) {
        row[j] = at(i, j) - factor * at(k, j);
      }
    }
  }
  const places = order.map((_, i) => i);
  const build = (entry: (i: number, j: number) => number): number[][] => places.map((i) => places.map((j) => entry(i, j)));
  return {
    // Row i of L U is row order[i] of W.
    permutation: build((i, j) => (order[j] === i ? 1 : 0)),
    lower: build((i, j) => (i > j ? at(i, j) : i === j ? 1 : 0)),
    upper: build((i, j) => (i <= j ? at(i, j) : 0)),
    scales: places.map((i) => at(i, i)),
  };
}

/** Box-Muller on the host. */
function normals(count: number, rng: Rng): number[] {
  const bits = rng.bits(2 * count);
  return Array.from({ length: count }, (_, i) => {
    const [a, b] = [((bits[2 * i] as number) + 0.5) / 2 ** 32, (bits[2 * i + 1] as number) / 2 ** 32];
    return Math.sqrt(-2 * Math.log(a)) * Math.cos(2 * Math.PI * b);
  });
}
