import { expect, it } from 'vitest';
import { canReadSync } from './canReadSync.js';

it('knows that WebGPU cannot be read without waiting', () => {
  expect(canReadSync()).toBe(true);
  expect(canReadSync('wasm')).toBe(true);
  expect(canReadSync('webgpu')).toBe(false);
});
