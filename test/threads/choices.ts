// Chooses WASM again and again, and prints for each choice how often a product of matrices gave work to a second thread.
import { matMul, ones, tidy } from '@tensorflow/tfjs-core';
import type { UseBackendOptions } from 'tfjs-flows/backends';
import { useBackend } from 'tfjs-flows/backends';

// The first thread wakes the second for each piece of work.
let pieces = 0;
const { notify } = Atomics;
Object.assign(Atomics, {
  notify: (...where: Parameters<typeof notify>) => {
    pieces += 1;
    return notify(...where);
  },
});

const PRODUCTS = 4;
const piecesBy = async (options: UseBackendOptions): Promise<number> => {
  await useBackend(['wasm'], options);
  // However busy this machine is: one that is late would be done without.
  const { now } = performance;
  performance.now = () => 0;
  pieces = 0;
  for (let i = 0; i < PRODUCTS; i++) {
    tidy(() => matMul(ones([128, 128]), ones([128, 128])));
  }
  performance.now = now;
  return pieces;
};

const results: number[] = [];
for (const options of [{ threads: 2 }, {}, { threads: 2 }, { threads: 1 }, {}, { threads: 2 }] as const) {
  results.push(await piecesBy(options));
}
console.log(JSON.stringify(results));
