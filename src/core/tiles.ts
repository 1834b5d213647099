import type { Tensor } from '@tensorflow/tfjs-core';
import { tidy } from '@tensorflow/tfjs-core';

/** [0, size), [size, 2 size), ... up to `count`; the last may be shorter. */
export function tilesOf(count: number, size: number): [start: number, end: number][] {
  return Array.from({ length: Math.ceil(count / size) }, (_, i) => [i * size, Math.min(count, (i + 1) * size)]);
}

/** The numbers of a tensor that is made, read and freed. */
export async function readBack(make: () => Tensor): Promise<ArrayLike<number>> {
  const made = tidy(make);
  try {
    return await made.data();
  } finally {
    made.dispose();
  }
}

/** How long the host may be kept from other work, in milliseconds. */
const BREATH = 40;

/** A function to await between pieces of work: it lets the event loop turn where the last turn is a while ago. */
export function createBreather(): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last > BREATH) {
      await new Promise<void>((resolve) => setTimeout(resolve, 0));
      last = performance.now();
    }
  };
}
