import { checkOptions } from '../core/errors.js';
import { meanOf } from '../core/statistics.js';
import type { Table } from './table.js';
import { readTable } from './table.js';

/** What `gaussianTotalCorrelation` takes. */
export interface GaussianTotalCorrelationOptions {
  /** [N, D]. */
  readonly codes: Table;
}

/**
 * Total correlation that codes would have if they were Gaussian: the KL divergence, in nats, from the normal distribution with their
 * covariance S to the product of its marginals,
 *
 *   TC = (sum_d log S_dd - log det S) / 2 = -log det(correlation matrix) / 2.
 *
 * 0 for uncorrelated codes, infinite where one is a linear function of others. Needs no factors. Codes that are constant do not count.
 *
 * Shapes: codes [N, D]. Computed on the host in float64.
 *
 * @throws (rejects) for what is no table, and codes that are not finite.
 * Source: Locatello et al. 2019, "Challenging common assumptions in the unsupervised learning of disentangled representations",
 * section 5.3.
 * @example
 * ```ts
 * import { gaussianTotalCorrelation } from 'tfjs-flows/metrics';
 *
 * const codes = [[1, 2], [-1, 2], [1, -2], [-1, -2]];
 * console.log(await gaussianTotalCorrelation({ codes })); // => 0
 * ```
 */
export async function gaussianTotalCorrelation(options: GaussianTotalCorrelationOptions): Promise<number> {
  checkOptions('gaussianTotalCorrelation', options, ['codes']);
  const columns = await readTable('gaussianTotalCorrelation', 'options.codes', options.codes);
  const centred = columns
    .filter((column) => new Set(column).size > 1)
    .map((column) => {
      const mean = meanOf(column);
      return column.map((value) => value - mean);
    });
  // N times the covariance: what all variances have in common cancels.
  return totalCorrelationOf(
    centred.map((a) => centred.map((b) => a.reduce((total, value, i) => total + value * (b[i] as number), 0))),
  );
}

/** Of a normal distribution with that covariance matrix. */
export function totalCorrelationOf(covariance: readonly (readonly number[])[]): number {
  // Elimination: the pivot is what the codes before leave of a code's variance.
  const rest = covariance.map((row) => [...row]);
  let total = 0;
  covariance.forEach((row, d) => {
    const pivotRow = rest[d] as number[];
    const part = (pivotRow[d] as number) / (row[d] as number);
    total -= part > ROUNDING ? Math.log(part) : Number.NEGATIVE_INFINITY;
    for (let i = d + 1; i < rest.length; i++) {
      const other = rest[i] as number[];
      const factor = (other[d] as number) / (pivotRow[d] as number);
      for (let j = d; j < other.length; j++) {
        other[j] = (other[j] as number) - factor * (pivotRow[j] as number);
      }
    }
  });
  return Number.isNaN(total) ? Number.POSITIVE_INFINITY : total / 2;
}

/** Of a code's variance, what is left of a linear function of others. */
const ROUNDING = 1e-12;
