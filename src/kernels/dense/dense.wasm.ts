import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { Instance } from '../wasm/instance.js';
import type { WasmKernels } from '../wasm/register.js';
import { ACTIVATIONS } from './activation.js';
import { denseKernelsOf } from './layers.js';

/** Bytes of a float32 number. */
const NUMBER = 4;

export const denseKernels: WasmKernels = denseKernelsOf((instance: Instance) => {
  const at = (tensor: TensorInfo | undefined): number => (tensor === undefined ? 0 : instance.address(tensor));
  return {
    layer: (x, { kernel, bias, offset, mask, activation }) => {
      const result = instance.output([x.shape[0] as number, kernel.shape[1] as number]);
      const settings = { maskB: at(mask), bias: at(bias), offset: at(offset), activation: ACTIVATIONS[activation] };
      product(instance, x, kernel, result, settings);
      return result;
    },
    delta: (dy, y, activation, isDone) => {
      const [rows, columns] = dy.shape as [number, number];
      const sums = instance.output([columns]);
      const code = ACTIVATIONS[activation];
      const delta = code === 0 || isDone ? dy : instance.output([rows, columns]);
      instance.exports.delta(at(dy), at(y), at(delta), at(sums), rows, columns, code);
      return code === 0 ? [sums] : [sums, delta];
    },
    product: (a, b, masking, { transposeA = false, transposeB = false, mask }) => {
      const result = instance.output([a.shape[transposeA ? 1 : 0] as number, b.shape[transposeB ? 0 : 1] as number]);
      const masks = mask === 'b' ? { maskB: at(masking) } : { maskC: at(masking) };
      product(instance, a, b, result, { transposeA, transposeB, ...masks });
      return result;
    },
    free: (tensor) => instance.free(tensor),
  };
});

/** What a product may have beside its operands; addresses, 0 for none. */
interface ProductSettings {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  readonly maskB?: number;
  readonly bias?: number;
  readonly offset?: number;
  readonly activation?: number;
  readonly maskC?: number;
}

/** The product of two matrices, the last two axes of a and b, into the memory of `result`. */
function product(instance: Instance, a: TensorInfo, b: TensorInfo, result: TensorInfo, settings: ProductSettings): void {
  const { transposeA = false, transposeB = false } = settings;
  multiplyAt(
    instance,
    { address: instance.address(a), shape: a.shape as [number, number], isTransposed: transposeA },
    { address: instance.address(b), shape: b.shape as [number, number], isTransposed: transposeB },
    instance.address(result),
    settings,
  );
}

/** A matrix in memory, and whether it is to be read transposed. */
export interface Matrix {
  readonly address: number;
  readonly shape: readonly [number, number];
  readonly isTransposed: boolean;
}

/** C = A B with what `settings` add. */
export function multiplyAt(instance: Instance, a: Matrix, b: Matrix, c: number, settings: ProductSettings): void {
  const { maskB = 0, bias = 0, offset = 0, activation = 0, maskC = 0 } = settings;
  const [m, k] = a.isTransposed ? [a.shape[1], a.shape[0]] : a.shape;
  const n = b.shape[b.isTransposed ? 0 : 1];
  const strides = ({ shape, isTransposed }: Matrix): [number, number] =>
    isTransposed ? [NUMBER, shape[1] * NUMBER] : [shape[1] * NUMBER, NUMBER];
  const [am, ak] = strides(a);
  const row = n * NUMBER;
  const from = (address: number, rows: number): number => (address === 0 ? 0 : address + rows * row);
  instance.overRows('product', {
    rows: m,
    nanoseconds: (n * k) / PRODUCTS_A_NANOSECOND,
    bytes: k * PANEL * NUMBER,
    numbers: (first, rows, panel) => [
      ...[a.address + first * am, am, ak, b.address, ...strides(b)],
      ...[c + first * row, rows, n, k, panel, maskB, bias, from(offset, first), activation, from(maskC, first)],
    ],
  });
}

/** About how fast product.as.ts is. */
const PRODUCTS_A_NANOSECOND = 20;
/** Columns that product.as.ts does at a time. */
const PANEL = 8;
