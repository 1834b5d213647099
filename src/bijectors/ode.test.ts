import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { relativeError } from '../testing/laws.js';
import type { Field, OdeProblem, Tableau } from './ode.js';
import { DOPRI5, integrate, RK4 } from './ode.js';

const near = (actual: tf.Tensor, expected: readonly number[], tolerance: number): void =>
  expect(relativeError(actual.dataSync(), expected)).toBeLessThan(tolerance);

/** x' = 3 cos(3 t) x, whose paths are x(0) exp(sin 3t), and the integrals of 2 t and x. */
const swing: Field = (time, x) => [
  tf.mul(x, tf.mul(3, tf.cos(tf.mul(time, 3)))),
  tf.mul(tf.ones([...x.shape.slice(0, -1), 1]), tf.mul(time, 2)),
  tf.sum(tf.mul(x, tf.cos(tf.mul(time, 3))), -1, true),
];

const solvers: [string, Pick<OdeProblem, 'tableau' | 'steps' | 'tolerance'>, number][] = [
  ['rk4', { tableau: RK4, steps: 40 }, 1e-5],
  ['dopri5', { tableau: DOPRI5, steps: 16 }, 1e-5],
  ['dopri5 in steps of its own', { tableau: DOPRI5, steps: 24, tolerance: 1e-5 }, 5e-5],
];

describe.each(solvers)('integrate by %s', (_, solver, tolerance) => {
  test('the linear field has the matrix exponential, one way and the other', () => {
    const rows = [
      [0.3, -1.1],
      [0.7, -0.4],
    ];
    const [trace, gap] = [-0.1, 0.35];
    const omega = Math.sqrt(1.1 * 0.7 - gap ** 2);
    const field: Field = (_, x) => [tf.matMul(x, tf.tensor2d(rows), false, true), tf.fill([2, 1], trace)];
    const x = [
      [1, -0.5],
      [2, 0.3],
    ];
    for (const [direction, t] of [
      ['forward', 1],
      ['backward', -1],
    ] as const) {
      const [y, integral] = integrate({ field, x: tf.tensor2d(x), direction, ...solver }) as [tf.Tensor, tf.Tensor];
      // exp(t A) = e^(t m) (cos(w t) + (A - m) sin(w t) / w), m half the trace and w^2 = det A - m^2.
      const scale = Math.exp((t * trace) / 2);
      const [c, s] = [Math.cos(omega * t), Math.sin(omega * t) / omega];
      const expected = x.map(([p, q]) => [
        scale * (c * p! + s * (gap * p! - 1.1 * q!)),
        scale * (c * q! + s * (0.7 * p! - gap * q!)),
      ]);
      near(y, expected.flat(), tolerance);
      near(integral, [t * trace, t * trace], 1e-6);
    }
  });

  test('a field of time, and integrals along the path', () => {
    const x = [1.5, -0.4, 0.7];
    const forward = integrate({ field: swing, x: tf.tensor2d(x, [3, 1]), direction: 'forward', ...solver });
    const growth = Math.exp(Math.sin(3));
    near(
      forward[0]!,
      x.map((value) => value * growth),
      tolerance,
    );
    near(forward[1]!, [1, 1, 1], 1e-5);
    // The integral of x cos(3t) is a third of how far x went.
    near(
      forward[2]!,
      x.map((value) => (value * (growth - 1)) / 3),
      2 * tolerance,
    );
    const backward = integrate({ field: swing, x: tf.tensor2d(x, [3, 1]), direction: 'backward', ...solver });
    near(
      backward[0]!,
      x.map((value) => value / growth),
      tolerance,
    );
    near(backward[1]!, [-1, -1, -1], 1e-5);
  });

  test('time goes the way of the path', () => {
    // x' = t - x has the paths (x(0) + 1) exp(-t) + t - 1.
    const field: Field = (time, x) => [tf.sub(tf.mul(tf.onesLike(x), time), x)];
    near(integrate({ field, x: tf.tensor1d([1.7]), direction: 'forward', ...solver })[0]!, [2.7 / Math.E], tolerance);
    near(integrate({ field, x: tf.tensor1d([1.7]), direction: 'backward', ...solver })[0]!, [1.7 * Math.E - 1], tolerance);
  });

  test('takes any batch axes, leaves its input alone, and an example alone is as in the batch', () => {
    const x = tf.linspace(-2, 3, 12);
    const [all] = integrate({ field: swing, x: tf.reshape(x, [2, 3, 2]), direction: 'forward', ...solver }) as [tf.Tensor];
    expect(all.shape).toEqual([2, 3, 2]);
    const [alone, ...integrals] = integrate({ field: swing, x: tf.slice(x, 4, 2), direction: 'forward', ...solver });
    expect(integrals.map(({ shape }) => shape)).toEqual([[1], [1]]);
    expect([...alone!.dataSync()]).toEqual([...all.dataSync()].slice(4, 6));
    expect(x.isDisposed).toBe(false);
  });

  test('has the gradients of its steps', () => {
    const end = (x: tf.Tensor, rate: tf.Tensor): tf.Tensor =>
      integrate({ field: (_, at) => [tf.mul(at, rate)], x, direction: 'forward', ...solver })[0]!;
    const [dx, dRate] = tf.grads(end)([tf.tensor1d([1.5]), tf.scalar(0.8)]);
    near(dx!, [Math.exp(0.8)], tolerance);
    near(dRate!, [1.5 * Math.exp(0.8)], 2 * tolerance);
  });
});

