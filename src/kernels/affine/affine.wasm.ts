import type { TensorInfo } from '@tensorflow/tfjs-core';
import { sizeOf } from '../../core/shapes.js';
import type { TransformerAttributes } from '../transformer.gradient.js';
import { gradientOf } from '../transformer.gradient.js';
import type { WasmKernels } from '../wasm/register.js';
import type { AffineAttributes } from './affine.js';
import { AFFINE, KINDS } from './affine.js';

export const affineKernels: WasmKernels = {
  [AFFINE]: (instance, inputs, attributes) => {
    const [x, parameters] = inputs as [TensorInfo, TensorInfo];
    const results = [instance.output(x.shape), instance.output(x.shape)];
    instance.exports.affine(...[x, parameters, ...results].map(instance.address), ...settings(x, attributes));
    return results;
  },
  [gradientOf(AFFINE)]: (instance, inputs, attributes) => {
    const [x, parameters, dy, dl] = inputs as [TensorInfo, TensorInfo, TensorInfo, TensorInfo];
    const results = [instance.output(x.shape), instance.output(parameters.shape)];
    instance.exports.affineGradient(...[x, parameters, dy, dl, ...results].map(instance.address), ...settings(x, attributes));
    return results;
  },
};

function settings(x: TensorInfo, attributes: object): number[] {
  const { inverse, ...affine } = attributes as TransformerAttributes & AffineAttributes;
  return [sizeOf(x.shape), inverse ? 1 : 0, ...affineSettings(affine)];
}

/** What kernels that apply the map are told of it. */
export function affineSettings({ kind, offset, minimum, maximum }: AffineAttributes): number[] {
  return [KINDS.indexOf(kind), offset, minimum, maximum];
}
