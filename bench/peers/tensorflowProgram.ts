// TensorFlow.js without this library, on one of its backends as it comes: prints times or, with --limits, what the backend can do.
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { countKernels } from '../kernels.js';
import { measureLimits } from '../limits.js';
import { readOrders } from '../orders.js';
import { runWorkloads } from '../runner.js';
import { WORKLOADS } from './tensorflow.js';

const orders = readOrders();
const implementation = `TensorFlow.js ${orders.backend}`;
tf.enableProdMode();
if (orders.backend === 'webgpu') {
  await startWebGpu();
}
await tf.setBackend(orders.backend);
await tf.ready();
if (orders.limits) {
  await measureLimits(implementation, orders.brief, { 'tf.randomNormal': (size) => tf.randomNormal([size]) });
} else {
  await runWorkloads(implementation, WORKLOADS, orders, countKernels);
}
process.exit(0);

/** Dawn, as the backend wants it: before its package is loaded. */
async function startWebGpu(): Promise<void> {
  const { create, globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  const navigator = { gpu: create([]), userAgent: 'node', hardwareConcurrency: 1 };
  Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true, writable: true });
  if ((await navigator.gpu.requestAdapter()) === null) {
    throw new Error('Dawn found no graphics driver');
  }
  await import('@tensorflow/tfjs-backend-webgpu');
}
