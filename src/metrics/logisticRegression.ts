import { minimize } from './minimize.js';
import { indexOfLargest, sumOf } from './statistics.js';

/** A fitted logistic regression. */
export interface LogisticRegression {
  /** A row for each class; for two classes one, that of the second. */
  readonly weights: readonly (readonly number[])[];
  readonly intercepts: readonly number[];
  /** [N] rows of a probability for each class. */
  probabilities(columns: readonly Float64Array[]): number[][];
  /** [N]: the likeliest class. */
  predict(columns: readonly Float64Array[]): Int32Array;
}

/**
 * Multinomial logistic regression, for two classes that of the second alone:
 *
 *   min |W|^2 / 2 - sum_i log p(label_i | x_i),   log p(k | x) = w_k x + b_k - log sum_j exp(w_j x + b_j).
 *
 * @param columns [D] columns of N numbers
 * @param labels [N], of 0 ... classes - 1
 */
export function logisticRegression(columns: readonly Float64Array[], labels: Int32Array, classes: number): LogisticRegression {
  const outputs = classes === 2 ? 1 : classes;
  const width = columns.length + 1;
  const logitsAt = (rows: readonly Float64Array[], parameters: Float64Array, i: number): number[] =>
    Array.from({ length: classes }, (_, k) => {
      // With two classes the first has logit 0.
      const start = (k - (classes - outputs)) * width;
      return start < 0
        ? 0
        : rows.reduce(
            (total, column, d) => total + (column[i] as number) * at(parameters, start + d),
            at(parameters, start + width - 1),
          );
    });

  const parameters = minimize(
    (theta, gradient) => {
      let value = 0;
      for (let j = 0; j < theta.length; j++) {
        const weight = j % width === width - 1 ? 0 : at(theta, j);
        value += (weight * weight) / 2;
        gradient[j] = weight;
      }
      for (let i = 0; i < labels.length; i++) {
        const probabilities = softmax(logitsAt(columns, theta, i));
        const label = labels[i] as number;
        value -= Math.log(Math.max(probabilities[label] as number, Number.MIN_VALUE));
        for (let k = classes - outputs; k < classes; k++) {
          const excess = (probabilities[k] as number) - (k === label ? 1 : 0);
          const start = (k - (classes - outputs)) * width;
          for (let d = 0; d < width; d++) {
            const input = d === width - 1 ? 1 : ((columns[d] as Float64Array)[i] as number);
            gradient[start + d] = at(gradient, start + d) + excess * input;
          }
        }
      }
      return value;
    },
    outputs * width,
    TOLERANCE * labels.length,
  );

  const probabilities = (rows: readonly Float64Array[]): number[][] =>
    Array.from({ length: (rows[0] as Float64Array).length }, (_, i) => softmax(logitsAt(rows, parameters, i)));
  return {
    weights: Array.from({ length: outputs }, (_, k) => [...parameters.subarray(k * width, (k + 1) * width - 1)]),
    intercepts: Array.from({ length: outputs }, (_, k) => at(parameters, (k + 1) * width - 1)),
    probabilities,
    predict: (rows) => Int32Array.from(probabilities(rows), indexOfLargest),
  };
}

/** Of the gradient, for each row. */
const TOLERANCE = 1e-9;

const at = (values: Float64Array, i: number): number => values[i] as number;

function softmax(logits: readonly number[]): number[] {
  const most = Math.max(...logits);
  const weights = logits.map((logit) => Math.exp(logit - most));
  const total = sumOf(weights);
  return weights.map((weight) => weight / total);
}
