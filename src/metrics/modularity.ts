import { meanOf, sumOf } from '../core/statistics.js';
import type { InformationOptions } from './mig.js';
import { readInformation } from './mig.js';
import { checkSeveral } from './table.js';

/** What `modularity` reports. */
export interface ModularityReport {
  /** The mean of `perCode`, between 0 and 1. */
  readonly score: number;
  /** [D]. */
  readonly perCode: readonly number[];
  /** I(code; factor) in nats: [D][K]. */
  readonly mutualInformation: readonly (readonly number[])[];
}

/**
 * Modularity: whether each code tells about one factor alone.
 *
 *   1/D sum_d 1 - (sum_{k != a} m_dk^2) / (m_da^2 (K - 1)),   m_dk = I(z_d; v_k),  a the factor that z_d tells most about,
 *
 * with the empirical mutual information, in nats, of binned codes. A code that tells nothing counts as 0. Several codes may share a
 * factor: that several are needed to tell it is what `explicitness` and `mig` see.
 *
 * Shapes: codes [N, D], factors [N, K] with K of at least 2. Computed on the host in float64.
 *
 * @throws (rejects) as `mig` does, and for a single factor.
 * Source: Ridgeway and Mozer 2018, "Learning deep disentangled embeddings with the F-statistic loss", section 3.
 * @example
 * ```ts
 * import { modularity } from 'tfjs-flows/metrics';
 *
 * const factors = [[0, 0], [0, 1], [1, 0], [1, 1]];
 * const codes = factors.map(([a, b]) => [a, b, a + b]);
 * const { perCode, score } = await modularity({ codes, factors });
 * console.log(perCode, score.toFixed(4)); // => [ 1, 1, 0 ] 0.6667
 * ```
 */
export async function modularity(options: InformationOptions): Promise<ModularityReport> {
  const { mutualInformation } = await readInformation('modularity', options, (factors) =>
    checkSeveral('modularity', 'options.factors', factors),
  );
  const perCode = mutualInformation.map(modularityOf);
  return { score: meanOf(perCode), perCode, mutualInformation };
}

/** Of a code that tells so much about each factor. */
export function modularityOf(information: readonly number[]): number {
  const squares = information.map((m) => m ** 2);
  const largest = Math.max(...squares);
  return largest === 0 ? 0 : 1 - (sumOf(squares) - largest) / (largest * (squares.length - 1));
}
