/**
 * The coordinates of points along their two directions of largest variance, [count, 2].
 *
 * @param points [count, dim]
 */
export function principalComponents(points: ArrayLike<number>, dim: number): Float32Array {
  const count = points.length / dim;
  const means = Array.from({ length: dim }, (_, d) => {
    let total = 0;
    for (let i = 0; i < count; i++) total += points[i * dim + d] as number;
    return total / count;
  });
  const centred = Float64Array.from(points, (value, i) => value - (means[i % dim] as number));
  const first = direction(centred, dim, []);
  const second = direction(centred, dim, [first]);
  const along = new Float32Array(count * 2);
  for (let i = 0; i < count; i++) {
    const point = centred.subarray(i * dim, (i + 1) * dim);
    along[2 * i] = dot(point, first);
    along[2 * i + 1] = dot(point, second);
  }
  return along;
}

/** The direction of largest variance at right angles to the given ones, by power iteration. */
function direction(centred: Float64Array, dim: number, others: readonly Float64Array[]): Float64Array {
  let guess = Float64Array.from({ length: dim }, (_, d) => Math.cos(d + 1));
  for (let iteration = 0; iteration < 100; iteration++) {
    const next = new Float64Array(dim);
    for (let start = 0; start < centred.length; start += dim) {
      const point = centred.subarray(start, start + dim);
      const weight = dot(point, guess);
      point.forEach((value, d) => {
        next[d] = (next[d] as number) + weight * value;
      });
    }
    for (const other of others) {
      const overlap = dot(next, other);
      other.forEach((value, d) => {
        next[d] = (next[d] as number) - overlap * value;
      });
    }
    const length = Math.sqrt(dot(next, next));
    guess = next.map((value) => value / length);
  }
  return guess;
}

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((total, value, i) => total + value * (b[i] as number), 0);
