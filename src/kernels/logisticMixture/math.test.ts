import { describe, expect, test } from 'vitest';
import { numbers } from '../cpu/numbers.js';
import type { Columns } from '../lanes.js';
import {
  bracket,
  differentiate,
  evaluate,
  evaluateNear,
  improve,
  logit,
  logSlope,
  NEAR,
  PARTIALS,
  PREPARED,
  prepare,
  propagate,
  SEARCH,
  STEPS,
  SUMS,
  slope,
  UNFINISHED,
} from './math.js';

/** Differences of values are as exact as can be in float64. */
const { lanes: float64 } = numbers;

/** Numbers in memory of their own, where nothing reads or writes beyond its ends. */
function columnsOf(values: readonly number[], size = values.length): Columns<number> & { readonly memory: Float64Array } {
  const memory = Float64Array.from({ length: size }, (_, p) => values[p] ?? Number.NaN);
  const checked = (p: number): number => {
    expect(p >= 0 && p < size, `${p} of ${size}`).toBe(true);
    return p;
  };
  return {
    memory,
    at: (p) => memory[checked(p)] as number,
    put: (p, value) => {
      memory[checked(p)] = value;
    },
  };
}

const FLOOR = -7;

const prepared = (mixture: readonly number[]): Columns<number> & { readonly memory: Float64Array } => {
  const K = mixture.length / 3;
  const columns = columnsOf(mixture, PREPARED * K);
  prepare(float64, columns, K, FLOOR);
  return columns;
};

/** The sums at x, near or wherever it is. */
function sumsAt(x: number, mixture: readonly number[], isNear: boolean): [sums: Columns<number>, least: number | undefined] {
  const sums = columnsOf([], SUMS);
  const least = (isNear ? evaluateNear : evaluate)(float64, x, prepared(mixture), mixture.length / 3, sums) as number | undefined;
  return [sums, least];
}

const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));

/** As in the formulas at the head of `math.ts`, weights relative to the largest. */
function plain(x: number, mixture: readonly number[]): { F: number; S: number; f: number; y: number; l: number } {
  const K = mixture.length / 3;
  const top = Math.max(...mixture.slice(0, K));
  let [F, S, f] = [0, 0, 0];
  for (let k = 0; k < K; k++) {
    const [logit, mean, logScale] = [0, 1, 2].map((part) => mixture[part * K + k]) as [number, number, number];
    const scale = Math.exp(Math.max(logScale, FLOOR));
    const [w, z] = [Math.exp(logit - top), (x - mean) / scale];
    F += w * sigmoid(z);
    S += w * sigmoid(-z);
    f += (w * sigmoid(z) * sigmoid(-z)) / scale;
  }
  return { F, S, f, y: Math.log(F / S), l: Math.log(f / S + f / F) };
}

const expectNear = (got: number, wanted: number, tolerance = 1e-12): void => {
  expect(Math.abs(got - wanted), `${got} against ${wanted}`).toBeLessThan(tolerance * Math.max(1, Math.abs(wanted)));
};

const MIXTURE = [0.3, -0.9, 0.7, -1.1, 0.4, 1.3, -0.8, 0.5, -0.2];

describe('prepared', () => {
  test.each([1, 2, 3])('%d components have log-weights of which the largest is 0, and scales from the floor on', (K) => {
    const mixture = [[-3, -5, -4].slice(0, K), [2, 0.1, 9].slice(0, K), [-8, 0.5, -1].slice(0, K)].flat();
    const { memory } = prepared(mixture);
    const logWeights = [0, -2, -1].slice(0, K);
    expect(Array.from(memory.slice(0, 2 * K))).toEqual([...logWeights, ...mixture.slice(K, 2 * K)]);
    const inverses = [7, -0.5, 1].slice(0, K).map(Math.exp);
    expect(Array.from(memory.slice(2 * K, 4 * K))).toEqual([...inverses, ...logWeights.map(Math.exp)]);
    // And where the largest is not the first.
    const turned = prepared([mixture.slice(0, K).reverse(), mixture.slice(K)].flat());
    expect(Array.from(turned.memory.slice(0, K))).toEqual(logWeights.toReversed());
  });
});

