import { expect, it } from 'vitest';
import type { Objective } from './minimize.js';
import { minimize } from './minimize.js';

/** An objective and the points at which it was asked for. */
function watched(objective: Objective): { objective: Objective; points: number[][] } {
  const points: number[][] = [];
  return {
    objective: (x, gradient) => {
      points.push([...x]);
      return objective(x, gradient);
    },
    points,
  };
}

/** sum_i curvature_i (x_i - centre_i)^2 / 2, and neighbours that depend on each other. */
const quadratic =
  (curvatures: number[], centre: number[]): Objective =>
  (x, gradient) => {
    let value = 0;
    const d = centre.map((c, i) => (x[i] as number) - c);
    curvatures.forEach((curvature, i) => {
      const pull = 0.3 * ((d[i - 1] ?? 0) + (d[i + 1] ?? 0));
      gradient[i] = curvature * (d[i] as number) + pull;
      value += ((d[i] as number) * (gradient[i] as number)) / 2;
    });
    return value;
  };

const CENTRE = [1, -2, 0.5, 3, -0.25];

it('finds the centre of an ellipsoid whose axes differ by a factor of 100, in 28 evaluations', () => {
  const { objective, points } = watched(quadratic([1, 100, 10, 3, 0.8], CENTRE));
  minimize(objective, 5, 1e-9).forEach((value, i) => {
    expect(value).toBeCloseTo(CENTRE[i]!, 8);
  });
  expect(points.length).toBe(28);
});

it('remembers ten steps: forty dimensions take 68', () => {
  const curvatures = Array.from({ length: 40 }, (_, i) => 1 + ((i * 37) % 40));
  const centre = curvatures.map((curvature) => ((curvature * 7) % 11) / 4 - 1);
  const { objective, points } = watched(quadratic(curvatures, centre));
  minimize(objective, 40, 1e-9).forEach((value, i) => {
    expect(value).toBeCloseTo(centre[i]!, 8);
  });
  expect(points.length).toBe(68);
});

it('starts down the gradient, by a step of length 1 at most', () => {
  const first = (gradient: number[]): number[] => {
    const { objective, points } = watched((x, out) => {
      out.set(gradient);
      return gradient.reduce((total, g, i) => total + g * x[i]!, 0);
    });
    minimize(objective, 2, 0.1);
    expect(points[0]).toEqual([0, 0]);
    return points[1]!;
  };
  expect(first([3, -4])).toEqual([expect.closeTo(-0.6, 12), expect.closeTo(0.8, 12)]);
  expect(first([-0.3, 0.4])).toEqual([0.3, -0.4]);
});

it('asks once where the gradient is within the tolerance, whatever its sign', () => {
  const flat = watched((_, gradient) => {
    gradient.set([0.5, -0.5]);
    return 1;
  });
  expect([...minimize(flat.objective, 2, 0.5)]).toEqual([0, 0]);
  expect(flat.points).toEqual([[0, 0]]);
});

it('halves steps that go too far', () => {
  const { objective, points } = watched((x, gradient) => {
    gradient[0] = 5 * Math.exp(5 * x[0]!) - 20;
    return Math.exp(5 * x[0]!) - 20 * x[0]!;
  });
  expect(minimize(objective, 1, 1e-10)[0]).toBeCloseTo(Math.log(4) / 5, 8);
  expect(points.slice(0, 4)).toEqual([[0], [1], [0.5], [0.25]]);
  expect(points.length).toBeLessThan(12);
});

it.each([
  ['enough', 1.01e-4, 1],
  ['too little', 0.99e-4, 0.5],
])('a step has to bring 1e-4 of what the slope promises: %s', (_, decrease, expected) => {
  // Nothing to gain but at 1, and at 1/2, where the gradient ends.
  const values = new Map([
    [1, -decrease],
    [0.5, -1],
  ]);
  const found = minimize(
    (x, gradient) => {
      gradient[0] = values.has(x[0]!) ? 0 : -1;
      return values.get(x[0]!) ?? 0;
    },
    1,
    1e-9,
  );
  expect([...found]).toEqual([expected]);
});

it.each([1, 0])('gives up where no step down to 1e-12 brings anything: slope %s', (slope) => {
  const { objective, points } = watched((x, gradient) => {
    gradient[0] = -1;
    return slope * Math.abs(x[0]!);
  });
  expect([...minimize(objective, 1, 1e-9)]).toEqual([0]);
  expect(points.slice(1)).toEqual(Array.from({ length: 40 }, (_, i) => [2 ** -i]));
});

/** A bowl with straight walls, where steps tell nothing of the curvature. */
const walls =
  (centre: number): Objective =>
  (x, gradient) => {
    const d = x[0]! - centre;
    gradient[0] = Math.max(-1, Math.min(1, d));
    return Math.abs(d) < 1 ? d ** 2 / 2 : Math.abs(d) - 0.5;
  };

it('goes on by the gradient where the curvature is 0', () => {
  const { objective, points } = watched(walls(9.5));
  expect(minimize(objective, 1, 1e-9)[0]).toBeCloseTo(9.5, 8);
  expect(points.slice(0, 10).map(([x]) => x)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

it('ends after 1000 steps', () => {
  expect([...minimize(walls(2000), 1, 1e-9)]).toEqual([1000]);
});
