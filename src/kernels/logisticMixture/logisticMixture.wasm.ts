import type { TensorInfo } from '@tensorflow/tfjs-core';
import { sizeOf } from '../../core/shapes.js';
import type { AffineAttributes } from '../affine/affine.js';
import { affineSettings } from '../affine/affine.wasm.js';
import type { TransformerAttributes } from '../transformer.gradient.js';
import { gradientOf } from '../transformer.gradient.js';
import type { Instance } from '../wasm/instance.js';
import type { Place } from '../wasm/overElements.js';
import { overElements } from '../wasm/overElements.js';
import type { WasmKernels } from '../wasm/register.js';
import type { LogisticMixtureAttributes } from './logisticMixture.js';
import { LOGISTIC_MIXTURE } from './logisticMixture.js';
import { PARTIALS, PREPARED, SEARCH, SUMS } from './math.js';

type Attributes = TransformerAttributes & LogisticMixtureAttributes;

export const logisticMixtureKernels: WasmKernels = {
  [LOGISTIC_MIXTURE]: (instance, inputs, attributes) => {
    const [x, ...parameters] = inputs as [TensorInfo, ...TensorInfo[]];
    const results = [instance.output(x.shape), instance.output(x.shape)];
    run(instance, 'logisticMixture', { x, parameters, others: results, gradients: [] }, attributes);
    return results;
  },
  [gradientOf(LOGISTIC_MIXTURE)]: (instance, inputs, attributes) => {
    const outputs = (attributes as Attributes).inverse ? 2 : 0;
    const [x, ...parameters] = inputs.slice(0, -2 - outputs) as [TensorInfo, ...TensorInfo[]];
    const y = outputs === 0 ? undefined : inputs.at(-4);
    const dx = instance.output(x.shape);
    const gradients = parameters.map(({ shape }) => instance.output(shape));
    run(instance, 'logisticMixtureGradient', { x, parameters, others: [y, ...inputs.slice(-2), dx], gradients }, attributes);
    return [dx, ...gradients];
  },
};

/** Bytes of a float32 number. */
const NUMBER = 4;
/** For each component of an element, about: of a map, and of the search for its inverse. */
const NANOSECONDS = 5;
const NANOSECONDS_OF_SEARCH = 30;

/** Tensors in the order in which a kernel is called with them; others are of x's shape, and gradients those in the parameters. */
interface Tensors {
  readonly x: TensorInfo;
  readonly parameters: readonly TensorInfo[];
  readonly others: readonly (TensorInfo | undefined)[];
  readonly gradients: readonly TensorInfo[];
}

/** Runs one of the two for all elements. */
function run(
  instance: Instance,
  name: 'logisticMixture' | 'logisticMixtureGradient',
  { x, parameters, others, gradients }: Tensors,
  attributes: object,
): void {
  const { components, floor, inverse, after } = attributes as Attributes;
  const [first] = parameters as [TensorInfo];
  const [size, period] = [sizeOf(x.shape), sizeOf(first.shape.slice(0, -1))];
  const isShared = period < size;
  const isGradient = gradients.length > 0;
  const stride = NUMBER * (first.shape.at(-1) as number);
  const at = (tensor: TensorInfo | undefined): Place =>
    tensor === undefined ? NOWHERE : { address: instance.address(tensor), bytes: NUMBER };
  /** Of logits, means, log-scales and the affine map's numbers: three tensors without these, or all in one. */
  const partsOf = (tensors: readonly TensorInfo[]): Place[] => {
    const addresses = tensors.map(instance.address);
    const bytes = isShared ? 0 : stride;
    const parts =
      addresses.length === 3 ? addresses : [0, 1, 2, 3].map((i) => (addresses[0] as number) + NUMBER * i * components);
    return [0, 1, 2, 3].map((i) => (i < 3 || after !== undefined ? { address: parts[i] as number, bytes } : NOWHERE));
  };
  const ofGradients = isGradient ? partsOf(gradients) : [];
  overElements(
    instance,
    name,
    [at(x), ...partsOf(parameters), { address: stride, bytes: 0 }, ...others.map(at), ...ofGradients],
    {
      size,
      // Where elements share parameters, all that have different ones are a piece, and gradients, which are added up, are one.
      piece: isShared ? (isGradient ? size : period) : 1,
      nanoseconds: components * (inverse && !isGradient ? NANOSECONDS_OF_SEARCH : NANOSECONDS),
      bytes: 16 * ((PREPARED + PARTIALS) * components + SUMS + SEARCH),
      numbers: (count, scratch) => [
        ...[count, isShared ? period : count, components, floor, inverse ? 1 : 0, ...affineSettings(after ?? NO_MAP), scratch],
      ],
    },
  );
}

const NOWHERE: Place = { address: 0, bytes: 0 };
const NO_MAP: AffineAttributes = { kind: 'exp', offset: 0, minimum: 0, maximum: Number.POSITIVE_INFINITY };
