/** log|det| of a square matrix given by rows, by Gaussian elimination with partial pivoting, in float64 on the host. */
export function logAbsDet(matrix: readonly (readonly number[])[]): number {
  const rows = matrix.map((row) => [...row]);
  let total = 0;
  for (let k = 0; k < rows.length; k++) {
    let pivot = k;
    for (let i = k + 1; i < rows.length; i++) {
      if (Math.abs(at(rows, i, k)) > Math.abs(at(rows, pivot, k))) {
        pivot = i;
      }
    }
    const top = rows[pivot] as number[];
    rows[pivot] = rows[k] as number[];
    rows[k] = top;
    total += Math.log(Math.abs(top[k] as number));
    for (let i = k + 1; i < rows.length; i++) {
      const row = rows[i] as number[];
      const factor = (row[k] as number) / (top[k] as number);
      for (let j = k; j < rows.length; j++) {
        row[j] = (row[j] as number) - factor * (top[j] as number);
      }
    }
  }
  return total;
}

const at = (rows: readonly number[][], i: number, j: number): number => (rows[i] as number[])[j] as number;
