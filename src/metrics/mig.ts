import { checkInteger, checkOptions } from '../core/errors.js';
import { meanOf } from '../core/statistics.js';
import { informationOf } from './information.js';
import { gapOf } from './statistics.js';
import type { Representation } from './table.js';
import { readRepresentation } from './table.js';

/** What `mig` and `modularity` take. */
export interface InformationOptions extends Representation {
  /** Each code is divided into so many equal bins between its least and its greatest value. Default 20. */
  readonly bins?: number;
}

/** What `mig` reports. */
export interface MigReport {
  /** The mean of `perFactor`, between 0 and 1. */
  readonly score: number;
  /** For each factor the gap between the two codes that tell most about it, in parts of its entropy: [K]. */
  readonly perFactor: readonly number[];
  /** I(code; factor) in nats: [D][K]. */
  readonly mutualInformation: readonly (readonly number[])[];
  /** H(factor) in nats: [K]. */
  readonly factorEntropy: readonly number[];
}

/**
 * Mutual information gap: whether each factor is in one code alone.
 *
 *   MIG = 1/K sum_k (I(z_a; v_k) - I(z_b; v_k)) / H(v_k),   a and b the codes with the most and the second most information,
 *
 * with the empirical mutual information, in nats, of binned codes. 1 where every factor has a code of its own that tells all about
 * it and no other tells anything; 0 for codes that tell nothing, and for two that tell the same. Where there is one code only, the
 * second most counts as 0. Estimated from N rows, the information of independent variables is not 0 but about (bins - 1) (levels - 1) / 2N.
 *
 * Shapes: codes [N, D], factors [N, K]. Computed on the host in float64.
 *
 * @throws (rejects) for tables that do not fit each other, codes that are not finite, factors that are no integers or constant.
 * Source: Chen et al. 2018, "Isolating sources of disentanglement in variational autoencoders", section 4; the bins are those of
 * Locatello et al. 2019, "Challenging common assumptions in the unsupervised learning of disentangled representations".
 * @example
 * ```ts
 * import { mig } from 'tfjs-flows/metrics';
 *
 * const factors = [[0, 0], [0, 1], [1, 0], [1, 1]];
 * const aligned = factors.map(([a, b]) => [2 * b, 5 * a]);
 * const rotated = factors.map(([a, b]) => [a + b, a - b]);
 * console.log((await mig({ codes: aligned, factors })).score); // => 1
 * console.log((await mig({ codes: rotated, factors })).score); // => 0
 * ```
 */
export async function mig(options: InformationOptions): Promise<MigReport> {
  const { mutualInformation, factorEntropy } = await readInformation('mig', options);
  const perFactor = factorEntropy.map((entropy, k) => gapOf(mutualInformation.map((row) => row[k] as number)) / entropy);
  return { score: meanOf(perFactor), perFactor, mutualInformation, factorEntropy };
}

/** Checks the options and counts. */
export async function readInformation(
  where: string,
  options: InformationOptions,
  check: (factors: readonly unknown[]) => void = () => {},
): Promise<ReturnType<typeof informationOf>> {
  checkOptions(where, options, ['codes', 'factors', 'bins']);
  const { bins = 20 } = options;
  checkInteger(where, 'options.bins', bins, 2);
  const columns = await readRepresentation(where, 'options', options);
  check(columns.factors);
  return informationOf(columns, bins);
}
