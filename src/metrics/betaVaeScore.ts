import { checkInteger, checkOptions } from '../core/errors.js';
import type { Rng } from '../core/rng.js';
import { createRng } from '../core/rng.js';
import { meanOf } from '../core/statistics.js';
import { createBreather } from '../core/tiles.js';
import type { LogisticRegression } from './logisticRegression.js';
import { logisticRegression } from './logisticRegression.js';
import { randomIntegers, rowsByLevel } from './rowsByLevel.js';
import type { Columns, Representation } from './table.js';
import { checkSeveral, readRepresentation } from './table.js';

/** What `betaVaeScore` and `factorVaeScore` take. */
export interface VoteOptions extends Representation {
  /** Rows, or pairs of rows, that make one vote. Default 64. */
  readonly batchSize?: number;
  /** Votes to fit the classifier to. Default 10000. */
  readonly train?: number;
  /** Votes to judge it by. Default 5000. */
  readonly evaluate?: number;
  /** Default: a fresh seed. */
  readonly rng?: Rng;
}

/** What `betaVaeScore` reports. */
export interface BetaVaeReport {
  /** Accuracy on votes that the classifier was not fitted to: 1 at best, 1/K by chance. */
  readonly score: number;
  /** Accuracy on those that it was fitted to. */
  readonly trainScore: number;
}

/**
 * The metric of the beta-VAE: whether it can be told which factor was held fixed from where the codes differ least.
 *
 * A vote: a factor k is drawn, and pairs of rows that agree in it (the second drawn among the rows with the same level as the first).
 * The mean over the pairs of |z - z'|, [D], is what a linear classifier, a logistic regression with penalty |W|^2 / 2 on the summed log
 * loss, has to tell k from. A rotated code can have a high score too, where linear functions of the differences tell the factors
 * apart: `factorVaeScore` and `mig` are stricter.
 *
 * Shapes: codes [N, D], factors [N, K] with K of at least 2. Rows are drawn with replacement, so that a table of the whole factor
 * grid gives the metric's own distribution. Computed on the host in float64.
 *
 * @throws (rejects) for tables that do not fit each other, codes that are not finite, factors that are no integers or constant, a
 * single factor.
 * Source: Higgins et al. 2017, "beta-VAE: learning basic visual concepts with a constrained variational framework", section 3.
 * @example
 * ```ts
 * import { createRng } from 'tfjs-flows';
 * import { betaVaeScore } from 'tfjs-flows/metrics';
 *
 * const factors = Array.from({ length: 20 }, (_, i) => [i % 4, Math.floor(i / 4)]);
 * const codes = factors.map(([a, b]) => [1 - a, b / 2]);
 * const { score } = await betaVaeScore({ codes, factors, batchSize: 16, train: 200, evaluate: 100, rng: createRng(0) });
 * console.log(score); // => 1
 * ```
 */
export async function betaVaeScore(options: VoteOptions): Promise<BetaVaeReport> {
  const { columns, batchSize, train, evaluate, rng } = await readVotes('betaVaeScore', options, []);
  const same = columns.factors.map(rowsByLevel);
  const breathe = createBreather();

  const draw = async (votes: number): Promise<Votes> => {
    const features = columns.codes.map(() => new Float64Array(votes));
    const labels = randomIntegers(rng, votes, same.length);
    for (const [vote, k] of labels.entries()) {
      const partners = same[k] as (row: number) => readonly number[];
      const first = randomIntegers(rng, batchSize, columns.rows);
      const words = rng.bits(batchSize);
      const second = first.map((row, b) => {
        const rows = partners(row);
        return rows[Math.floor(((words[b] as number) / 2 ** 32) * rows.length)] as number;
      });
      columns.codes.forEach((code, d) => {
        let total = 0;
        for (let b = 0; b < batchSize; b++) {
          total += Math.abs((code[first[b] as number] as number) - (code[second[b] as number] as number));
        }
        (features[d] as Float64Array)[vote] = total / batchSize;
      });
      await breathe();
    }
    return { features, labels };
  };
  const { score, trainScore } = judgeDifferences(await draw(train), await draw(evaluate), same.length);
  return { score, trainScore };
}

/** Features, [D] columns of a number a vote, and the factor that was fixed. */
export interface Votes {
  readonly features: readonly Float64Array[];
  readonly labels: Int32Array;
}

/** Fits the classifier to some votes, and judges it by others. */
export function judgeDifferences(
  train: Votes,
  evaluate: Votes,
  factors: number,
): BetaVaeReport & { readonly model: LogisticRegression } {
  const model = logisticRegression(train.features, train.labels, factors);
  const accuracy = ({ features, labels }: Votes): number =>
    meanOf(model.predict(features).map((label, i) => Number(label === labels[i])));
  return { score: accuracy(evaluate), trainScore: accuracy(train), model };
}

/** The options, checked, with their defaults. */
export async function readVotes(
  where: string,
  options: VoteOptions,
  more: readonly string[],
): Promise<Required<Omit<VoteOptions, 'codes' | 'factors'>> & { readonly columns: Columns }> {
  checkOptions(where, options, ['codes', 'factors', 'batchSize', 'train', 'evaluate', 'rng', ...more]);
  const { batchSize = 64, train = 10000, evaluate = 5000, rng = createRng() } = options;
  checkInteger(where, 'options.batchSize', batchSize, 2);
  checkInteger(where, 'options.train', train, 1);
  checkInteger(where, 'options.evaluate', evaluate, 1);
  const columns = await readRepresentation(where, 'options', options);
  checkSeveral(where, 'options.factors', columns.factors);
  return { columns, batchSize, train, evaluate, rng };
}
