import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { sharing } from '../../src/kernels/wasm/sharedMemory.js';

/** What a program prints last. It has to end by itself, though the second thread waits for work. */
async function run<T>(...program: string[]): Promise<T> {
  const { stdout } = await promisify(execFile)(process.execPath, ['scripts/run.mjs', ...program], { maxBuffer: 2 ** 26 });
  return JSON.parse(stdout.trim().split('\n').at(-1) as string);
}

test('two threads give the numbers of one, bit by bit', async () => {
  const by = (threads: number) =>
    run<{ pieces: number; results: Record<string, number[]> }>('test/threads/program.ts', `${threads}`);
  const [one, two] = [await by(1), await by(2)];
  expect(one.pieces).toBe(0);
  expect(two.pieces).toBeGreaterThan(50);
  for (const numbers of Object.values(one.results)) {
    expect(numbers.every(Number.isFinite)).toBe(true);
  }
  expect(two.results).toEqual(one.results);
});

test('a second thread stays where the backend is chosen again, ends where one is asked for, and starts again', async () => {
  expect(await run('test/threads/choices.ts')).toEqual([4, 4, 4, 0, 0, 4]);
});

test('a program whose memory has a limit is made to share it, any other stays as it is', () => {
  const program = (bits: number): number[] => [0, 97, 115, 109, 1, 0, 0, 0, 5, 4, 1, bits, 1, 2];
  expect([...sharing(Uint8Array.from(program(1)))]).toEqual(program(3));
  expect([...sharing(Uint8Array.from(program(0)))]).toEqual(program(0));
  expect(WebAssembly.validate(sharing(Uint8Array.from(program(1))))).toBe(true);
});
