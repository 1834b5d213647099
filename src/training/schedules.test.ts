import { describe, expect, it } from 'vitest';
import { constantSchedule, cosineSchedule, exponentialSchedule, warmupSchedule } from './schedules.js';

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
});
