import type { TensorInfo } from '@tensorflow/tfjs-core';
import { sizeOf } from '../../core/shapes.js';
import type { ElementTransformer } from '../elementTransformer.js';
import type { Columns } from '../lanes.js';
import { TRANSFORMERS } from '../register.js';
import type { TransformerAttributes } from '../transformer.gradient.js';
import { gradientOf } from '../transformer.gradient.js';
import type { RowsAttributes } from '../transformRows.js';
import { ROWS } from '../transformRows.js';
import type { Cpu, CpuKernel, CpuKernels } from './cpu.js';
import { numbers } from './numbers.js';

/** The kernels of a transformer: for elements, which are rows of one, and for some elements of each row. */
export function transformerKernels<Attributes extends TransformerAttributes>(
  name: string,
  transformer: ElementTransformer<Attributes>,
): CpuKernels {
  return {
    [name]: forward(transformer, elements),
    [gradientOf(name)]: backward(name, transformer, elements),
    [name + ROWS]: forward(transformer, someOfEachRow),
    [gradientOf(name + ROWS)]: backward(name, transformer, someOfEachRow),
  };
}

/** How elements lie in x: rows, and which of each are transformed. */
interface Layout {
  readonly width: number;
  readonly moved: readonly number[];
  readonly logDetShape: readonly number[];
}

type LayoutOf = (x: TensorInfo, attributes: object) => Layout;

const elements: LayoutOf = ({ shape }) => ({ width: 1, moved: [0], logDetShape: shape });
const someOfEachRow: LayoutOf = ({ shape }, attributes) => {
  const { moved } = attributes as RowsAttributes;
  return { width: shape[1] as number, moved, logDetShape: shape.slice(0, 1) };
};

const forward =
  <Attributes extends TransformerAttributes>(transformer: ElementTransformer<Attributes>, layoutOf: LayoutOf): CpuKernel =>
  (cpu, inputs, given) => {
    const attributes = given as Attributes;
    const [x, ...parameters] = inputs as [TensorInfo, ...TensorInfo[]];
    const { width, moved, logDetShape } = layoutOf(x, attributes);
    const values = cpu.values(x);
    const y = values.slice();
    const logDets = new Float32Array(values.length / width);
    const { of } = parametersOf(cpu, parameters, moved.length);
    for (let row = 0; row < logDets.length; row++) {
      let logDet = 0;
      for (let j = 0; j < moved.length; j++) {
        const at = row * width + (moved[j] as number);
        const made = transformer.forward(numbers, values[at] as number, of(row, j), attributes);
        y[at] = made[0];
        logDet += made[1];
      }
      logDets[row] = logDet;
    }
    return [cpu.output(x.shape, y), cpu.output(logDetShape, logDets)];
  };

const backward =
  <Attributes extends TransformerAttributes>(
    name: string,
    transformer: ElementTransformer<Attributes>,
    layoutOf: LayoutOf,
  ): CpuKernel =>
  (cpu, inputs, given) => {
    const attributes = given as Attributes;
    const needsOutput = TRANSFORMERS[name]?.(attributes) === true;
    const [x, ...parameters] = inputs.slice(0, needsOutput ? -4 : -2) as [TensorInfo, ...TensorInfo[]];
    const [values, y, dy, dl] = [x, inputs.at(-4), ...inputs.slice(-2)].map((tensor) => cpu.values(tensor as TensorInfo)) as [
      Float32Array,
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    const { width, moved } = layoutOf(x, attributes);
    const dx = dy.slice();
    const { of, gradients, add } = parametersOf(cpu, parameters, moved.length);
    for (let row = 0; row < dl.length; row++) {
      for (let j = 0; j < moved.length; j++) {
        const at = row * width + (moved[j] as number);
        const element = {
          x: values[at] as number,
          y: y[at] as number,
          parameters: of(row, j),
          byValue: dy[at] as number,
          byLogDerivative: dl[row] as number,
        };
        const by = transformer.backward(numbers, element, attributes);
        dx[at] = by.x;
        add(row, j, by.parameters);
      }
    }
    return [
      cpu.output(x.shape, dx),
      ...gradients.map((gradient, i) => cpu.output((parameters[i] as TensorInfo).shape, gradient)),
    ];
  };

/** Parameters of element j of those of a row that are transformed: each tensor has some of them, and later rows may have them again. */
function parametersOf(cpu: Cpu, tensors: readonly TensorInfo[], moved: number) {
  const sizes = tensors.map(({ shape }) => shape.at(-1) as number);
  const firsts = sizes.map((_, i) => sizes.slice(0, i).reduce((total, size) => total + size, 0));
  // Of parameter p of all.
  const tensorOf = sizes.flatMap((size, i) => Array<number>(size).fill(i));
  const values = tensors.map(cpu.values);
  const period = sizeOf((tensors[0] as TensorInfo).shape) / ((sizes[0] as number) * moved);
  const gradients = values.map(({ length }) => new Float32Array(length));
  const place = (i: number, element: number, p: number): number => element * (sizes[i] as number) + p - (firsts[i] as number);
  return {
    of: (row: number, j: number): Columns<number> => {
      const element = (row % period) * moved + j;
      return numbers.columns((p) => {
        const i = tensorOf[p] as number;
        return (values[i] as Float32Array)[place(i, element, p)] as number;
      });
    },
    gradients,
    add: (row: number, j: number, more: readonly number[]): void => {
      const element = (row % period) * moved + j;
      for (let p = 0; p < more.length; p++) {
        const i = tensorOf[p] as number;
        const gradient = gradients[i] as Float32Array;
        const at = place(i, element, p);
        gradient[at] = (gradient[at] as number) + (more[p] as number);
      }
    },
  };
}
