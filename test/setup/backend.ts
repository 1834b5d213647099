// Runs before every file of tests: gradients and chained ops registered, and the project's backend chosen, or a failure.
import * as tf from '@tensorflow/tfjs';
import { afterAll, inject } from 'vitest';
import { registerGpuKernels } from '../../src/kernels/gpu/register.js';
import { registerWasmKernels } from '../../src/kernels/wasm/register.js';

declare module 'vitest' {
  interface ProvidedContext {
    backend: 'cpu' | 'wasm' | 'webgl' | 'webgpu';
    /** Draws of the conformance suites, where they must be fewer than the backend's: in the mutation check. */
    runs?: number;
    /** Their finite differences, likewise. */
    gradients?: 'each' | 'joint';
  }
}

/** The backend of the project that runs. */
export const backendName: 'cpu' | 'wasm' | 'webgl' | 'webgpu' = inject('backend');

const inNode = typeof process !== 'undefined' && process.versions?.node !== undefined;

/** Resolves once the project's backend is the current one; throws where it is not. */
export async function ready(): Promise<void> {
  if (tf.getBackend() !== backendName || tf.findBackend(backendName) === null) {
    await load();
    if (!(await tf.setBackend(backendName))) {
      throw new Error(`The backend '${backendName}' could not start here.`);
    }
    await tf.ready();
    if (backendName === 'wasm') {
      await registerWasmKernels();
    }
    if (backendName === 'webgl' || backendName === 'webgpu') {
      registerGpuKernels(backendName);
    }
  }
  if (tf.getBackend() !== backendName) {
    throw new Error(`These tests want the backend '${backendName}', but '${tf.getBackend()}' is the current one.`);
  }
}

async function load(): Promise<void> {
  if (backendName === 'wasm') {
    await import('@tensorflow/tfjs-backend-wasm');
  } else if (backendName === 'webgpu') {
    if (inNode) {
      await startDawn();
    }
    await import('@tensorflow/tfjs-backend-webgpu');
  }
}

/** WebGPU for Node. The backend's file looks for `navigator.gpu` when it is loaded, so this comes before. */
async function startDawn(): Promise<void> {
  const dawn = await import(/* @vite-ignore */ `${'webgpu'}`);
  Object.assign(globalThis, dawn.globals);
  // On globalThis it lives as long as the process: Dawn's devices die with it.
  Object.defineProperty(globalThis, 'navigator', { value: { gpu: dawn.create([]) }, configurable: true });
}

await ready();

// Kernels that `useBackend(['cpu'])` has registered would be those of all files that come after: there they are what is compared with.
afterAll(() => {
  for (const { kernelName } of tf.getKernelsForBackend('cpu').filter((kernel) => kernel.kernelName.startsWith('Flows'))) {
    tf.unregisterKernel(kernelName, 'cpu');
  }
});
