import { meanOf, standardErrorOf } from '../core/statistics.js';

/** Terms that are averaged, by name, with their standard errors. */
export interface Summary<Name extends string> {
  readonly means: Record<Name, number>;
  readonly standardErrors: Record<Name, number>;
}

/**
 * The mean of each term over `samples` draws from each of n data points, draw s of data point i at s n + i, and its standard error
 * over the data points.
 */
export function summarize<Name extends string>(
  names: readonly Name[],
  n: number,
  samples: number,
  termsOf: (m: number) => Readonly<Record<Name, number>>,
): Summary<Name> {
  const points = names.map(() => new Float64Array(n));
  for (let m = 0; m < n * samples; m++) {
    const terms = termsOf(m);
    for (const [k, name] of names.entries()) {
      const point = points[k] as Float64Array;
      point[m % n] = (point[m % n] as number) + terms[name] / samples;
    }
  }
  const gather = (of: (values: Float64Array) => number): Record<Name, number> =>
    Object.fromEntries(names.map((name, k) => [name, of(points[k] as Float64Array)])) as Record<Name, number>;
  return { means: gather(meanOf), standardErrors: gather(standardErrorOf) };
}

/** Nats by which the mutual information may miss log N and still count as saturated. */
const MARGIN = 0.1;

/** Is the mutual information of N data points and their codes as large as it can be, but for its standard error or a margin? */
export function isSaturated(information: number, standardError: number, n: number): boolean {
  return Math.log(n) - information <= Math.max(MARGIN, n === 1 ? 0 : standardError);
}
