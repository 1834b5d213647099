import { tensor } from '@tensorflow/tfjs-core';
import type { Rng } from 'tfjs-flows';
import { createRng } from 'tfjs-flows';

/** A generator whose normal numbers are the given ones, in their order. */
export function replay(numbers: Float32Array): Rng {
  let next = 0;
  return {
    ...createRng(0),
    normal: (shape) => {
      const count = shape.reduce((total, size) => total * size, 1);
      next += count;
      return tensor(numbers.slice(next - count, next), [...shape], 'float32');
    },
  };
}
