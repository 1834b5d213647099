import { describe, expect, test } from 'vitest';
import { numbers } from '../cpu/numbers.js';
import type { Columns } from '../lanes.js';
import {
  CIRCULAR,
  curve,
  curveGradient,
  curveSize,
  FREE,
  IDENTITY,
  logDerivative,
  rawAt,
  rawSize,
  spline,
  splineGradient,
} from './math.js';

/** Differences of values are as exact as can be in float64. */
const { lanes: float64 } = numbers;

const BINS = 3;
const BOUND = 2;
const [LEAST_WIDTH, LEAST_HEIGHT, LEAST_SLOPE, OFFSET] = [0.05, 0.1, 0.02, 0.4];

const expectNear = (got: number, wanted: number): void => {
  expect(Math.abs(got - wanted), `${got} against ${wanted}`).toBeLessThan(1e-6 * Math.max(1, Math.abs(wanted)));
};

describe.each([IDENTITY, FREE, CIRCULAR])('boundary %d', (boundary) => {
  describe.each([false, true])('bounded: %s', (isBounded) => {
    const size = rawSize(BINS, boundary);
    const raw = Array.from({ length: size }, (_, i) => 1.5 * Math.sin(3 * i + 1));

    /** The numbers of an element. */
    function curveOf(parameters: readonly number[]): [memory: Float64Array, numbers: Columns<number>] {
      const memory = new Float64Array(curveSize(BINS)).fill(Number.NaN);
      const checked = (k: number): number => {
        if (k < 0 || k >= memory.length) {
          throw new RangeError(`${k} of ${memory.length}`);
        }
        return k;
      };
      const numbers: Columns<number> = {
        at: (k) => memory[checked(k)] as number,
        put: (k, value) => {
          memory[checked(k)] = value;
        },
      };
      memory.set(parameters, rawAt(BINS));
      curve(float64, numbers, BINS, boundary, isBounded, BOUND, LEAST_WIDTH, LEAST_HEIGHT);
      return [memory, numbers];
    }

    function map(x: number, parameters: readonly number[], inverse: boolean): [y: number, logDerivative: number] {
      const [, numbers] = curveOf(parameters);
      const y = spline(float64, numbers, x, inverse, BINS, boundary, isBounded, BOUND, LEAST_SLOPE, OFFSET);
      return [y, logDerivative(numbers, BINS)];
    }

    const xs = Array.from({ length: 23 }, (_, i) => -2.6 + 0.2313 * i);

    test('takes corners to corners, with the slopes there', () => {
      const soft = (value: number, limit: number): number => (isBounded ? value / (1 + Math.abs(value) / limit) : value);
      const corners = (of: readonly number[], least: number): number[] => {
        const powers = of.map((value) => Math.exp(soft(value, Math.log(1000) / 2)));
        const total = powers.reduce((sum, power) => sum + power);
        const lengths = powers.map((power) => 2 * BOUND * (least + ((1 - BINS * least) * power) / total));
        return [0, ...lengths].map((_, k) => lengths.slice(0, k).reduce((sum, length) => sum + length, -BOUND));
      };
      const [x, y] = [corners(raw.slice(0, BINS), LEAST_WIDTH), corners(raw.slice(BINS, 2 * BINS), LEAST_HEIGHT)];
      const own = raw.slice(2 * BINS).map((value) => {
        const slope = isBounded
          ? (1 - LEAST_SLOPE) * Math.exp(soft(value, Math.log(1000)))
          : Math.log1p(Math.exp(value + OFFSET));
        return LEAST_SLOPE + slope;
      });
      const slopes = [[1, ...own, 1], own, [...own, own[0] as number]][boundary] as number[];
      expect([own.length, slopes.length]).toEqual([BINS + [-1, 1, 0][boundary]!, BINS + 1]);
      slopes.forEach((slope, k) => {
        // The last corner is the end of the box to the bit.
        const inside = (value: number | undefined): number => Math.min(value as number, BOUND);
        const [forward, log] = map(inside(x[k]), raw, false);
        const [inverse, inverseLog] = map(inside(y[k]), raw, true);
        expect([forward, inverse].map((value, i) => value - ([y, x][i]?.[k] as number)).every((e) => Math.abs(e) < 1e-12)).toBe(
          true,
        );
        expect(log).toBeCloseTo(Math.log(slope), 10);
        expect(inverseLog).toBeCloseTo(-Math.log(slope), 10);
      });
    });

    test('tables: the last corner is the end of the box to the bit, no gradients at first, and nothing else is written', () => {
      const corners = BINS + 1;
      // In some of these the shares do not add up to 1.
      for (let seed = 0; seed < 20; seed++) {
        const parameters = raw.map((value, i) => value + Math.sin(seed * (i + 1)));
        const [memory, numbers] = curveOf(parameters);
        expect([memory[BINS], memory[corners + BINS]]).toEqual([BOUND, BOUND]);
        expect([...memory.slice(5 * corners, 8 * corners)]).toEqual(Array(3 * corners).fill(0));
        const settings = [BINS, boundary, isBounded, BOUND, LEAST_SLOPE, OFFSET] as const;
        for (const x of xs) {
          spline(float64, numbers, x, false, ...settings);
          spline(float64, numbers, x, true, ...settings);
        }
        expect([...memory.slice(rawAt(BINS), rawAt(BINS) + size)]).toEqual(parameters);
        const before = memory.slice(0, 5 * corners);
        splineGradient(float64, numbers, 0.3, 1, 1, false, ...settings);
        curveGradient(float64, numbers, BINS, boundary, isBounded, BOUND, LEAST_WIDTH, LEAST_HEIGHT);
        expect(memory.slice(0, 5 * corners)).toEqual(before);
      }
    });

    test('the inverse leads back', () => {
      for (const x of xs) {
        const [y, log] = map(x, raw, false);
        const [back, inverseLog] = map(y, raw, true);
        expect(back).toBeCloseTo(x, 12);
        expect(inverseLog).toBeCloseTo(-log, 11);
      }
    });

    test.each([false, true])('gradients are those of finite differences, inverse: %s', (inverse) => {
      const difference = (f: (step: number) => number): number => (f(1e-5) - f(-1e-5)) / 2e-5;
      const [g, h] = [0.7, -1.3];
      const loss = (x: number, parameters: readonly number[]): number => {
        const [y, log] = map(x, parameters, inverse);
        return g * y + h * log;
      };
      for (const x of xs) {
        const [memory, numbers] = curveOf(raw);
        // Twice, since gradients of elements that share parameters are added up.
        let dx = 0;
        for (const share of [0.25, 0.75]) {
          const settings = [inverse, BINS, boundary, isBounded, BOUND, LEAST_SLOPE, OFFSET] as const;
          dx += splineGradient(float64, numbers, x, share * g, share * h, ...settings);
        }
        curveGradient(float64, numbers, BINS, boundary, isBounded, BOUND, LEAST_WIDTH, LEAST_HEIGHT);
        const byPoint = difference((step) => loss(x + step, raw));
        expectNear(dx, byPoint);
        const slope = difference((step) => map(x + step, raw, inverse)[0]);
        expectNear(Math.exp(map(x, raw, inverse)[1]), slope);
        for (let p = 0; p < size; p++) {
          const moved = (step: number): number[] => raw.map((value, i) => (i === p ? value + step : value));
          const byParameter = difference((step) => loss(x, moved(step)));
          expectNear(memory[rawAt(BINS) + p] as number, byParameter);
        }
      }
    });
  });
});
