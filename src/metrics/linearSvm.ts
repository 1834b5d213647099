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
  return (value) => {
    let best = 0;
    let most = Number.NEGATIVE_INFINITY;
    lines.forEach(([w, b], c) => {
      if (w * value + b > most) {
        most = w * value + b;
        best = c;
      }
    });
    return best;
  };
}

/** Newton's method on a function that is strictly convex and quadratic in pieces. */
function separate(
  x: Float64Array,
  isOne: (i: number) => boolean,
  costOfOne: number,
  costOfOther: number,
): readonly [w: number, b: number] {
  const objective = (w: number, b: number): number[] => {
    let [value, gradientW, gradientB, ww, wb, bb] = [(w * w + b * b) / 2, w, b, 1, 0, 1];
    for (let i = 0; i < x.length; i++) {
      const at = x[i] as number;
      const sign = isOne(i) ? 1 : -1;
      const cost = isOne(i) ? costOfOne : costOfOther;
      const margin = 1 - sign * (w * at + b);
      if (margin > 0) {
        value += cost * margin * margin;
        gradientW -= 2 * cost * sign * margin * at;
        gradientB -= 2 * cost * sign * margin;
        ww += 2 * cost * at * at;
        wb += 2 * cost * at;
        bb += 2 * cost;
      }
    }
    return [value, gradientW, gradientB, ww, wb, bb];
  };
  let [w, b] = [0, 0];
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    const [value, gw, gb, ww, wb, bb] = objective(w, b) as [number, number, number, number, number, number];
    const determinant = ww * bb - wb * wb;
    const [stepW, stepB] = [(bb * gw - wb * gb) / determinant, (ww * gb - wb * gw) / determinant];
    const decrease = stepW * gw + stepB * gb;
    if (decrease < TOLERANCE * (1 + value)) {
      break;
    }
    let length = 1;
    while ((objective(w - length * stepW, b - length * stepB)[0] as number) > value - 1e-4 * length * decrease) {
      length /= 2;
    }
    w -= length * stepW;
    b -= length * stepB;
  }
  return [w, b];
}

/** A handful is enough. */
const ITERATIONS = 100;
const TOLERANCE = 1e-14;
