import { minimize } from './minimize.js';
import { indexOfLargest } from './statistics.js';

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
  // With two classes the first has logit 0.
  const first = classes - outputs;
  const inputs = [...columns, new Float64Array(labels.length).fill(1)];
  const width = inputs.length;

  const parameters = minimize(
    (theta, gradient) => {
      let value = 0;
      theta.forEach((weight, j) => {
        const penalised = j % width === width - 1 ? 0 : weight;
        value += penalised ** 2 / 2;
        gradient[j] = penalised;
      });
      const logits = logitsOf(inputs, theta, classes, first);
      for (let i = 0; i < labels.length; i++) {
        value -= (logits[labels[i] as number] as Float64Array)[i] as number;
        value += normalise(logits, i);
      }
      for (let k = first; k < classes; k++) {
        const probabilities = logits[k] as Float64Array;
        inputs.forEach((input, d) => {
          let total = 0;
          for (let i = 0; i < labels.length; i++) {
            total += ((probabilities[i] as number) - (labels[i] === k ? 1 : 0)) * (input[i] as number);
          }
          const j = (k - first) * width + d;
          gradient[j] = (gradient[j] as number) + total;
        });
      }
      return value;
    },
    outputs * width,
    TOLERANCE * labels.length,
  );

  const probabilities = (rows: readonly Float64Array[]): number[][] => {
    const count = (rows[0] as Float64Array).length;
    const logits = logitsOf([...rows, new Float64Array(count).fill(1)], parameters, classes, first);
    return Array.from({ length: count }, (_, i) => {
      normalise(logits, i);
      return logits.map((logit) => logit[i] as number);
    });
  };
  return {
    weights: Array.from({ length: outputs }, (_, k) => [...parameters.subarray(k * width, (k + 1) * width - 1)]),
    intercepts: Array.from({ length: outputs }, (_, k) => parameters[(k + 1) * width - 1] as number),
    probabilities,
    predict: (rows) => Int32Array.from(probabilities(rows), indexOfLargest),
  };
}

/** The logits of each class, [classes][N]; those before the first that has parameters are 0. */
function logitsOf(inputs: readonly Float64Array[], parameters: Float64Array, classes: number, first: number): Float64Array[] {
  const count = (inputs[0] as Float64Array).length;
  return Array.from({ length: classes }, (_, k) => {
    const logits = new Float64Array(count);
    if (k >= first) {
      inputs.forEach((input, d) => {
        const weight = parameters[(k - first) * inputs.length + d] as number;
        for (let i = 0; i < count; i++) {
          logits[i] = (logits[i] as number) + weight * (input[i] as number);
        }
      });
    }
    return logits;
  });
}

/** Makes the logits of row i its probabilities, and returns log sum exp of what they were. */
function normalise(logits: readonly Float64Array[], i: number): number {
  let most = Number.NEGATIVE_INFINITY;
  for (const logit of logits) {
    most = Math.max(most, logit[i] as number);
  }
  let total = 0;
  for (const logit of logits) {
    total += Math.exp((logit[i] as number) - most);
  }
  const logTotal = most + Math.log(total);
  for (const logit of logits) {
    logit[i] = Math.exp((logit[i] as number) - logTotal);
  }
  return logTotal;
}

/** Of the gradient, for each row. */
const TOLERANCE = 1e-7;
