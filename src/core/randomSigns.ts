import type { Tensor } from '@tensorflow/tfjs-core';
import { tensor } from '@tensorflow/tfjs-core';
import type { Rng } from './rng.js';
import { sizeOf } from './shapes.js';

/**
 * Entries -1 and 1, each as likely as the other: vectors v with E[v v^T] = I, so that E[v^T A v] = tr A, with the least variance of all
 * of this kind (Hutchinson 1990).
 */
export function randomSigns(rng: Rng, shape: readonly number[]): Tensor {
  return tensor(
    Float32Array.from(rng.bits(sizeOf(shape)), (word) => (word >>> 31 === 0 ? 1 : -1)),
    [...shape],
    'float32',
  );
}
