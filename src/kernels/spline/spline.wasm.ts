import type { TensorInfo } from '@tensorflow/tfjs-core';
import { sizeOf } from '../../core/shapes.js';
import type { TransformerAttributes } from '../transformer.gradient.js';
import { gradientOf } from '../transformer.gradient.js';
import type { Instance } from '../wasm/instance.js';
import { overElements } from '../wasm/overElements.js';
import type { WasmKernels } from '../wasm/register.js';
import { curveSize } from './math.js';
import type { SplineAttributes } from './spline.js';
import { BOUNDARIES, SPLINE } from './spline.js';

/** Bytes of a float32 number, and of four. */
const NUMBER = 4;
const VECTOR = 16;

export const splineKernels: WasmKernels = {
  [SPLINE]: (instance, inputs, attributes) => {
    const [x, parameters] = inputs as [TensorInfo, TensorInfo];
    const results = [instance.output(x.shape), instance.output(x.shape)];
    run(instance, 'splines', [x, parameters, ...results], attributes);
    return results;
  },
  [gradientOf(SPLINE)]: (instance, inputs, attributes) => {
    const [x, parameters, dy, dl] = inputs as [TensorInfo, TensorInfo, TensorInfo, TensorInfo];
    const results = [instance.output(x.shape), instance.output(parameters.shape)];
    run(instance, 'splinesGradient', [x, parameters, dy, dl, ...results], attributes);
    return results;
  },
};

/** For each bin of an element, about. */
const NANOSECONDS = 4;

/** Runs one of the two for all elements; tensors are x, the parameters and others of either shape. */
function run(instance: Instance, name: 'splines' | 'splinesGradient', tensors: TensorInfo[], attributes: object): void {
  const { bins, bound, boundary, minBinWidth, minBinHeight, minDerivative, isBounded, offset, inverse } =
    attributes as TransformerAttributes & SplineAttributes;
  const [size, rows] = [sizeOf((tensors[0] as TensorInfo).shape), sizeOf((tensors[1] as TensorInfo).shape.slice(0, -1))];
  const places = tensors.map((tensor) => ({ address: instance.address(tensor), bytes: (NUMBER * sizeOf(tensor.shape)) / size }));
  overElements(instance, name, places, {
    size,
    // Where elements share parameters, gradients in them are added up.
    piece: rows < size ? size : 1,
    nanoseconds: NANOSECONDS * bins,
    bytes: VECTOR * curveSize(bins),
    numbers: (count, scratch) => [
      ...[scratch, count, Math.min(count, rows), inverse ? 1 : 0, bins, BOUNDARIES.indexOf(boundary), isBounded ? 1 : 0],
      ...[bound, minBinWidth, minBinHeight, minDerivative, offset],
    ],
  });
}
