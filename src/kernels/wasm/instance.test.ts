import { expect, test } from 'vitest';
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
