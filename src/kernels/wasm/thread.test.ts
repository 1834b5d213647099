import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import type { Thread } from './thread.js';
import { startThread } from './thread.js';

/** Exports, in this order, one that does nothing, one that fails and one that never ends. */
const PROGRAM = Uint8Array.from([
  ...[0, 97, 115, 109, 1, 0, 0, 0],
  // A type: () => (); an import: env.memory, 1 to 2 pages, shared.
  ...[1, 4, 1, 0x60, 0, 0],
  ...[2, 16, 1, 3, 101, 110, 118, 6, 109, 101, 109, 111, 114, 121, 2, 3, 1, 2],
  // Three functions of that type; their names.
  ...[3, 4, 3, 0, 0, 0],
  ...[7, 13, 3, 1, 97, 0, 0, 1, 98, 0, 1, 1, 99, 0, 2],
  // Their code: none; unreachable; a loop of a branch to its start.
  ...[10, 16, 3, 2, 0, 0x0b, 3, 0, 0x00, 0x0b, 7, 0, 0x03, 0x40, 0x0c, 0, 0x0b, 0x0b],
]);
const [NOTHING, FAILS, ENDLESS] = ['a', 'b', 'c'] as const;

describe('startThread', () => {
  let thread: Thread;
  afterEach(() => thread.stop());

  const start = async (limit?: number): Promise<void> => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true });
    thread = await startThread(await WebAssembly.compile(PROGRAM), memory, limit);
  };

  /** Gives it time to begin. */
  const run = async (name: string): Promise<boolean> => {
    thread.start(name, []);
    await sleep(200);
    return thread.finish();
  };

  test('does what it is given, again and again', async () => {
    await start();
    for (let i = 0; i < 3; i++) {
      expect(await run(NOTHING)).toBe(true);
    }
  });

  test('gives back what fails, and goes on', async () => {
    await start();
    expect(await run(FAILS)).toBe(false);
    expect(await run(NOTHING)).toBe(true);
  });

  test('gives back what it has not begun, and is left in peace for a while where it was awake', async () => {
    await start();
    // Ended from outside it is as one that died between two pieces of work.
    thread.stop();
    await sleep(200);
    expect(thread.keepsUp()).toBe(true);
    expect(await run(NOTHING)).toBe(false);
    expect(thread.keepsUp()).toBe(false);
    // And what is given to it all the same.
    expect(await run(NOTHING)).toBe(false);
  });

  test('is waited for no longer than its limit, and then given up', async () => {
    await start(100);
    const before = performance.now();
    expect(await run(ENDLESS)).toBe(false);
    // The time that it had before counts as ten times that of the other half.
    expect(performance.now() - before).toBeGreaterThan(2_000);
    expect(thread.keepsUp()).toBe(false);
    await sleep(0);
    expect(thread.keepsUp()).toBe(false);
  });
});