/** The same in float64: a scalar x by equal steps. */
function onHost(tableau: Tableau, f: (t: number, x: number) => number, x: number, steps: number): number {
  const h = 1 / steps;
  for (let i = 0; i < steps; i++) {
    x += h * along(tableau.weights, stagesOnHost(tableau, f, i * h, x, h));
  }
  return x;
}

const along = (weights: readonly number[], slopes: readonly number[]): number =>
  weights.reduce((sum, weight, i) => sum + weight * slopes[i]!, 0);

function stagesOnHost({ stages }: Tableau, f: (t: number, x: number) => number, t: number, x: number, h: number): number[] {
  const slopes = [f(t, x)];
  for (const row of stages) {
    const node = row.reduce((sum, weight) => sum + weight, 0);
    slopes.push(f(t + h * node, x + h * along(row, slopes)));
  }
  return slopes;
}

describe.each([
  ['rk4', RK4, [1 / 2, 1 / 2, 1]],
  ['dopri5', DOPRI5, [1 / 5, 3 / 10, 4 / 5, 8 / 9, 1]],
] as const)('%s', (_, tableau, nodes) => {
  const sum = (weights: readonly number[]): number => weights.reduce((total, weight) => total + weight, 0);
  const wave = (t: number, x: number): number => Math.sin(3 * t + x) - x;

  test('has the published times, and weights that sum to 1', () => {
    tableau.stages.forEach((row, i) => {
      expect(sum(row)).toBeCloseTo(nodes[i]!, 12);
    });
    expect(sum(tableau.weights)).toBeCloseTo(1, 12);
  });

  test('has its order', () => {
    const exact = onHost(tableau, wave, 0.4, 512);
    const [coarse, fine] = [10, 20].map((steps) => Math.abs(onHost(tableau, wave, 0.4, steps) - exact));
    expect(Math.log2(coarse! / fine!)).toBeCloseTo(tableau.order, 0);
  });

  test('has its order in float32 too', () => {
    const exact = Math.exp(Math.sin(3));
    const [coarse, fine] = [1, 2].map((times) => {
      const steps = (tableau === RK4 ? 6 : 3) * times;
      const [y] = integrate({ field: swing, x: tf.tensor1d([1]), direction: 'forward', tableau, steps });
      return Math.abs(y!.dataSync()[0]! - exact);
    });
    expect(Math.abs(Math.log2(coarse! / fine!) - tableau.order)).toBeLessThan(1);
  });

  test('evaluates the field once a stage', () => {
    let calls = 0;
    const field: Field = (_, x) => {
      calls += 1;
      return [x];
    };
    integrate({ field, x: tf.tensor1d([1]), direction: 'forward', tableau, steps: 5 });
    expect(calls).toBe(5 * tableau.weights.length);
  });
});

