import type { TensorInfo } from '@tensorflow/tfjs-core';
import { sizeOf } from '../../core/shapes.js';
import type { AffineAttributes } from '../affine/affine.js';
import { affineSettings } from '../affine/affine.wasm.js';
import type { TransformerAttributes } from '../transformer.gradient.js';
import { gradientOf } from '../transformer.gradient.js';
import type { Instance } from '../wasm/instance.js';
import type { WasmKernels } from '../wasm/register.js';
import type { LogisticMixtureAttributes } from './logisticMixture.js';
import { LOGISTIC_MIXTURE } from './logisticMixture.js';
import { PARTIALS, PREPARED, SEARCH, SUMS } from './math.js';

type Attributes = TransformerAttributes & LogisticMixtureAttributes;

export const logisticMixtureKernels: WasmKernels = {
  [LOGISTIC_MIXTURE]: (instance, inputs, all) => {
    const attributes = all as Attributes;
    const [x, ...parameters] = inputs as [TensorInfo, ...TensorInfo[]];
    const results = [instance.output(x.shape), instance.output(x.shape)];
    instance.exports.logisticMixture(
      instance.address(x),
      ...places(instance, parameters, attributes),
      stride(parameters),
      ...results.map(instance.address),
      ...settings(instance, x, parameters, attributes),
    );
    return results;
  },
  [gradientOf(LOGISTIC_MIXTURE)]: (instance, inputs, all) => {
    const attributes = all as Attributes;
    const outputs = attributes.inverse ? 2 : 0;
    const [x, ...parameters] = inputs.slice(0, -2 - outputs) as [TensorInfo, ...TensorInfo[]];
    const [dy, dl] = inputs.slice(-2) as [TensorInfo, TensorInfo];
    const y = attributes.inverse ? (inputs.at(-4) as TensorInfo) : undefined;
    const dx = instance.output(x.shape);
    const gradients = parameters.map(({ shape }) => instance.output(shape));
    instance.exports.logisticMixtureGradient(
      instance.address(x),
      ...places(instance, parameters, attributes),
      stride(parameters),
      y === undefined ? 0 : instance.address(y),
      ...[dy, dl, dx].map(instance.address),
      ...places(instance, gradients, attributes),
      ...settings(instance, x, parameters, attributes),
    );
    return [dx, ...gradients];
  },
};

/** Where logits, means, log-scales and the affine map's numbers of the first element lie: 0 where there is no such map. */
function places(instance: Instance, parameters: readonly TensorInfo[], { components, after }: Attributes): number[] {
  const addresses = parameters.map(instance.address);
  const [first] = addresses as [number];
  return addresses.length === 3
    ? [...addresses, 0]
    : [0, 1, 2, 3].map((part) => (part < 3 || after !== undefined ? first + 4 * part * components : 0));
}

/** Bytes from the parameters of an element to those of the next. */
function stride([first]: readonly TensorInfo[]): number {
  return 4 * (first?.shape.at(-1) as number);
}

const NO_MAP: AffineAttributes = { kind: 'exp', offset: 0, minimum: 0, maximum: Number.POSITIVE_INFINITY };

function settings(
  instance: Instance,
  x: TensorInfo,
  [first]: readonly TensorInfo[],
  { components, floor, inverse, after = NO_MAP }: Attributes,
): number[] {
  const period = sizeOf((first as TensorInfo).shape.slice(0, -1));
  const scratch = instance.scratch(16 * ((PREPARED + PARTIALS) * components + SUMS + SEARCH));
  return [sizeOf(x.shape), period, components, floor, inverse ? 1 : 0, ...affineSettings(after), scratch];
}
