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
    const [from, to] = [places(instance, parameters, attributes), results.map(instance.address)];
    const each = stride(parameters);
    overElements(instance, 'logisticMixture', x, parameters, attributes, (move) => [
      ...[move(instance.address(x), NUMBER), ...from.map((at) => move(at, each, true)), each],
      ...to.map((at) => move(at, NUMBER)),
    ]);
    return results;
  },
  [gradientOf(LOGISTIC_MIXTURE)]: (instance, inputs, all) => {
    const attributes = all as Attributes;
    const outputs = attributes.inverse ? 2 : 0;
    const [x, ...parameters] = inputs.slice(0, -2 - outputs) as [TensorInfo, ...TensorInfo[]];
    const [dy, dl] = inputs.slice(-2) as [TensorInfo, TensorInfo];
    const y = attributes.inverse ? instance.address(inputs.at(-4) as TensorInfo) : 0;
    const dx = instance.output(x.shape);
    const gradients = parameters.map(({ shape }) => instance.output(shape));
    const [from, to] = [parameters, gradients].map((list) => places(instance, list, attributes)) as [number[], number[]];
    const each = stride(parameters);
    const rest = [y, ...[dy, dl, dx].map(instance.address)];
    overElements(instance, 'logisticMixtureGradient', x, parameters, attributes, (move) => [
      ...[move(instance.address(x), NUMBER), ...from.map((at) => move(at, each, true)), each],
      ...[...rest.map((at) => move(at, NUMBER)), ...to.map((at) => move(at, each, true))],
    ]);
    return [dx, ...gradients];
  },
};

/** Bytes of a float32 number. */
const NUMBER = 4;
/** For each component of an element, about: of a map, and of the search for its inverse. */
const NANOSECONDS = 5;
const NANOSECONDS_OF_SEARCH = 30;

/**
 * Runs one of the two for all elements.
 *
 * @param addresses what it is called with first; `move` gives the address, unless it is 0, for the first element at hand of an array
 * with so many bytes for each
 */
function overElements(
  instance: Instance,
  name: 'logisticMixture' | 'logisticMixtureGradient',
  x: TensorInfo,
  [first]: readonly TensorInfo[],
  { components, floor, inverse, after = NO_MAP }: Attributes,
  addresses: (move: (address: number, bytes: number, isParameter?: boolean) => number) => number[],
): void {
  const size = sizeOf(x.shape);
  const period = sizeOf((first as TensorInfo).shape.slice(0, -1));
  const bytes = 16 * ((PREPARED + PARTIALS) * components + SUMS + SEARCH);
  const isGradient = name === 'logisticMixtureGradient';
  // Where elements share parameters, all that have different ones are a row, and gradients, which are added up, are one piece of work.
  const shared = period < size;
  const row = shared ? (isGradient ? size : period) : 1;
  instance.overRows(name, {
    rows: size / row,
    nanoseconds: row * components * (inverse && !isGradient ? NANOSECONDS_OF_SEARCH : NANOSECONDS),
    bytes,
    numbers: (start, rows, scratch) => [
      ...addresses((address, width, isParameter = false) =>
        address === 0 || (shared && isParameter) ? address : address + start * row * width,
      ),
      ...[rows * row, shared ? period : rows, components, floor, inverse ? 1 : 0, ...affineSettings(after), scratch],
    ],
  });
}

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
