import { expect, it } from 'vitest';
import { canReadSync } from './levels.js';

it('knows that WebGPU cannot be read without waiting', () => {
  expect(canReadSync()).toBe(true);
  expect(canReadSync('wasm')).toBe(true);
  expect(canReadSync('webgpu')).toBe(false);
});
