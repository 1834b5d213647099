import type { TensorInfo } from '@tensorflow/tfjs-core';
import { sizeOf } from '../../core/shapes.js';
import { isRecorded } from '../fusedGradient.js';
import type { Instance } from '../wasm/instance.js';
import type { WasmKernels } from '../wasm/register.js';
import { SYLVESTER_GRADIENT } from './sylvester.gradient.js';
import { SYLVESTER } from './sylvester.js';

/** For each element of a matrix, about. */
const NANOSECONDS = 0.5;

export const sylvesterKernels: WasmKernels = {
  [SYLVESTER]: (instance, inputs, attributes) => {
    const { shape } = inputs[0] as TensorInfo;
    const { rows, M, period, bytes } = sizesOf(instance, inputs);
    const own = [instance.output(shape), instance.output(shape.slice(0, -1))];
    const results = isRecorded(attributes) ? [...own, instance.output(shape)] : own;
    const given = inputs.map(instance.address);
    const [t, logDet, s = 0] = results.map(instance.address);
    instance.overRows('sylvester', {
      rows,
      nanoseconds: NANOSECONDS * M * M,
      bytes,
      numbers: (first, some, scratch) => [...given, t as number, logDet as number, s, first, some, M, period, scratch],
    });
    return results;
  },
  // Sets of parameters do not depend on each other.
  [SYLVESTER_GRADIENT]: (instance, inputs) => {
    const { rows, M, period, bytes } = sizesOf(instance, inputs);
    const results = inputs.slice(0, 5).map(({ shape }) => instance.output(shape));
    const addresses = [...inputs.filter((_, i) => i !== B), ...results].map(instance.address);
    instance.overRows('sylvesterGradient', {
      rows: period,
      nanoseconds: 3 * NANOSECONDS * M * M * (rows / period),
      bytes,
      numbers: (first, some, scratch) => [...addresses, first, some, rows, M, period, scratch],
    });
    return results;
  },
};

/** The number of the input that its gradient does not depend on. */
const B = 4;

/** Rows, their size, sets of parameters, and bytes of scratch memory. */
function sizesOf(instance: Instance, inputs: readonly TensorInfo[]) {
  const [u, , , , b] = inputs as [TensorInfo, TensorInfo, TensorInfo, TensorInfo, TensorInfo];
  const M = u.shape.at(-1) as number;
  return {
    rows: sizeOf(u.shape) / M,
    M,
    period: sizeOf(b.shape) / M,
    bytes: instance.exports.sylvesterScratch(M),
  };
}
