// What a page runs for browser.ts.
import * as tf from '@tensorflow/tfjs';
import { useBackend } from 'tfjs-flows/backends';
import { countKernels } from './kernels.js';
import { WORKLOADS as BY_HAND } from './peers/tensorflow.js';
import type { Orders } from './runner.js';
import { runWorkloads } from './runner.js';
import { WORKLOADS } from './workloads/index.js';

Object.assign(globalThis, {
  async run(implementation: string, name: string, orders: Orders): Promise<void> {
    if (implementation === 'tfjs-flows') {
      await useBackend([orders.backend], { production: true });
    } else {
      tf.enableProdMode();
      if (orders.backend === 'webgpu') {
        await import('@tensorflow/tfjs-backend-webgpu');
      }
      await tf.setBackend(orders.backend);
    }
    const workloads = implementation === 'tfjs-flows' ? WORKLOADS : BY_HAND;
    await runWorkloads(name, workloads, orders, countKernels);
  },
});
