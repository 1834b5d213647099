import type { Tensor } from '@tensorflow/tfjs-core';
import { sum } from '@tensorflow/tfjs-core';
import { invalid, isTensorLike } from './errors.js';

/** The number of elements of a shape; 1 for a scalar's. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** The leading axes that are not of the event. */
export function batchShapeOf(x: Tensor, eventRank: number): number[] {
  return x.shape.slice(0, x.shape.length - eventRank);
}

/** Sums over the `count` last axes; `x` itself where `count` is 0. */
export function sumTrailing(x: Tensor, count: number): Tensor {
  return count === 0 ? x : sum(x, x.shape.map((_, axis) => axis).slice(-count));
}

/** Whether `from` broadcasts to exactly `to` by the usual rule: aligned at the right, sizes equal or 1. */
export function broadcastsTo(from: readonly number[], to: readonly number[]): boolean {
  return from.length <= to.length && from.every((size, i) => size === 1 || size === to[to.length - from.length + i]);
}

/** The shape that both broadcast to. */
export function broadcastShapes(where: string, a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const sizeA = a[a.length - rank + i] ?? 1;
    const sizeB = b[b.length - rank + i] ?? 1;
    if (sizeA !== sizeB && sizeA !== 1 && sizeB !== 1) {
      throw new Error(`${where}: shapes [${a.join(', ')}] and [${b.join(', ')}] do not broadcast.`);
    }
    return sizeA === 1 ? sizeB : sizeA;
  });
}

/** What an event looks like: a size an axis, `null` where any size will do. */
export type EventShape = readonly (number | null)[];

/**
 * Throws unless `x` is a live float32 tensor whose trailing axes are an event of that shape.
 *
 * @param where the method, for example `planar.forward`
 * @param argument its argument, for example `x`
 */
export function checkEvent(where: string, argument: string, x: unknown, event: EventShape): asserts x is Tensor {
  const text = `a float32 tensor of shape [${['...batch', ...event.map((size) => size ?? '?')].join(', ')}]`;
  const start = isTensorLike(x) && x.dtype === 'float32' && !x.isDisposed ? x.shape.length - event.length : -1;
  if (start < 0 || event.some((size, i) => size !== null && size !== (x as Tensor).shape[start + i])) {
    throw invalid(where, argument, text, x);
  }
  // Backends disagree about tensors without elements, and some fail.
  if ((x as Tensor).shape.includes(0)) {
    throw invalid(where, argument, `${text} with no axis empty`, x);
  }
}

/** Throws unless `context` is [...batch, size] with leading axes that broadcast to the batch axes of the call. */
export function checkContext(where: string, context: unknown, size: number, batch: readonly number[]): asserts context is Tensor {
  const text = `a float32 tensor of shape [${[...batch, size].join(', ')}] (leading axes may broadcast)`;
  const fits = isTensorLike(context) && context.dtype === 'float32' && !context.isDisposed && context.shape.at(-1) === size;
  if (!fits || !broadcastsTo(context.shape.slice(0, -1), batch)) {
    throw invalid(where, 'options.context', text, context);
  }
}
