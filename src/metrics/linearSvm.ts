import { minimize } from './minimize.js';
import { indexOfLargest } from './statistics.js';

/** The cost of a violated margin, and the intercept's part in the penalty, are those of the metric's reference implementation. */
const COST = 0.01;

/**
 * A linear support vector machine on one number: one class against the others, squared hinge loss, classes weighted to count the
 * same,
 *
 *   min (w^2 + b^2) / 2 + sum_i cost_i max(0, 1 - s_i (w x_i + b))^2,   s_i = +-1.
 *
 * @returns which class each number is taken for.
 */
export function linearSvm(x: Float64Array, labels: Int32Array, classes: number): (value: number) => number {
  const counts = Array.from({ length: classes }, (_, c) => labels.reduce((total, label) => total + (label === c ? 1 : 0), 0));
  const balanced = counts.map((count) => (COST * x.length) / (classes * count));
  if (classes === 2) {
    const [w, b] = separate(x, (i) => labels[i] === 1, balanced[1] as number, balanced[0] as number);
    return (value) => (w * value + b > 0 ? 1 : 0);
  }
  const lines = balanced.map((cost, c) => separate(x, (i) => labels[i] === c, cost, COST));
  return (value) => indexOfLargest(lines.map(([w, b]) => w * value + b));
}

function separate(
  x: Float64Array,
  isOne: (i: number) => boolean,
  costOfOne: number,
  costOfOther: number,
): readonly [w: number, b: number] {
  // Large numbers are brought down, and w up by as much: both parameters are then of one size.
  const scale = x.reduce((most, at) => Math.max(most, Math.abs(at)), 1);
  const [scaled, b] = minimize(
    (theta, gradient) => {
      const [w, b] = [(theta[0] as number) / scale, theta[1] as number];
      let value = (w * w + b * b) / 2;
      let [gradientW, gradientB] = [w, b];
      for (let i = 0; i < x.length; i++) {
        const at = x[i] as number;
        const [sign, cost] = isOne(i) ? [1, costOfOne] : [-1, costOfOther];
        const margin = Math.max(0, 1 - sign * (w * at + b));
        value += cost * margin * margin;
        gradientW -= 2 * cost * sign * margin * at;
        gradientB -= 2 * cost * sign * margin;
      }
      gradient.set([gradientW / scale, gradientB]);
      return value;
    },
    2,
    TOLERANCE,
  ) as unknown as [number, number];
  return [scaled / scale, b];
}

/** Of the gradient. */
const TOLERANCE = 1e-10;
