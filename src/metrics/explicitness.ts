import { checkOptions } from '../core/errors.js';
import { createRng } from '../core/rng.js';
import { meanOf, varianceOf } from '../core/statistics.js';
import { logisticRegression } from './logisticRegression.js';
import type { HeldOut, Representation } from './table.js';
import { classesOf, labelsAmong, readTrainAndTest } from './table.js';

/** What `explicitness` takes. */
export interface ExplicitnessOptions extends Representation, HeldOut {}

/** What `explicitness` reports. */
export interface ExplicitnessReport {
  /** The mean of `perFactor`: 1 where lines in all codes tell every level, 0.5 for chance. */
  readonly score: number;
  /** The same on the rows that were fitted. */
  readonly trainScore: number;
  /** [K], on the rows held out. */
  readonly perFactor: readonly number[];
  /** [K], on the rows that were fitted. */
  readonly trainPerFactor: readonly number[];
}

/**
 * Explicitness: how well linear functions of all codes tell the levels of each factor apart. The other half of `modularity`.
 *
 * For each factor a logistic regression (penalty |W|^2 / 2 on the summed log loss) is fitted to the codes, brought to mean 0 and
 * variance 1; its score is the area under the ROC curve of each level against the others, averaged over the levels that occur.
 *
 * Shapes: codes [N, D], factors [N, K]. Computed on the host in float64.
 *
 * @throws (rejects) for tables that do not fit each other, codes that are not finite, factors that are no integers or constant.
 * Source: Ridgeway and Mozer 2018, "Learning deep disentangled embeddings with the F-statistic loss", section 3.
 * @example
 * ```ts
 * import { explicitness } from 'tfjs-flows/metrics';
 *
 * const factors = [[0, 0], [0, 1], [1, 0], [1, 1]];
 * const rotated = factors.map(([a, b]) => [a + b, a - b]); // not aligned with the axes, but linear
 * const { score } = await explicitness({ codes: rotated, factors, test: { codes: rotated, factors } });
 * console.log(score); // => 1
 * ```
 */
export async function explicitness(options: ExplicitnessOptions): Promise<ExplicitnessReport> {
  checkOptions('explicitness', options, ['codes', 'factors', 'test', 'rng']);
  const [train, test] = await readTrainAndTest('explicitness', options, options.rng ?? createRng());
  const scales = train.codes.map((column) => [meanOf(column), Math.sqrt(varianceOf(column, 0)) || 1] as const);
  const normalise = (columns: readonly Float64Array[]): Float64Array[] =>
    columns.map((column, d) => {
      const [mean, scale] = scales[d] as readonly [number, number];
      return column.map((value) => (value - mean) / scale);
    });
  const [trainCodes, testCodes] = [normalise(train.codes), normalise(test.codes)];

  const areas = train.factors.map((factor, k) => {
    const { values, labels } = classesOf(factor);
    const model = logisticRegression(trainCodes, labels, values.length);
    const truth = labelsAmong(values, test.factors[k] as Float64Array);
    return [meanArea(model.probabilities(trainCodes), labels), meanArea(model.probabilities(testCodes), truth)] as const;
  });
  const trainPerFactor = areas.map(([area]) => area);
  const perFactor = areas.map(([, area]) => area);
  return { score: meanOf(perFactor), trainScore: meanOf(trainPerFactor), perFactor, trainPerFactor };
}

/** The mean over the classes that occur of the area under their ROC curves. A class that was never fitted is told by chance. */
function meanArea(probabilities: readonly number[][], labels: Int32Array): number {
  return meanOf(
    [...new Set(labels)].map((label) =>
      areaUnderCurve(
        probabilities.map((row) => row[label] ?? 0),
        (i) => labels[i] === label,
      ),
    ),
  );
}

/** The probability that a positive has a higher score than a negative, ties counting half. */
function areaUnderCurve(scores: readonly number[], isPositive: (i: number) => boolean): number {
  const tied = new Map<number, { positives: number; negatives: number }>();
  scores.forEach((score, i) => {
    const counts = tied.get(score) ?? { positives: 0, negatives: 0 };
    counts[isPositive(i) ? 'positives' : 'negatives'] += 1;
    tied.set(score, counts);
  });
  let [wins, allPositives, below] = [0, 0, 0];
  for (const [, { positives, negatives }] of [...tied].sort(([a], [b]) => a - b)) {
    wins += positives * (below + negatives / 2);
    allPositives += positives;
    below += negatives;
  }
  return wins / (allPositives * below);
}
