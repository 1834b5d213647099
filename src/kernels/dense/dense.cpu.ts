import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { Cpu, CpuKernels } from '../cpu/cpu.js';
import { numbers } from '../cpu/numbers.js';
import { ACTIVATIONS } from './activation.js';
import { denseKernelsOf } from './layers.js';
import { activated, activationSlope } from './math.js';

export const denseKernels: CpuKernels = denseKernelsOf((cpu: Cpu) => {
  const valuesOf = (tensor: TensorInfo | undefined): Float32Array | undefined => tensor && cpu.values(tensor);
  return {
    layer: (x, { kernel, activation, ...rest }) => {
      const [bias, offset] = [valuesOf(rest.bias), valuesOf(rest.offset)];
      const [rows, columns] = [x.shape[0] as number, kernel.shape[1] as number];
      const weights = masked(cpu.values(kernel), valuesOf(rest.mask));
      const result = product({ values: cpu.values(x), shape: x.shape }, { values: weights, shape: kernel.shape });
      for (let i = 0; i < result.length; i++) {
        const shifted = (result[i] as number) + (bias?.[i % columns] ?? 0) + (offset?.[i] ?? 0);
        result[i] = activated(numbers.lanes, shifted, ACTIVATIONS[activation]);
      }
      return cpu.output([rows, columns], result);
    },
    delta: (dy, y, activation) => {
      const isLinear = activation === 'linear';
      const columns = dy.shape[1] as number;
      const given = cpu.values(dy);
      const values = cpu.values(y);
      const sums = new Float64Array(columns);
      const delta = new Float32Array(isLinear ? 0 : given.length);
      for (let i = 0; i < given.length; i++) {
        const g = given[i] as number;
        const d = isLinear ? g : g * activationSlope(numbers.lanes, values[i] as number, ACTIVATIONS[activation]);
        sums[i % columns] = (sums[i % columns] as number) + d;
        // There is no such place where the activation is linear.
        delta[i] = d;
      }
      const ofBias = cpu.output([columns], Float32Array.from(sums));
      return isLinear ? [ofBias] : [ofBias, cpu.output(dy.shape, delta)];
    },
    product: (a, b, masking, { transposeA = false, transposeB = false, mask }) => {
      const mine = valuesOf(masking);
      const right = masked(cpu.values(b), mask === 'b' ? mine : undefined);
      const made = product(
        { values: cpu.values(a), shape: a.shape, isTransposed: transposeA },
        { values: right, shape: b.shape, isTransposed: transposeB },
      );
      const shape = [a.shape[transposeA ? 1 : 0] as number, b.shape[transposeB ? 0 : 1] as number];
      return cpu.output(shape, masked(made, mask === 'result' ? mine : undefined));
    },
    free: (tensor) => cpu.free(tensor),
  };
});

/** As it lies in memory. */
interface Matrix {
  readonly values: Float32Array;
  readonly shape: readonly number[];
  readonly isTransposed?: boolean;
}

/** Row after row of the result is added up from rows of b: memory is read on and on. */
function product(a: Matrix, b: Matrix): Float32Array {
  const [rows, inner] = (a.isTransposed ? [a.shape[1], a.shape[0]] : a.shape) as [number, number];
  const columns = b.shape[b.isTransposed ? 0 : 1] as number;
  const right = b.isTransposed ? transposed(b.values, columns, inner) : b.values;
  const [nextRow, next] = a.isTransposed ? [1, rows] : [inner, 1];
  const result = new Float32Array(rows * columns);
  const sums = new Float64Array(columns);
  for (let row = 0; row < rows; row++) {
    sums.fill(0);
    for (let k = 0; k < inner; k++) {
      const factor = a.values[row * nextRow + k * next] as number;
      const from = k * columns;
      for (let column = 0; column < columns; column++) {
        (sums[column] as number) += factor * (right[from + column] as number);
      }
    }
    result.set(sums, row * columns);
  }
  return result;
}

/** Of a matrix [rows, columns]. */
function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      result[column * rows + row] = values[row * columns + column] as number;
    }
  }
  return result;
}

const masked = (values: Float32Array, mask: Float32Array | undefined): Float32Array =>
  mask === undefined ? values : values.map((value, i) => value * (mask[i] as number));
