import * as tf from '@tensorflow/tfjs';
import { useBackend } from 'tfjs-flows/backends';
import { expect, test } from 'vitest';
import { backendName } from '../setup/backend.js';

test('useBackend finds the backend of the project', async () => {
  expect(await useBackend([backendName])).toEqual({ name: backendName, failures: [] });
  expect(tf.getBackend()).toBe(backendName);
});

const onWasm = backendName === 'wasm' ? test : () => {};

onWasm('a second thread is refused where the backend runs with memory of its own', async () => {
  await expect(useBackend(['wasm'], { threads: 2 })).rejects.toThrow('wasm: a second thread needs memory that threads can share');
  expect((await useBackend(['wasm'])).name).toBe('wasm');
});

// Not skipped but absent elsewhere: there is nothing to serve a file from in Node.
const inPage = typeof process === 'undefined' ? test : () => {};

inPage('wasm works in a page where its file is served, and the first backend comes back', async () => {
  const wasmPaths = {
    'tfjs-backend-wasm.wasm': WASM,
    'tfjs-backend-wasm-simd.wasm': WASM_SIMD,
    'tfjs-backend-wasm-threaded-simd.wasm': WASM_SIMD,
  };
  expect(await useBackend(['wasm'], { wasmPaths })).toEqual({ name: 'wasm', failures: [] });
  expect(await tf.add(1, 2).data()).toEqual(Float32Array.of(3));
  await useBackend([backendName]);
});

const SERVED = '/node_modules/@tensorflow/tfjs-backend-wasm/dist/';
const WASM = `${SERVED}tfjs-backend-wasm.wasm`;
const WASM_SIMD = `${SERVED}tfjs-backend-wasm-simd.wasm`;
