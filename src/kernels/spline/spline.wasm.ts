import type { TensorInfo } from '@tensorflow/tfjs-core';
import { sizeOf } from '../../core/shapes.js';
import type { TransformerAttributes } from '../transformer.gradient.js';
import { gradientOf } from '../transformer.gradient.js';
import type { Instance } from '../wasm/instance.js';
import type { WasmKernels } from '../wasm/register.js';
import { curveSize } from './math.js';
import type { SplineAttributes } from './spline.js';
import { BOUNDARIES, SPLINE } from './spline.js';

/** Bytes of four float32 numbers. */
const VECTOR = 16;

export const splineKernels: WasmKernels = {
  [SPLINE]: (instance, inputs, attributes) => {
    const [x, parameters] = inputs as [TensorInfo, TensorInfo];
    const results = [instance.output(x.shape), instance.output(x.shape)];
    instance.exports.splines(...[x, parameters, ...results].map(instance.address), ...settings(instance, inputs, attributes));
    return results;
  },
  [gradientOf(SPLINE)]: (instance, inputs, attributes) => {
    const [x, parameters, dy, dl] = inputs as [TensorInfo, TensorInfo, TensorInfo, TensorInfo];
    const results = [instance.output(x.shape), instance.output(parameters.shape)];
    const addresses = [x, parameters, dy, dl, ...results].map(instance.address);
    instance.exports.splinesGradient(...addresses, ...settings(instance, inputs, attributes));
    return results;
  },
};

function settings(instance: Instance, inputs: readonly TensorInfo[], attributes: object): number[] {
  const [x, parameters] = inputs as [TensorInfo, TensorInfo];
  const { bins, bound, boundary, minBinWidth, minBinHeight, minDerivative, isBounded, offset, inverse } =
    attributes as TransformerAttributes & SplineAttributes;
  return [
    ...[instance.scratch(VECTOR * curveSize(bins)), sizeOf(x.shape), sizeOf(parameters.shape.slice(0, -1))],
    ...[inverse ? 1 : 0, bins, BOUNDARIES.indexOf(boundary), isBounded ? 1 : 0],
    ...[bound, minBinWidth, minBinHeight, minDerivative, offset],
  ];
}
