import { checkInteger, checkNumber, checkOptions } from '../core/errors.js';
import { createRng } from '../core/rng.js';
import { meanOf, sumOf } from '../core/statistics.js';
import { gradientBoosting } from './gradientBoosting.js';
import { transposeOf } from './statistics.js';
import type { HeldOut, Representation } from './table.js';
import { checkSeveral, classesOf, labelsAmong, readTrainAndTest } from './table.js';

/** What `dci` takes. */
export interface DciOptions extends Representation, HeldOut {
  /** Stages of boosting. Default 100. */
  readonly trees?: number;
  /** Levels of a tree. Default 3. */
  readonly depth?: number;
  /** What a stage counts. Default 0.1. */
  readonly learningRate?: number;
}

/** Disentanglement and completeness of an importance matrix, between 0 and 1. */
export interface DciScores {
  /** Whether each code is important for one factor alone: the mean of `disentanglementPerCode`, weighted by importance. */
  readonly disentanglement: number;
  /** Whether each factor needs one code alone: the mean of `completenessPerFactor`, weighted by importance. */
  readonly completeness: number;
  /** [D]. */
  readonly disentanglementPerCode: readonly number[];
  /** [K]. */
  readonly completenessPerFactor: readonly number[];
}

/** What `dci` reports. */
export interface DciReport extends DciScores {
  /** How often the factors are predicted right from all codes together, on the rows held out: the mean of `accuracyPerFactor`. */
  readonly informativeness: number;
  /** The same on the rows that were fitted. */
  readonly trainInformativeness: number;
  /** [K]. */
  readonly accuracyPerFactor: readonly number[];
  /** How important each code is for the prediction of each factor: [D][K], columns with a sum of 1. */
  readonly importance: readonly (readonly number[])[];
}

/**
 * Disentanglement, completeness and informativeness of codes that predict factors.
 *
 * For each factor a classifier from all codes is fitted, gradient-boosted trees, and R_dk is how important code d is in that for
 * factor k: its part in the decrease of the impurity. With p_dk = R_dk / sum_k R_dk and q_dk = R_dk / sum_d R_dk,
 *
 *   D_d = 1 - H(p_d.) / log K,   disentanglement = sum_d D_d sum_k R_dk / sum R,
 *   C_k = 1 - H(q_.k) / log D,   completeness = sum_k C_k sum_d R_dk / sum R,
 *
 * and informativeness is the accuracy of the classifiers on rows that they were not fitted to. Between splits that are equally good
 * `rng` decides, so that codes which tell the same share their importance.
 *
 * Shapes: codes [N, D], factors [N, K], both at least 2. Computed on the host in float64; the work grows with N D times trees, depth
 * and the levels of all factors together.
 *
 * @throws (rejects) for tables that do not fit each other, codes that are not finite, factors that are no integers or constant, a
 * single code or factor.
 * Source: Eastwood and Williams 2018, "A framework for the quantitative evaluation of disentangled representations"; boosted trees for
 * their lasso and random forests as in Locatello et al. 2019.
 * @example
 * ```ts
 * import { createRng } from 'tfjs-flows';
 * import { dci } from 'tfjs-flows/metrics';
 *
 * const factors = Array.from({ length: 120 }, (_, i) => [i % 3, Math.floor(i / 3) % 4]);
 * const codes = factors.map(([a, b]) => [a, 10 - b]);
 * const report = await dci({ codes, factors, trees: 20, rng: createRng(0) });
 * console.log(report.disentanglement.toFixed(3), report.completeness.toFixed(3), report.informativeness); // => 1.000 1.000 1
 * ```
 */
export async function dci(options: DciOptions): Promise<DciReport> {
  checkOptions('dci', options, ['codes', 'factors', 'test', 'rng', 'trees', 'depth', 'learningRate']);
  const { trees = 100, depth = 3, learningRate = 0.1, rng = createRng() } = options;
  checkInteger('dci', 'options.trees', trees, 1);
  checkInteger('dci', 'options.depth', depth, 1);
  checkNumber('dci', 'options.learningRate', learningRate, { above: 0 });
  const [train, test] = await readTrainAndTest('dci', options, rng);
  checkSeveral('dci', 'options.codes', train.codes);
  checkSeveral('dci', 'options.factors', train.factors);

  const importances: (readonly number[])[] = [];
  const accuracies: number[] = [];
  const trainAccuracies: number[] = [];
  for (const [k, factor] of train.factors.entries()) {
    const { values, labels } = classesOf(factor);
    const columns = train.codes;
    const model = await gradientBoosting({ columns, labels, classes: values.length, trees, depth, learningRate, rng });
    importances.push(model.importance);
    trainAccuracies.push(agreement(model.predict(columns), labels));
    accuracies.push(agreement(model.predict(test.codes), labelsAmong(values, test.factors[k] as Float64Array)));
  }
  const importance = transposeOf(importances);
  return {
    ...dciScores(importance),
    informativeness: meanOf(accuracies),
    trainInformativeness: meanOf(trainAccuracies),
    accuracyPerFactor: accuracies,
    importance,
  };
}

const agreement = (predicted: Int32Array, truth: Int32Array): number =>
  predicted.reduce((total, label, i) => total + (label === truth[i] ? 1 : 0), 0) / truth.length;

/** The scores of an importance matrix [D][K]. Where nothing is important all codes count the same. */
export function dciScores(importance: readonly (readonly number[])[]): DciScores {
  const byFactor = transposeOf(importance);
  const disentanglementPerCode = importance.map(concentration);
  const completenessPerFactor = byFactor.map(concentration);
  return {
    disentanglement: weighted(disentanglementPerCode, importance.map(sumOf)),
    completeness: weighted(completenessPerFactor, byFactor.map(sumOf)),
    disentanglementPerCode,
    completenessPerFactor,
  };
}

/** 1 - H(p) / log(length) of the weights' shares: 1 for one weight alone, 0 for equal ones and for none. */
function concentration(weights: readonly number[]): number {
  const shares = weights.map((weight) => weight + LEAST);
  const total = sumOf(shares);
  const entropy = -sumOf(shares.map((share) => (share / total) * Math.log(share / total)));
  return 1 - entropy / Math.log(weights.length);
}

/** Keeps the logarithm finite, and makes equal shares of no weight at all. */
const LEAST = 1e-11;

function weighted(values: readonly number[], weights: readonly number[]): number {
  const total = sumOf(weights);
  return total === 0 ? meanOf(values) : sumOf(values.map((value, i) => (value * (weights[i] as number)) / total));
}
