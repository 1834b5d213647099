import { checkOptions, invalid } from '../core/errors.js';
import { createRng } from '../core/rng.js';
import { meanOf } from '../core/statistics.js';
import { linearSvm } from './linearSvm.js';
import { gapOf } from './statistics.js';
import type { HeldOut, Representation } from './table.js';
import { classesOf, labelsAmong, readTrainAndTest } from './table.js';

/** What `sap` takes. */
export interface SapOptions extends Representation, HeldOut {
  /**
   * Which factors are quantities, predicted by a straight line, and which are kinds, predicted by a classifier: for all of them, or for
   * each. Quantities need not be integers. Default false.
   */
  readonly continuous?: boolean | readonly boolean[];
}

/** What `sap` reports. */
export interface SapReport {
  /** The mean of `perFactor`, between 0 and 1. */
  readonly score: number;
  /** For each factor the gap between the two codes that predict it best: [K]. */
  readonly perFactor: readonly number[];
  /** How well each code alone predicts each factor, R^2 or accuracy: [D][K]. */
  readonly predictability: readonly (readonly number[])[];
}

/**
 * Separated attribute predictability: how much better one code predicts a factor than any other.
 *
 *   SAP = 1/K sum_k (S_ak - S_bk),   a and b the codes that predict v_k best and second best.
 *
 * S_dk is, for a continuous factor, the squared correlation of code and factor: the R^2 of a straight line, over the rows that are
 * fitted. For a kind it is the accuracy, on the rows that are held out, of a linear support vector machine on that code (one class
 * against the others, squared hinge loss, cost 0.01, classes weighted to count the same). Where there is one code only, the second
 * best counts as 0.
 *
 * The machine keeps its intercept small too, as that implementation does: a code far from 0 for its spread has a lower accuracy than
 * the same code centred, the fewer the rows, the more so.
 *
 * Mind that one number and lines tell an inner level apart from those on both sides badly: a kind of many levels has a low score even
 * where the code is perfect. `continuous` is then the fairer choice.
 *
 * Shapes: codes [N, D], factors [N, K]. Computed on the host in float64.
 *
 * @throws (rejects) for tables that do not fit each other, codes that are not finite, factors that are no integers (unless
 * continuous) or constant.
 * Source: Kumar, Sattigeri and Balakrishnan 2018, "Variational inference of disentangled latent concepts from unlabeled
 * observations", section 3; the classifier is that of Locatello et al. 2019.
 * @example
 * ```ts
 * import { sap } from 'tfjs-flows/metrics';
 *
 * const factors = Array.from({ length: 25 }, (_, i) => [i % 5, Math.floor(i / 5)]);
 * const aligned = factors.map(([a, b]) => [2 * a - 4, 2 - b]);
 * const rotated = factors.map(([a, b]) => [a + b, a - b]);
 * const score = async (codes: number[][]) => (await sap({ codes, factors, continuous: true, test: { codes, factors } })).score;
 * console.log((await score(aligned)).toFixed(3), (await score(rotated)).toFixed(3)); // => 1.000 0.000
 * ```
 */
export async function sap(options: SapOptions): Promise<SapReport> {
  checkOptions('sap', options, ['codes', 'factors', 'test', 'rng', 'continuous']);
  const { continuous = false, rng = createRng() } = options;
  const flags = [continuous].flat();
  if (flags.some((flag) => typeof flag !== 'boolean')) {
    throw invalid('sap', 'options.continuous', 'true or false, for all factors or for each', continuous);
  }
  const isContinuous = (k: number): boolean => flags[Array.isArray(continuous) ? k : 0] === true;
  const [train, test] = await readTrainAndTest('sap', options, rng, isContinuous);
  if (Array.isArray(continuous) && flags.length !== train.factors.length) {
    throw invalid('sap', 'options.continuous', `a list of ${train.factors.length}, one for each factor`, continuous);
  }

  const byFactor = train.factors.map((factor, k) => {
    if (isContinuous(k)) {
      return train.codes.map((code) => squaredCorrelation(code, factor));
    }
    const { values, labels } = classesOf(factor);
    const truth = labelsAmong(values, test.factors[k] as Float64Array);
    return train.codes.map((code, d) => {
      const predict = linearSvm(code, labels, values.length);
      return meanOf(Array.from(test.codes[d] as Float64Array, (value, i) => (predict(value) === truth[i] ? 1 : 0)));
    });
  });
  const perFactor = byFactor.map(gapOf);
  const predictability = train.codes.map((_, d) => byFactor.map((scores) => scores[d] as number));
  return { score: meanOf(perFactor), perFactor, predictability };
}

/** 0 where the code is constant, be it but for rounding. */
function squaredCorrelation(code: Float64Array, factor: Float64Array): number {
  const [meanA, meanB] = [meanOf(code), meanOf(factor)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < code.length; i++) {
    const [a, b] = [(code[i] as number) - meanA, (factor[i] as number) - meanB];
    ab += a * b;
    aa += a * a;
    bb += b * b;
  }
  return ab ** 2 / (Math.max(aa, LEAST_VARIANCE * code.length) * bb);
}

const LEAST_VARIANCE = 1e-12;
