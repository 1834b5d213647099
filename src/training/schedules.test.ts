import { describe, expect, it } from 'vitest';
import {
  constantSchedule,
  cosineSchedule,
  cyclicalSchedule,
  exponentialSchedule,
  linearSchedule,
  warmupSchedule,
} from './schedules.js';

describe('schedules', () => {
  it('constant', () => {
    expect([1, 2, 1000].map(constantSchedule(0.3))).toEqual([0.3, 0.3, 0.3]);
    expect(() => constantSchedule(-1)).toThrow(/learningRate should be a finite number at least 0, but got -1/);
  });

  it('warmup, then what follows from its own first step', () => {
    expect([1, 2, 3, 4, 5, 6].map(warmupSchedule({ steps: 4, then: 2 }))).toEqual([0.5, 1, 1.5, 2, 2, 2]);
    const then = (step: number): number => 8 / step;
    expect([1, 2, 3, 4].map(warmupSchedule({ steps: 2, then }))).toEqual([4, 8, 4, 8 / 3]);
    expect(() => warmupSchedule({ steps: 0, then: 1 })).toThrow(/options.steps should be a positive integer/);
    expect(() => warmupSchedule({ steps: 2, then: 'x' as never })).toThrow(/options.then should be a rate or a schedule/);
  });

  it('cosine falls from the rate to the final one', () => {
    const rate = cosineSchedule({ learningRate: 3, steps: 4, final: 1 });
    const expected = [3, 2 + Math.SQRT1_2, 2, 2 - Math.SQRT1_2, 1, 1];
    for (const [i, value] of expected.entries()) {
      expect(rate(i + 1)).toBeCloseTo(value, 12);
    }
    expect(() => cosineSchedule({ learningRate: 1, steps: 1.5 })).toThrow(/options.steps/);
  });

  it('exponential, smooth and in stairs', () => {
    const smooth = exponentialSchedule({ learningRate: 2, factor: 0.25, every: 2 });
    expect([1, 2, 3, 5].map(smooth)).toEqual([2, 1, 0.5, 0.125]);
    const stairs = exponentialSchedule({ learningRate: 2, factor: 0.25, every: 2, staircase: true });
    expect([1, 2, 3, 4, 5].map(stairs)).toEqual([2, 2, 0.5, 0.5, 0.125]);
    expect(() => exponentialSchedule({ learningRate: 1, factor: 1.5 })).toThrow(/options.factor/);
  });

  it('linear, from a value to another', () => {
    expect([1, 2, 3, 5, 9].map(linearSchedule({ from: 3, to: 1, steps: 4 }))).toEqual([3, 2.5, 2, 1, 1]);
    expect([1, 3].map(linearSchedule({ to: 8, steps: 4 }))).toEqual([0, 4]);
    expect(() => linearSchedule({ to: 1, steps: 0 })).toThrow('linearSchedule: options.steps should be a positive integer');
    expect(() => linearSchedule({ to: -1, steps: 1 })).toThrow('options.to');
    expect(() => linearSchedule({ from: -1, to: 1, steps: 1 })).toThrow('options.from');
    expect(() => linearSchedule({ to: 1, step: 1 } as never)).toThrow("unknown option 'step'");
  });

  it('cyclical: rises and stays, again and again or so many times', () => {
    expect([1, 2, 5, 10, 11, 16].map(cyclicalSchedule({ period: 10, rising: 0.4, to: 2 }))).toEqual([0, 0.5, 2, 2, 0, 2]);
    expect([1, 2, 3, 4, 5, 6].map(cyclicalSchedule({ period: 4 }))).toEqual([0, 0.5, 1, 1, 0, 0.5]);
    expect([3, 4, 5, 6, 8, 9, 10].map(cyclicalSchedule({ period: 4, rising: 1, cycles: 2 }))).toEqual([
      0.5, 0.75, 0, 0.25, 0.75, 1, 1,
    ]);
    expect(() => cyclicalSchedule({ period: 0 })).toThrow('cyclicalSchedule: options.period should be a positive integer');
    expect(() => cyclicalSchedule({ period: 4, rising: 0 })).toThrow('options.rising');
    expect(() => cyclicalSchedule({ period: 4, rising: 1.1 })).toThrow('options.rising');
    expect(() => cyclicalSchedule({ period: 4, to: -1 })).toThrow('options.to');
    expect(() => cyclicalSchedule({ period: 4, cycles: 0.5 })).toThrow('options.cycles');
    expect(() => cyclicalSchedule({ period: 4, beta: 1 } as never)).toThrow("unknown option 'beta'");
  });
});
