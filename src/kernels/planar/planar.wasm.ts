import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { Instance } from '../wasm/instance.js';
import type { WasmKernel, WasmKernels } from '../wasm/register.js';
import { PLANAR_SHIFTS } from './planar.gradient.js';

/** Of each kind of planar flow: w, u and b of all layers follow x. */
export const planarKernels: WasmKernels = Object.fromEntries(
  Object.entries(PLANAR_SHIFTS).flatMap(([name, shift]): [string, WasmKernel][] => [
    [
      name,
      (instance, [x, ...layers]) => {
        const { rows, dim, count, scratch, addresses } = prepare(instance, x as TensorInfo, layers);
        const results = [instance.output((x as TensorInfo).shape), instance.output((x as TensorInfo).shape.slice(0, -1))];
        const [from, y, logDet] = [x as TensorInfo, ...results].map(instance.address) as [number, number, number];
        instance.exports.planar(
          from,
          y,
          logDet,
          rows,
          dim,
          count,
          instance.integersAt(scratch, addresses),
          shift,
          scratch + BYTES * addresses.length,
        );
        return results;
      },
    ],
    [
      `${name}Gradient`,
      (instance, [x, dy, dl, ...layers]) => {
        const { rows, dim, count, scratch, addresses } = prepare(instance, x as TensorInfo, layers);
        const results = [x as TensorInfo, ...layers].map(({ shape }) => instance.output(shape));
        const [dx, ...gradients] = results.map(instance.address);
        const given = [x, dy, dl].map((tensor) => instance.address(tensor as TensorInfo));
        const lists = instance.integersAt(scratch, [...addresses, ...gradients]);
        const split = lists + BYTES * addresses.length;
        const rest = scratch + 2 * BYTES * addresses.length;
        instance.exports.planarGradient(...given, dx as number, rows, dim, count, lists, split, shift, rest);
        return results;
      },
    ],
  ]),
);

const BYTES = 4;

function prepare(instance: Instance, x: TensorInfo, layers: readonly TensorInfo[]) {
  const count = layers.length / 3;
  const dim = x.shape.at(-1) as number;
  const bytes = instance.exports.planarScratch(dim, count) + 2 * BYTES * layers.length;
  return {
    rows: x.shape.slice(0, -1).reduce((product, size) => product * size, 1),
    dim,
    count,
    scratch: instance.scratch(bytes),
    addresses: layers.map(instance.address),
  };
}
