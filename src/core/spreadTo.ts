import type { Tensor } from '@tensorflow/tfjs-core';
import { broadcastTo, reshape } from '@tensorflow/tfjs-core';
import { sizeOf } from './shapes.js';

/** Axes from which on WebGPU broadcasts by way of the host, which Node cannot wait for, and no backend has the gradient. */
const MANY = 5;

/** `broadcastTo` that works for many axes, too: by one after the other, each between what is before and behind it. */
export function spreadTo(x: Tensor, shape: readonly number[]): Tensor {
  if (shape.length < MANY) {
    return broadcastTo(x, [...shape]);
  }
  const made = [...Array<number>(shape.length - x.rank).fill(1), ...x.shape];
  let rows = x;
  shape.forEach((size, axis) => {
    if (made[axis] !== size) {
      const [before, behind] = [sizeOf(made.slice(0, axis)), sizeOf(made.slice(axis + 1))];
      rows = broadcastTo(reshape(rows, [before, 1, behind]), [before, size, behind]);
      made[axis] = size;
    }
  });
  return reshape(rows, made);
}
