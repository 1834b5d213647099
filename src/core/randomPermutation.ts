import { checkInteger } from './errors.js';
import type { Rng } from './rng.js';

/** A permutation of 0 ... count - 1, each as likely as any other (Fisher and Yates). */
export function randomPermutation(rng: Rng, count: number): Int32Array {
  checkInteger('randomPermutation', 'count', count, 0);
  const order = Int32Array.from({ length: count }, (_, i) => i);
  const words = rng.bits(count);
  for (let i = count - 1; i > 0; i--) {
    // The bias of scaling 32 bits is below count / 2^32.
    const j = Math.floor(((words[i] as number) / 2 ** 32) * (i + 1));
    const kept = order[i] as number;
    order[i] = order[j] as number;
    order[j] = kept;
  }
  return order;
}
