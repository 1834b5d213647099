import { describe, expect, test } from 'vitest';
import { watchPunctuality } from './punctuality.js';

describe('watchPunctuality', () => {
  /** How many calls are done without it before it is asked again. */
  const restOf = (watched: ReturnType<typeof watchPunctuality>): number => {
    let calls = 0;
    while (calls < 10_000 && !watched.keepsUp()) calls += 1;
    return calls;
  };

  test('has it work as long as the wait is no longer than the work', () => {
    const watched = watchPunctuality();
    expect(restOf(watched)).toBe(0);
    watched.waited(0.9, 1);
    expect(restOf(watched)).toBe(0);
    watched.waited(1.04, 1);
    expect(restOf(watched)).toBe(0);
    watched.waited(0.05, 0);
    expect(restOf(watched)).toBe(0);
  });

  test('does without it for longer each time that it is late, up to a limit, and forgets that by steps', () => {
    const watched = watchPunctuality();
    const rests = Array.from({ length: 11 }, () => {
      watched.waited(1.06, 1);
      return restOf(watched);
    });
    expect(rests).toEqual([16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 4096, 4096]);
    watched.waited(0, 1);
    watched.waited(0, 1);
    expect(restOf(watched)).toBe(0);
    watched.waited(2, 1);
    expect(restOf(watched)).toBe(1024);
  });

  test('never forgets more than there was', () => {
    const watched = watchPunctuality();
    watched.waited(0, 1);
    watched.waited(2, 1);
    expect(restOf(watched)).toBe(16);
  });
});
