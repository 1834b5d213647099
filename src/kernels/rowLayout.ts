import type { TensorInfo } from '@tensorflow/tfjs-core';
import { sizeOf } from '../core/shapes.js';
import { TRANSFORMERS } from './register.js';
import type { TransformerAttributes } from './transformer.gradient.js';
import { gradientOf } from './transformer.gradient.js';
import type { RowsAttributes } from './transformRows.js';
import { ROWS } from './transformRows.js';

/** How the elements of a transformer's kernel, and their parameters, lie in tensors. */
export interface RowLayout {
  /** Elements of a row of x. */
  readonly width: number;
  /** Those that are transformed. */
  readonly moved: readonly number[];
  readonly logDetShape: readonly number[];
  /** How many numbers an element has in each tensor of parameters, and which of all its numbers is the first there. */
  readonly sizes: readonly number[];
  readonly firsts: readonly number[];
  /** Rows that have parameters of their own; later rows have those of the first ones again, so many times. */
  readonly period: number;
  readonly repeats: number;
}

export type RowLayoutOf = (x: TensorInfo, parameters: readonly TensorInfo[], attributes: object) => RowLayout;

const elements: RowLayoutOf = (x, parameters) => {
  const sizes = parameters.map(({ shape }) => shape.at(-1) as number);
  return layout(x, parameters, { width: 1, moved: [0], logDetShape: x.shape, sizes });
};

const someOfEachRow: RowLayoutOf = (x, parameters, attributes) => {
  const { moved } = attributes as RowsAttributes;
  const [rows, width] = x.shape as [number, number];
  const sizes = parameters.map(({ shape }) => sizeOf(shape) / (rows * moved.length));
  return layout(x, parameters, { width, moved, logDetShape: [rows], sizes });
};

function layout(
  x: TensorInfo,
  parameters: readonly TensorInfo[],
  given: Pick<RowLayout, 'width' | 'moved' | 'logDetShape' | 'sizes'>,
): RowLayout {
  const { sizes, moved, width } = given;
  const firsts = sizes.map((_, i) => sizes.slice(0, i).reduce((total, size) => total + size, 0));
  const period = sizeOf((parameters[0] as TensorInfo).shape) / ((sizes[0] as number) * moved.length);
  return { ...given, firsts, period, repeats: sizeOf(x.shape) / width / period };
}

/** The kernels of a transformer and their gradients': for elements, which are rows of one, and for some elements of each row. */
export function kernelsOfRows<Kernel>(
  name: string,
  forward: (layoutOf: RowLayoutOf) => Kernel,
  backward: (layoutOf: RowLayoutOf) => Kernel,
): Readonly<Record<string, Kernel>> {
  return {
    [name]: forward(elements),
    [gradientOf(name)]: backward(elements),
    [name + ROWS]: forward(someOfEachRow),
    [gradientOf(name + ROWS)]: backward(someOfEachRow),
  };
}

/** What the kernel of a gradient is given; y where the transformer's gradient looks at that. */
export interface GradientInputs {
  readonly x: TensorInfo;
  readonly parameters: readonly TensorInfo[];
  readonly y: TensorInfo | undefined;
  readonly dy: TensorInfo;
  readonly dl: TensorInfo;
}

export function gradientInputs(name: string, inputs: readonly TensorInfo[], attributes: TransformerAttributes): GradientInputs {
  const outputs = TRANSFORMERS[name]?.(attributes) === true ? 2 : 0;
  const [x, ...parameters] = inputs.slice(0, -2 - outputs) as [TensorInfo, ...TensorInfo[]];
  const [dy, dl] = inputs.slice(-2) as [TensorInfo, TensorInfo];
  return { x, parameters, y: outputs === 0 ? undefined : inputs.at(-4), dy, dl };
}
