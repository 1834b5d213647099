import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { WasmOverrides } from '../wasm/register.js';
import { multiplyAt } from './dense.wasm.js';

/** TensorFlow.js's products of float32 matrices; integers, and activations that ours has not, are left to its own kernels. */
export const matMulOverrides: WasmOverrides = {
  BatchMatMul: (original) => (instance, call) => {
    const { a, b } = call.inputs as { a: TensorInfo; b: TensorInfo };
    const { transposeA = false, transposeB = false } = call.attrs as { transposeA?: boolean; transposeB?: boolean };
    if (a.dtype !== 'float32' || b.dtype !== 'float32') {
      return original(call);
    }
    const [outer, inner] = [a, b].map(({ shape }) => shape.slice(0, -2)) as [number[], number[]];
    const batch = Array.from(
      { length: Math.max(outer.length, inner.length) },
      (_, i, rank = Math.max(outer.length, inner.length)) =>
        Math.max(outer[outer.length - rank + i] ?? 1, inner[inner.length - rank + i] ?? 1),
    );
    const [left, right] = [a.shape.slice(-2), b.shape.slice(-2)] as [[number, number], [number, number]];
    const [m, n] = [left[transposeA ? 1 : 0], right[transposeB ? 0 : 1]];
    const result = instance.output([...batch, m, n]);
    const [atA, atB, atC] = [a, b, result].map((tensor) => instance.address(tensor)) as [number, number, number];
    const count = batch.reduce((product, size) => product * size, 1);
    for (let i = 0; i < count; i++) {
      multiplyAt(
        instance,
        { address: atA + 4 * left[0] * left[1] * place(i, batch, outer), shape: left, isTransposed: transposeA },
        { address: atB + 4 * right[0] * right[1] * place(i, batch, inner), shape: right, isTransposed: transposeB },
        atC + 4 * m * n * i,
        {},
      );
    }
    return result;
  },
};

/** Which matrix of a broadcast batch of shape `own` stands at place i of the whole batch. */
function place(i: number, batch: readonly number[], own: readonly number[]): number {
  let index = 0;
  let stride = 1;
  let rest = i;
  for (let axis = batch.length - 1; axis >= 0; axis--) {
    const size = batch[axis] as number;
    const ownSize = own[own.length - batch.length + axis] ?? 1;
    index += (ownSize === 1 ? 0 : rest % size) * stride;
    stride *= ownSize;
    rest = Math.floor(rest / size);
  }
  return index;
}
