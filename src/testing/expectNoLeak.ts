import type { Tensor, TensorContainer } from '@tensorflow/tfjs-core';
import { dispose, memory } from '@tensorflow/tfjs-core';
import { invalid, isTensorLike } from '../core/errors.js';

/**
 * Runs `f` and throws unless it leaves exactly the tensors that it returns; those are disposed.
 *
 * It runs twice, and the second run counts: what is made once and kept (a lazily filled cache) is no leak.
 *
 * @param f may be asynchronous; returns tensors, alone or in arrays and objects, or nothing.
 * @param name says in the error what leaked.
 * @throws for what is no function, and with the number of tensors that were left behind, or disposed though they were not made by `f`.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { expectNoLeak } from 'tfjs-flows/testing';
 *
 * const x = tf.scalar(2);
 * await expectNoLeak(() => tf.square(x));
 * const leaky = () => {
 *   tf.square(x);
 * };
 * console.log(await expectNoLeak(leaky, 'square').catch((error) => error.message)); // => square: left 1 tensor behind.
 * ```
 */
export async function expectNoLeak(f: () => unknown, name = 'expectNoLeak'): Promise<void> {
  if (typeof f !== 'function') {
    throw invalid(name, 'f', 'a function', f);
  }
  dispose((await f()) as TensorContainer);
  const before = memory().numTensors;
  const result = await f();
  const left = memory().numTensors - before - tensorsIn(result).size;
  dispose(result as TensorContainer);
  if (left !== 0) {
    const count = `${Math.abs(left)} tensor${Math.abs(left) === 1 ? '' : 's'}`;
    throw new Error(`${name}: ${left > 0 ? `left ${count} behind` : `disposed ${count} too many`}.`);
  }
}

function tensorsIn(value: unknown, found: Set<Tensor> = new Set()): Set<Tensor> {
  if (isTensorLike(value)) {
    found.add(value as Tensor);
  } else if (typeof value === 'object' && value !== null) {
    for (const part of Object.values(value)) {
      tensorsIn(part, found);
    }
  }
  return found;
}