describe('steps of their own', () => {
  test("the error's weights sum to 0, and leave a method of fourth order", () => {
    const error = DOPRI5.error!;
    expect(error.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(0, 14);
    const f = (t: number, x: number): number => x * (1.5 + Math.sin(4 * t) - x);
    const errorOf = (h: number): number => {
      const slopes = stagesOnHost(DOPRI5, f, 0.1, 0.4, h);
      const next = 0.4 + h * along(DOPRI5.weights, slopes);
      return Math.abs(h * along(error, [...slopes, f(0.1 + h, next)]));
    };
    expect(Math.log2(errorOf(0.04) / errorOf(0.02))).toBeCloseTo(5, 0);
  });

  test('keep their tolerance where equal ones do not', () => {
    // Fast at first: x(t) = x(0) / sqrt(1 + 16 x(0)^2 t).
    const field: Field = (_, x) => [tf.mul(-8, tf.pow(x, 3))];
    const x = [2, -0.4];
    const exact = x.map((value) => value / Math.sqrt(1 + 16 * value ** 2));
    const errorWith = (steps: number, tolerance?: number): number => {
      const [y] = integrate({ field, x: tf.tensor2d(x, [2, 1]), direction: 'forward', tableau: DOPRI5, steps, tolerance });
      return relativeError(y!.dataSync(), exact);
    };
    expect(errorWith(32)).toBeGreaterThan(5e-5);
    expect(errorWith(32, 1e-4)).toBeLessThan(2e-5);
    expect(errorWith(32, 1e-6)).toBeLessThan(1e-6);
    // So few that the equal ones lose the way altogether.
    expect(errorWith(24)).not.toBeLessThan(1);
    expect(errorWith(24, 1e-5)).toBeLessThan(1e-5);
  });

  /** The same in float64 for a scalar x: after each attempt the elapsed time and x as tried. */
  function attemptsOnHost(f: (t: number, x: number) => number, start: number, steps: number, tolerance: number): number[][] {
    let [t, x, size] = [0, start, 1 / steps];
    return Array.from({ length: steps }, (_, i) => {
      const least = 1 - t - ((steps - i - 1) * 2) / steps;
      const h = Math.min(Math.max(Math.min(size, 2 / steps), least), 1 - t);
      const slopes = stagesOnHost(DOPRI5, f, t, x, h);
      const next = x + h * along(DOPRI5.weights, slopes);
      const allowed = tolerance * (1 + Math.max(Math.abs(x), Math.abs(next)));
      const error = Math.abs(h * along(DOPRI5.error!, [...slopes, f(t + h, next)])) / allowed;
      const tried = [t + h, next];
      if (error <= 1 || least > 0) {
        [t, x] = [t + h, next];
      }
      size = h * Math.min(Math.max(0.9 * error ** -0.2, 0.2), 5);
      return tried;
    });
  }

  test.each([
    ['one that turns early', 3, 12, 0.3, 20, 1e-3],
    ['one that turns late, away from 0', -0.8, -30, 0.72, 20, 1e-3],
    ['one that turns so fast that steps shrink and grow as they may', -3, 600, 0.045, 16, 1e-3],
    ['one that asks for more attempts than there are', 2, 40, 0.5, 7, 1e-4],
  ])('are those of the textbook, each example having its own: %s', (_, start, s, at, steps, tolerance) => {
    // Two coordinates: the larger error counts, here that of the first. Damped, so that the path depends on x.
    const slope = (t: number, x: number): number => s / Math.cosh(s * (t - at)) ** 2 - 0.5 * x;
    const tried: number[][] = [];
    let calls = 0;
    const field: Field = (time, x) => {
      const turning = tf.div(s, tf.square(tf.cosh(tf.mul(tf.sub(time, at), s))));
      if (calls % 6 === 0 && calls > 0) {
        tried.push([tf.slice(time, [1, 0], [1, 1]).dataSync()[0]!, tf.slice(x, [1, 0], [1, 1]).dataSync()[0]!]);
      }
      calls += 1;
      return [tf.sub(tf.mul(turning, tf.tensor1d([1, 0.1])), tf.mul(x, 0.5)), tf.onesLike(tf.slice(x, [0, 0], [2, 1]))];
    };
    const x = tf.tensor2d([
      [-7, 0.2],
      [start, 0.1],
    ]);
    const [y, elapsed] = integrate({ field, x, direction: 'forward', tableau: DOPRI5, steps, tolerance });
    const expected = attemptsOnHost(slope, start, steps, tolerance);
    expect(calls).toBe(1 + 6 * steps);
    expect(relativeError(tried.flat(), expected.flat())).toBeLessThan(2e-3);
    expect(y!.dataSync()[2]).toBeCloseTo(expected.at(-1)![1]!, 4);
    near(elapsed!, [1, 1], 1e-6);
  });

  test('do not ask the other rates', () => {
    const problem: OdeProblem = {
      field: swing,
      x: tf.tensor1d([1.5]),
      direction: 'forward',
      tableau: DOPRI5,
      steps: 9,
      tolerance: 1e-4,
    };
    const [together] = integrate(problem);
    const [alone] = integrate({ ...problem, field: (time, x) => [swing(time, x)[0]!] });
    expect(together!.dataSync()[0]).toBe(alone!.dataSync()[0]);
  });
});
