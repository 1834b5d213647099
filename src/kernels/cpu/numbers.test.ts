import { describe, expect, test } from 'vitest';
import { numbers } from './numbers.js';

describe('repeat', () => {
  const counted = (next: (state: readonly number[]) => readonly number[]) => {
    let calls = 0;
    const step = (state: readonly number[]): readonly number[] => {
      calls += 1;
      return next(state);
    };
    return { step, calls: () => calls };
  };

  test('takes so many steps', () => {
    const { step, calls } = counted(([x]) => [(x as number) + 1]);
    expect(numbers.repeat(3, [5], step)).toEqual([8]);
    expect(calls()).toBe(3);
    expect(numbers.repeat(0, [5], step)).toEqual([5]);
    expect(calls()).toBe(3);
  });

  test('ends with a step that changes none of the numbers', () => {
    const { step, calls } = counted(([x, y]) => [x as number, Math.min((y as number) + 1, 2)]);
    expect(numbers.repeat(9, [7, 0], step)).toEqual([7, 2]);
    expect(calls()).toBe(3);
  });
});

test('columns are read once, and not where a number was put', () => {
  const read: number[] = [];
  const columns = numbers.columns((p) => {
    read.push(p);
    return 10 * p;
  });
  columns.put(2, -1);
  expect([0, 1, 1, 2].map((p) => columns.at(p))).toEqual([0, 10, 10, -1]);
  columns.put(1, 3);
  expect(columns.at(1)).toBe(3);
  expect(read).toEqual([0, 1]);
});
