import { checkNumber } from '../core/errors.js';
import { sumOf, varianceOf } from '../core/statistics.js';
import { createBreather } from '../core/tiles.js';
import type { VoteOptions } from './betaVaeScore.js';
import { readVotes } from './betaVaeScore.js';
import { randomIntegers, rowsByLevel } from './rowsByLevel.js';
import { indexOfLargest } from './statistics.js';

/** What `factorVaeScore` takes. */
export interface FactorVaeOptions extends VoteOptions {
  /** Codes whose standard deviation over all rows is below this tell nothing, and do not vote. Default 0.05. */
  readonly pruneBelow?: number;
}

/** What `factorVaeScore` reports. */
export interface FactorVaeReport {
  /** Accuracy on votes that the classifier was not made of: 1 at best, 0 where no code is active. */
  readonly score: number;
  /** Accuracy on those that it was made of. */
  readonly trainScore: number;
  /** Which codes vary, [D]. */
  readonly active: readonly boolean[];
  /** How often each code varied least while each factor was fixed, in the votes that made the classifier: [D][K]. */
  readonly votes: readonly (readonly number[])[];
}

/**
 * The metric of the FactorVAE: whether the code that varies least tells which factor was held fixed.
 *
 * A vote: a factor k is drawn, then one of its levels (that of a row drawn among all), then a batch of rows with that level. Among the
 * active codes the one with the least variance over the batch, in parts of its variance over all rows, votes for k. The classifier
 * takes each code for the factor that it voted for most often (the first of equal ones).
 *
 * Shapes: codes [N, D], factors [N, K] with K of at least 2. Rows are drawn with replacement, so that a table of the whole factor
 * grid gives the metric's own distribution. Computed on the host in float64.
 *
 * @throws (rejects) for tables that do not fit each other, codes that are not finite, factors that are no integers or constant, a
 * single factor.
 * Source: Kim and Mnih 2018, "Disentangling by factorising", section 4; pruning as in Locatello et al. 2019.
 * @example
 * ```ts
 * import { createRng } from 'tfjs-flows';
 * import { factorVaeScore } from 'tfjs-flows/metrics';
 *
 * const factors = Array.from({ length: 20 }, (_, i) => [i % 4, Math.floor(i / 4)]);
 * const codes = factors.map(([a, b]) => [1 - a, b / 2, 7]);
 * const { score, active } = await factorVaeScore({ codes, factors, train: 200, evaluate: 100, rng: createRng(0) });
 * console.log(score, active); // => 1 [ true, true, false ]
 * ```
 */
export async function factorVaeScore(options: FactorVaeOptions): Promise<FactorVaeReport> {
  const { columns, batchSize, train, evaluate, rng } = await readVotes('factorVaeScore', options, ['pruneBelow']);
  const { pruneBelow = 0.05 } = options;
  checkNumber('factorVaeScore', 'options.pruneBelow', pruneBelow, { least: 0 });
  const same = columns.factors.map(rowsByLevel);
  const code = codeThatVariesLeast(columns.codes, pruneBelow);
  const breathe = createBreather();

  const draw = async (votes: number): Promise<FixedVotes> => {
    const factors = randomIntegers(rng, votes, same.length);
    const codes = new Int32Array(votes);
    for (const [vote, k] of factors.entries()) {
      const [row] = randomIntegers(rng, 1, columns.rows) as unknown as [number];
      const rows = (same[k] as (row: number) => readonly number[])(row);
      const batch = randomIntegers(rng, batchSize, rows.length).map((b) => rows[b] as number);
      codes[vote] = code.of(columns.codes.map((column) => pick(column, batch)));
      await breathe();
    }
    return { factors, codes };
  };
  return { ...judgeVotes(await draw(train), await draw(evaluate), columns.codes.length, same.length), active: code.active };
}

function pick(column: Float64Array, rows: Int32Array): Float64Array {
  const picked = new Float64Array(rows.length);
  for (let b = 0; b < rows.length; b++) {
    picked[b] = column[rows[b] as number] as number;
  }
  return picked;
}

/** What varies how much over all rows, and what varies least in a batch. */
export interface LeastVariance {
  readonly variances: readonly number[];
  readonly active: readonly boolean[];
  /** The active code that varies least in a batch, which comes column by column; -1 where none is active. */
  of(batch: readonly Float64Array[]): number;
}

export function codeThatVariesLeast(codes: readonly Float64Array[], pruneBelow: number): LeastVariance {
  const variances = codes.map((column) => varianceOf(column, 1));
  const active = variances.map((variance) => variance > 0 && Math.sqrt(variance) >= pruneBelow);
  return {
    variances,
    active,
    of: (batch) => {
      let [best, least] = [-1, Number.POSITIVE_INFINITY];
      batch.forEach((column, d) => {
        const ratio = active[d] ? varianceOf(column, 1) / (variances[d] as number) : Number.POSITIVE_INFINITY;
        if (ratio < least) {
          [best, least] = [d, ratio];
        }
      });
      return best;
    },
  };
}

/** For each vote the factor that was fixed and the code that varied least. */
export interface FixedVotes {
  readonly factors: Int32Array;
  readonly codes: Int32Array;
}

/** Makes the majority classifier of some votes, and judges it by others. */
export function judgeVotes(
  train: FixedVotes,
  evaluate: FixedVotes,
  codes: number,
  factors: number,
): Pick<FactorVaeReport, 'score' | 'trainScore' | 'votes'> {
  const votes = countVotes(train, codes, factors);
  const classifier = votes.map(indexOfLargest);
  const accuracy = (counts: readonly (readonly number[])[], of: FixedVotes): number =>
    sumOf(counts.map((row, d) => row[classifier[d] as number] as number)) / of.codes.length;
  return { score: accuracy(countVotes(evaluate, codes, factors), evaluate), trainScore: accuracy(votes, train), votes };
}

function countVotes(votes: FixedVotes, codes: number, factors: number): number[][] {
  const counts = Array.from({ length: codes }, () => new Array<number>(factors).fill(0));
  votes.codes.forEach((d, vote) => {
    const row = counts[d];
    if (row !== undefined) {
      const k = votes.factors[vote] as number;
      row[k] = (row[k] as number) + 1;
    }
  });
  return counts;
}
