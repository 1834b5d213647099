import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Instance } from './instance.js';
import { compileKernels } from './instance.js';

const backend = (memory: WebAssembly.Memory): object => ({ wasm: { asm: { memory } } });

test.each([false, true])('works in memory that is shared or not: %s', async (shared) => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 2, shared });
  const like = backend(memory);
  const { exports } = (await compileKernels(like))!(like);
  const numbers = new Float32Array(memory.buffer, 0, 4);
  numbers.set([3, 4, 12, 84]);
  expect(exports.squaredNorm(0, 4)).toBe(85 ** 2);
});

test('leaves a backend alone that has no such memory', async () => {
  expect(await compileKernels(null)).toBeUndefined();
  expect(await compileKernels({ wasm: {} })).toBeUndefined();
});

test('a backend has one instance, however often kernels are compiled for it', async () => {
  const like = backend(new WebAssembly.Memory({ initial: 1, maximum: 2 }));
  expect((await compileKernels(like))!(like)).toBe((await compileKernels(like))!(like));
});

describe('a second thread', () => {
  const [ROWS, WIDTH] = [11, 3];
  const AT_SUMS = 4 * ROWS * WIDTH;
  let instance: Instance;
  let memory: WebAssembly.Memory;
  let disposals = 0;

  const start = async (): Promise<{ dispose(): void }> => {
    memory = new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true });
    const dispose = (): void => {
      disposals += 1;
    };
    const like = { wasm: { asm: { memory }, _malloc: () => 32_768, _free: () => {} }, dispose };
    instance = (await compileKernels(like))!(like);
    await instance.useThreads(2);
    return like;
  };
  // It does all that it is given, however small that is and however busy this machine.
  const { compareExchange, load } = Atomics;
  const patient = (numbers: Int32Array, at: number, expected: number, value: number): number => {
    while (load(numbers, at) === expected);
    return compareExchange(numbers, at, expected, value);
  };
  beforeEach(() => {
    vi.spyOn(performance, 'now').mockReturnValue(0);
    vi.spyOn(Atomics, 'compareExchange').mockImplementation(patient as typeof compareExchange);
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await instance.useThreads(1);
  });

  /** The sums of rows of numbers 0, 1, 2, ... */
  const sums = (numbers?: (first: number) => number[]): number[] => {
    new Float32Array(memory.buffer, 0, ROWS * WIDTH).set([...Array(ROWS * WIDTH).keys()]);
    const results = new Float32Array(memory.buffer, AT_SUMS, ROWS).fill(0);
    instance.overRows('rowSums', {
      rows: ROWS,
      nanoseconds: 1e6,
      numbers: (first, rows) => numbers?.(first) ?? [4 * WIDTH * first, AT_SUMS + 4 * first, rows, WIDTH],
    });
    return [...results];
  };
  const EXPECTED = [3, 12, 21, 30, 39, 48, 57, 66, 75, 84, 93];

  test('does rows, or leaves them to the first', async () => {
    await start();
    expect(sums()).toEqual(EXPECTED);
    // Asleep and not woken, it begins nothing.
    await sleep(300);
    vi.mocked(Atomics.compareExchange).mockImplementation(compareExchange);
    vi.spyOn(Atomics, 'notify').mockReturnValue(1);
    expect(sums()).toEqual(EXPECTED);
    expect(Atomics.notify).toHaveBeenCalledOnce();
  });

  test('goes on after a failure in either thread', async () => {
    await start();
    const outside = [2 ** 30, AT_SUMS, 4, WIDTH];
    for (const half of [0, 8]) {
      expect(() => sums((first) => (first === half ? outside : [0, AT_SUMS, 0, WIDTH]))).toThrow(WebAssembly.RuntimeError);
      expect(sums()).toEqual(EXPECTED);
    }
  });

  test('is no more where one is asked for, or the backend is disposed', async () => {
    const notify = vi.spyOn(Atomics, 'notify');
    const like = await start();
    await instance.useThreads(1);
    expect(sums()).toEqual(EXPECTED);
    expect(notify).not.toHaveBeenCalled();
    await instance.useThreads(2);
    like.dispose();
    expect(disposals).toBe(1);
  });
});