describe.each([true, false])('sums, near: %s', (isNear) => {
  test.each([-9, -2.3, -0.4, 0.1, 1.7, 8])('value and derivatives at %d', (x) => {
    const [sums, least] = sumsAt(x, MIXTURE, isNear);
    const { F, S, f, y, l } = plain(x, MIXTURE);
    expectNear(logit(float64, sums), y);
    expectNear(logSlope(float64, sums, isNear), l);
    expectNear(slope(float64, sums, isNear), Math.exp(l));
    if (isNear) {
      expectNear((least as number) / Math.min(F, S, f), 1);
    }
  });

  test.each([-3.1, -0.4, 0.2, 1.9, 4.2])('gradients are those of finite differences at %d', (x) => {
    const [g, h, K] = [0.7, -1.3, 3];
    const loss = (at: number, mixture: readonly number[]): number => {
      const { y, l } = plain(at, mixture);
      return g * y + h * l;
    };
    const difference = (f: (step: number) => number): number => (f(1e-5) - f(-1e-5)) / 2e-5;
    const [mixture, partials] = [prepared(MIXTURE), columnsOf([], PARTIALS * K)];
    const slopeOfL = differentiate(float64, x, mixture, K, sumsAt(x, MIXTURE, isNear)[0], isNear, partials);
    expectNear(
      slopeOfL,
      difference((step) => plain(x + step, MIXTURE).l),
      1e-8,
    );
    const byX = propagate(float64, x, mixture, K, partials, g, h);
    expectNear(
      byX,
      difference((step) => loss(x + step, MIXTURE)),
      1e-8,
    );
    MIXTURE.forEach((_, p) => {
      const moved = (step: number): number[] => MIXTURE.map((value, i) => (i === p ? value + step : value));
      expectNear(
        partials.at(p),
        difference((step) => loss(x, moved(step))),
        1e-8,
      );
    });
  });
});

test('what is far is not near', () => {
  expect(sumsAt(-90, MIXTURE, true)[1]).toBeLessThan(NEAR);
  expect(sumsAt(90, MIXTURE, true)[1]).toBeLessThan(NEAR);
});

test('beyond the components the nearest in scales rules', () => {
  for (const side of [-1, 1]) {
    const x = side * 9000;
    const [sums] = sumsAt(x, MIXTURE, false);
    // Of the components the second has the widest scale, and of the weights its share decides how far.
    const scale = Math.exp(0.5);
    const all = [0.3, -0.9, 0.7].reduce((sum, logit) => sum + Math.exp(logit), 0);
    expectNear(logit(float64, sums), side * ((side * (x - 0.4)) / scale - Math.log(Math.exp(-0.9) / all)));
    expectNear(logSlope(float64, sums, false), -0.5, 1e-11);
    expectNear(slope(float64, sums, false), 1 / scale, 1e-11);
  }
});

test('a component without weight does not make what others have vanish', () => {
  for (const side of [-1, 1]) {
    const [sums] = sumsAt(side * 2000, [0, -1e4, 0, side * 2000, 0, 0], false);
    expectNear(logit(float64, sums), side * 2000);
    expectNear(logSlope(float64, sums, false), 0);
  }
});

test.each([
  [900, 905, 890],
  [905, 890, 900],
  [890, 900, 905],
  [-900, -905, -890],
  [-890, -900, -905],
  [-905, -890, -900],
  [-900, 905, 0],
  [905, 0, -900],
  [0, -900, 905],
])('log-scales of %d, %d and %d, whose exponentials are no numbers: the log-derivative at the means', (...logScales) => {
  const logits = [0.3, -0.9, 0.7];
  const [sums, mixture] = [columnsOf([], SUMS), columnsOf([...logits, 1, 1, 1, ...logScales], 3 * PREPARED)];
  prepare(float64, mixture, 3, -1000);
  // 0 times infinity is NaN, but scales of 0 there are none.
  for (const k of [0, 1, 2]) mixture.put(6 + k, Math.min(mixture.at(6 + k), 1e300));
  evaluate(float64, 1, mixture, 3, sums);
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
  const least = Math.min(...logScales);
  const density = logits.reduce((sum, logit, k) => sum + Math.exp(logit + least - (logScales[k] as number)), 0);
  // At the means F = S = 1/2 and sigmoid' = 1/4.
  expectNear(logSlope(float64, sums, false), Math.log(density / total) - least);
});

