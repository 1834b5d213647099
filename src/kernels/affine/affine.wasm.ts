import type { TensorInfo } from '@tensorflow/tfjs-core';
import { sizeOf } from '../../core/shapes.js';
import type { TransformerAttributes } from '../transformer.gradient.js';
import { gradientOf } from '../transformer.gradient.js';
import type { Instance } from '../wasm/instance.js';
import { overElements } from '../wasm/overElements.js';
import type { WasmKernels } from '../wasm/register.js';
import type { AffineAttributes } from './affine.js';
import { AFFINE, KINDS } from './affine.js';

export const affineKernels: WasmKernels = {
  [AFFINE]: (instance, inputs, attributes) => {
    const [x, parameters] = inputs as [TensorInfo, TensorInfo];
    const results = [instance.output(x.shape), instance.output(x.shape)];
    run(instance, 'affine', [x, parameters, ...results], attributes);
    return results;
  },
  [gradientOf(AFFINE)]: (instance, inputs, attributes) => {
    const [x, parameters, dy, dl] = inputs as [TensorInfo, TensorInfo, TensorInfo, TensorInfo];
    const results = [instance.output(x.shape), instance.output(parameters.shape)];
    run(instance, 'affineGradient', [x, parameters, dy, dl, ...results], attributes);
    return results;
  },
};

/** For each element, about. */
const NANOSECONDS = 5;

/** Runs one of the two for all elements; tensors are x and others with as many elements, or twice as many. */
function run(instance: Instance, name: 'affine' | 'affineGradient', tensors: TensorInfo[], attributes: object): void {
  const { inverse, ...affine } = attributes as TransformerAttributes & AffineAttributes;
  const size = sizeOf((tensors[0] as TensorInfo).shape);
  const places = tensors.map((tensor) => ({ address: instance.address(tensor), bytes: (4 * sizeOf(tensor.shape)) / size }));
  overElements(instance, name, places, {
    size,
    nanoseconds: NANOSECONDS,
    numbers: (count) => [count, inverse ? 1 : 0, ...affineSettings(affine)],
  });
}

/** What kernels that apply the map are told of it. */
export function affineSettings({ kind, offset, minimum, maximum }: AffineAttributes): number[] {
  return [KINDS.indexOf(kind), offset, minimum, maximum];
}
