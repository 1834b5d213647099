/** The sum of numbers on the host, in float64, as are the mean and the rest below. */
export function sumOf(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) {
    total += values[i] as number;
  }
  return total;
}

export function meanOf(values: ArrayLike<number>): number {
  return sumOf(values) / values.length;
}

/** The variance, divided by `count - less`. */
export function varianceOf(values: ArrayLike<number>, less: 0 | 1): number {
  const mean = meanOf(values);
  let total = 0;
  for (let i = 0; i < values.length; i++) {
    total += ((values[i] as number) - mean) ** 2;
  }
  return total / (values.length - less);
}

/** The standard error of the mean; NaN for a single number. */
export function standardErrorOf(values: ArrayLike<number>): number {
  return Math.sqrt(varianceOf(values, 1) / values.length);
}
