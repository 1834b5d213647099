import type { TensorInfo } from '@tensorflow/tfjs-core';
import { sizeOf } from '../../core/shapes.js';
import { gradientOf } from '../transformer.gradient.js';
import type { RowsAttributes } from '../transformRows.js';
import { ROWS } from '../transformRows.js';
import type { Instance } from './instance.js';
import type { WasmKernel, WasmKernels } from './register.js';

/** For each kernel of a transformer the one for rows: elements are gathered, transformed and put back. */
export function rowsKernels(names: readonly string[], kernels: WasmKernels): WasmKernels {
  return Object.fromEntries(
    names.flatMap((name): [string, WasmKernel][] => [
      [name + ROWS, forward(kernels[name] as WasmKernel)],
      [gradientOf(name + ROWS), backward(kernels[gradientOf(name)] as WasmKernel)],
    ]),
  );
}

const forward =
  (transform: WasmKernel): WasmKernel =>
  (instance, [x, parameters], attributes) => {
    const { moved } = attributes as RowsAttributes;
    const { rows, gather, scatter, ofElements } = columnsOf(instance, x as TensorInfo, moved);
    const list = [gather(x as TensorInfo), ofElements(parameters as TensorInfo)] as const;
    const [from] = list;
    const [to, logDerivative] = transform(instance, list, attributes) as [TensorInfo, TensorInfo];
    const logDet = instance.output([rows]);
    instance.exports.rowSums(instance.address(logDerivative), instance.address(logDet), rows, moved.length);
    const y = scatter(x as TensorInfo, to);
    for (const part of [from, to, logDerivative]) {
      instance.free(part);
    }
    return [y, logDet];
  };

/** Inputs are x, parameters, y and log-det where they are needed, and the gradients in those two. */
const backward =
  (gradient: WasmKernel): WasmKernel =>
  (instance, inputs, attributes) => {
    const { moved } = attributes as RowsAttributes;
    const [x, parameters, ...rest] = inputs as [TensorInfo, TensorInfo, ...TensorInfo[]];
    const [dy, byLogDet] = rest.slice(-2) as [TensorInfo, TensorInfo];
    const { rows, gather, scatter, ofElements } = columnsOf(instance, x, moved);
    const [from, through] = [gather(x), gather(dy)];
    const spread = instance.output([rows, moved.length]);
    instance.exports.spread(instance.address(byLogDet), instance.address(spread), rows, moved.length);
    // No gradient looks at the log-derivatives themselves, of which there are but the sums.
    const outputs = rest.length === 2 ? [] : [gather(rest[0] as TensorInfo), spread];
    const list = [from, ofElements(parameters), ...outputs, through, spread];
    const [byFrom, byParameters] = gradient(instance, list, attributes) as [TensorInfo, TensorInfo];
    const dx = scatter(dy, byFrom);
    for (const part of [from, through, spread, byFrom, ...outputs.slice(0, 1)]) {
      instance.free(part);
    }
    return [dx, { ...byParameters, shape: parameters.shape }];
  };

/** Takes columns out of rows of the width of x, and puts them among the others. */
function columnsOf(instance: Instance, x: TensorInfo, moved: readonly number[]) {
  const width = x.shape[1] as number;
  const rows = sizeOf(x.shape) / width;
  return {
    rows,
    /** Parameters as the kernel for elements has them: [rows, moved, P]. */
    ofElements: (parameters: TensorInfo): TensorInfo => ({
      ...parameters,
      shape: [rows, moved.length, sizeOf(parameters.shape) / (rows * moved.length)],
    }),
    gather: (whole: TensorInfo): TensorInfo => {
      const part = instance.output([rows, moved.length]);
      const list = instance.integers(moved);
      instance.exports.take(instance.address(whole), instance.address(part), rows, width, 1, list, moved.length);
      return part;
    },
    scatter: (whole: TensorInfo, part: TensorInfo): TensorInfo => {
      const result = instance.output([rows, width]);
      instance.exports.copy(instance.address(whole), instance.address(result), rows * width);
      const list = instance.integers(moved);
      instance.exports.put(instance.address(part), instance.address(result), rows, width, list, moved.length);
      return result;
    },
  };
}
