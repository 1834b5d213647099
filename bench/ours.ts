// This library on one backend: prints times or, with --limits, what the backend can do.
import { engine } from '@tensorflow/tfjs-core';
import { createRng } from 'tfjs-flows';
import { useBackend } from 'tfjs-flows/backends';
import { THREADED } from './contestants.js';
import { countKernels } from './kernels.js';
import { measureLimits } from './limits.js';
import { readOrders } from './orders.js';
import { runWorkloads } from './runner.js';
import { WORKLOADS } from './workloads/index.js';

const orders = readOrders();
const implementation = orders.threads === 2 ? THREADED : `tfjs-flows ${orders.backend}`;
await useBackend([orders.backend], { production: true, threads: orders.threads });
if (orders.limits) {
  const rng = createRng(0);
  await measureLimits(implementation, orders.brief, { 'rng.normal': (size) => rng.normal([size]) });
} else {
  await runWorkloads(implementation, WORKLOADS, orders, countKernels);
}
// Of a GPU, buffers and the device: Dawn would keep the process.
engine().backend.dispose();
process.exit(0);
