/** The largest less the second largest; a second one that is not there counts as 0. */
export function gapOf(values: readonly number[]): number {
  const [first, second = 0] = [...values].sort((a, b) => b - a) as [number, number?];
  return first - second;
}

/** Where the largest stands; the first of equal ones. */
export function indexOfLargest(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) {
    if ((values[i] as number) > (values[best] as number)) {
      best = i;
    }
  }
  return best;
}

/** A matrix [rows][columns] with its rows and columns exchanged. */
export function transposeOf(matrix: readonly (readonly number[])[]): number[][] {
  return (matrix[0] as readonly number[]).map((_, j) => matrix.map((row) => row[j] as number));
}