describe('the search for the x of y', () => {
  /** Its numbers: the bracket, the last two steps, and whether it goes on. */
  type Search = readonly [lower: number, upper: number, step: number, previous: number, unfinished: number];

  test('begins in the middle of the outermost x of the components', () => {
    const y = 0.7;
    const roots = [0, 1, 2].map((k) => (MIXTURE[3 + k] as number) + y * Math.exp(MIXTURE[6 + k] as number));
    const [low, high] = [Math.min(...roots), Math.max(...roots)];
    const search = columnsOf([], SEARCH);
    expectNear(bracket(float64, y, prepared(MIXTURE), 3, search), (low + high) / 2);
    [low, high, high - low, high - low, 1].forEach((wanted, p) => expectNear(search.at(p), wanted));
    expect(SEARCH - 1).toBe(UNFINISHED);
  });

  /** A step from x, where the slope is 1 / scale and the value off by so much. */
  function step(x: number, y: number, search: Search, { off, scale = 0.8 }: { off: number; scale?: number }) {
    const held = columnsOf(search);
    // One component, of which the logit at x is y + off.
    const mixture = [0, x - (y + off) * scale, Math.log(scale)];
    const next = improve(float64, x, y, sumsAt(x, mixture, false)[0], false, held);
    return [next, ...held.memory];
  }
  const expectAll = (got: readonly number[], wanted: readonly number[]): void => {
    expect(got.length).toBe(wanted.length);
    wanted.forEach((value, i) => expectNear(got[i] as number, value, 1e-8));
  };

  test("is by Newton's method, and narrows the bracket from the side where x is", () => {
    expectAll(step(2, 0.7, [-3, 9, 5, 6, 1], { off: 0.5 }), [1.6, -3, 2, -0.4, 5, 1]);
    expectAll(step(2, 0.7, [-3, 9, 5, 6, 1], { off: -0.5 }), [2.4, 2, 9, 0.4, 5, 1]);
  });

  test('is by bisection where that leaves the bracket', () => {
    expectAll(step(2, 0.7, [1.5, 9, 5, 6, 1], { off: 1 }), [1.75, 1.5, 2, -0.25, 5, 1]);
    expectAll(step(2, 0.7, [-3, 2.5, 5, 6, 1], { off: -1 }), [2.25, 2, 2.5, 0.25, 5, 1]);
  });

  test('is by bisection where that does not halve the step before last, whatever way that went', () => {
    for (const sign of [-1, 1]) {
      expectAll(step(2, 0.7, [-3, 9, 5, 0.79 * sign, 1], { off: 0.5 }), [-0.5, -3, 2, -2.5, 5, 1]);
      expectAll(step(2, 0.7, [-3, 9, 5, 0.81 * sign, 1], { off: 0.5 }), [1.6, -3, 2, -0.4, 5, 1]);
      expectAll(step(2, 0.7, [-3, 9, 5, 0.79 * sign, 1], { off: -0.5 }), [5.5, 2, 9, 3.5, 5, 1]);
    }
  });

  test('ends where what is left may be rounding, relative to y, after a step that may be of any size', () => {
    for (const y of [-50, 50]) {
      // 3e-7 (1 + 50) is 1.53e-5.
      const wide = { off: 1.5e-5, scale: 1e4 };
      expectAll(step(2, y, [-3, 9, 5, 1e-9, 1], wide), [1.85, -3, 2, -0.15, 5, 0]);
      // And none is made where it leaves the bracket.
      expectAll(step(2, y, [1.9, 9, 5, 1e-9, 1], wide), [2, 1.9, 2, 0, 5, 0]);
      expectAll(step(2, y, [-3, 9, 5, 6, 1], { off: 1.6e-5, scale: 1e4 }), [1.84, -3, 2, -0.16, 5, 1]);
      expectAll(step(2, y, [-3, 9, 5, 6, 1], { off: -1.5e-5, scale: 1e4 }), [2.15, 2, 9, 0.15, 5, 0]);
      expectAll(step(2, y, [-3, 9, 5, 6, 1], { off: -1.6e-5, scale: 1e4 }), [2.16, 2, 9, 0.16, 5, 1]);
    }
  });

  test('ends after a step that is small for x', () => {
    for (const x of [-20, 20]) {
      // 3e-7 times 20 is 6e-6; a value of 0.01 is no rounding.
      const [bracket, scale] = [[x - 1, x + 1] as const, 1e-3];
      const short = step(x, 0.7, [...bracket, 5, 6, 1], { off: 0.0059, scale });
      expectAll(short, [x - 5.9e-6, x - 1, x, -5.9e-6, 5, 0]);
      expect(step(x, 0.7, [...bracket, 5, 6, 1], { off: 0.0061, scale })[1 + UNFINISHED]).toBe(1);
      expect(step(x, 0.7, [...bracket, 5, 6, 1], { off: -0.0059, scale })[1 + UNFINISHED]).toBe(0);
    }
  });

  test('stays where it has ended', () => {
    expectAll(step(2, 0.7, [-3, 9, 0.5, 6, 0], { off: 0.5 }), [2, -3, 2, 0, 0.5, 0]);
  });

  test.each([0, Number.POSITIVE_INFINITY])('is by bisection where the slope is %d', (density) => {
    const [y, held] = [0.7, columnsOf([-3, 9, 5, 6, 1])];
    const [sums] = sumsAt(2, [0, 1, 0], false);
    const poor: Columns<number> = { at: (p) => (p === SUMS - 1 ? density : sums.at(p)), put: () => {} };
    expectAll([improve(float64, 2, y, poor, false, held), ...held.memory], [-0.5, -3, 2, -2.5, 5, 1]);
  });

  test('gives NaN where y is', () => {
    expect(step(2, Number.NaN, [-3, 9, 5, 6, 1], { off: 0.5 })[0]).toBe(Number.NaN);
  });

  test.each([-40, -3, 0.2, 2, 40])('finds the x of %d', (y) => {
    const [mixture, search] = [prepared(MIXTURE), columnsOf([], SEARCH)];
    let x = bracket(float64, y, mixture, 3, search);
    let steps = 0;
    for (; steps < STEPS && search.at(UNFINISHED) === 1; steps++) {
      x = improve(float64, x, y, sumsAt(x, MIXTURE, false)[0], false, search);
    }
    expect(steps).toBeLessThan(12);
    expectNear(logit(float64, sumsAt(x, MIXTURE, false)[0]), y, 1e-9);
  });
});
