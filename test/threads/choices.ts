// Chooses WASM again and again, and prints for each choice how often products of matrices gave work to a second thread.
import { matMul, ones, tidy } from '@tensorflow/tfjs-core';
import { useBackend } from 'tfjs-flows/backends';
import { takePieces, waitForSecondThread } from './pieces.js';

waitForSecondThread();
const results: number[] = [];
for (const options of [{ threads: 2 }, {}, { threads: 2 }, { threads: 1 }, {}, { threads: 2 }] as const) {
  await useBackend(['wasm'], options);
  for (let i = 0; i < 4; i++) {
    tidy(() => matMul(ones([128, 128]), ones([128, 128])));
  }
  results.push(takePieces());
}
console.log(JSON.stringify(results));
