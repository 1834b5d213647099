import type { TensorInfo } from '@tensorflow/tfjs-core';
import { sizeOf } from '../../core/shapes.js';
import type { Arithmetic, ElementTransformer } from '../elementTransformer.js';
import type { Columns } from '../lanes.js';
import { TRANSFORMERS } from '../register.js';
import type { TransformerAttributes } from '../transformer.gradient.js';
import { gradientOf } from '../transformer.gradient.js';
import type { RowsAttributes } from '../transformRows.js';
import { ROWS } from '../transformRows.js';
import type { GpuKernel, GpuKernels } from './gpu.js';
import type { Shader } from './shader.js';
import { repeated, shaderColumns } from './shader.js';

/** The kernels of a transformer: for elements, which are rows of one, and for some elements of each row. */
export function transformerKernels<Attributes extends TransformerAttributes>(
  name: string,
  transformer: ElementTransformer<Attributes>,
): GpuKernels {
  const elements: Layout = { width: () => 1, moved: () => [0], logDetShape: ({ shape }) => shape };
  const rows: Layout = {
    width: ({ shape }) => shape[1] as number,
    moved: (attributes) => (attributes as RowsAttributes).moved,
    logDetShape: ({ shape }) => shape.slice(0, 1),
  };
  return {
    [name]: forward(name, transformer, elements),
    [gradientOf(name)]: backward(name, transformer, elements),
    [name + ROWS]: forward(name, transformer, rows),
    [gradientOf(name + ROWS)]: backward(name, transformer, rows),
  };
}

/** How elements lie in x, and which of a row are transformed. */
interface Layout {
  width(x: TensorInfo): number;
  moved(attributes: object): readonly number[];
  logDetShape(x: TensorInfo): readonly number[];
}

const forward =
  <Attributes extends TransformerAttributes>(
    name: string,
    transformer: ElementTransformer<Attributes>,
    layout: Layout,
  ): GpuKernel =>
  (gpu, inputs, given) => {
    const attributes = given as Attributes;
    const [x, ...parameters] = inputs as [TensorInfo, ...TensorInfo[]];
    const places = placesOf(x, parameters, layout, attributes);
    const { width, moved } = places;
    const key = `${name} ${transformer.key(attributes)} ${places.key}`;
    const element = (shader: Shader, at: string, row: string, j: string, which: 0 | 1): string =>
      transformer.forward(arithmeticOf(shader), shader.read(0, at), parametersAt(shader, places, 1, row, j), attributes)[which];
    return gpu.runAll(key, inputs, [x.shape, layout.logDetShape(x)], (shader, output) =>
      output === 0
        ? ofColumn(
            shader,
            places,
            (row, j) => element(shader, 'index', row, j, 0),
            () => shader.read(0, 'index'),
          )
        : shader.sum(moved.length, (j) => {
            const column = columnAt(shader, moved, j);
            return element(shader, shader.integer(`index * ${width} + ${column}`), 'index', j, 1);
          }),
    );
  };

const backward =
  <Attributes extends TransformerAttributes>(
    name: string,
    transformer: ElementTransformer<Attributes>,
    layout: Layout,
  ): GpuKernel =>
  (gpu, inputs, given) => {
    const attributes = given as Attributes;
    const needsOutput = TRANSFORMERS[name]?.(attributes) === true;
    const [x, ...parameters] = inputs.slice(0, needsOutput ? -4 : -2) as [TensorInfo, ...TensorInfo[]];
    const [dy, dl] = inputs.slice(-2) as [TensorInfo, TensorInfo];
    const all = [x, dy, dl, ...parameters, ...(needsOutput ? [inputs.at(-4) as TensorInfo] : [])];
    const places = placesOf(x, parameters, layout, attributes);
    const { width, moved, period, repeats } = places;
    const key = `${name} gradient ${transformer.key(attributes)} ${places.key}`;
    const element = (
      shader: Shader,
      at: string,
      row: string,
      j: string,
    ): { readonly x: string; readonly parameters: readonly string[] } =>
      transformer.backward(
        arithmeticOf(shader),
        {
          x: shader.read(0, at),
          y: needsOutput ? shader.read(all.length - 1, at) : '',
          parameters: parametersAt(shader, places, 3, row, j),
          byValue: shader.read(1, at),
          byLogDerivative: shader.read(2, row),
        },
        attributes,
      );
    const firsts = places.sizes.map((_, i) => places.sizes.slice(0, i).reduce((total, size) => total + size, 0));
    return gpu.runAll(
      key,
      all,
      [x, ...parameters].map(({ shape }) => shape),
      (shader, output) => {
        if (output === 0) {
          return ofColumn(
            shader,
            places,
            (row, j) => element(shader, 'index', row, j).x,
            () => shader.read(1, 'index'),
          );
        }
        const [from, size] = [firsts[output - 1] as number, places.sizes[output - 1] as number];
        const p = shader.integer(`index % ${size}`);
        const j = shader.integer(`(index / ${size}) % ${moved.length}`);
        const one = shader.integer(`index / ${size * moved.length}`);
        const column = columnAt(shader, moved, j);
        return shader.sum(repeats, (i) => {
          const row = shader.integer(`${one} + ${period} * ${i}`);
          const at = shader.integer(`${row} * ${width} + ${column}`);
          return shader.pick(element(shader, at, row, j).parameters.slice(from, from + size), p);
        });
      },
    );
  };

const arithmeticOf = (shader: Shader): Arithmetic<string> => ({
  lanes: shader.lanes,
  stored: (number) => number,
  columns: shaderColumns,
  repeat: (steps, state, next) => repeated(shader, steps, state, next),
});

interface Places {
  /** Elements of a row. */
  readonly width: number;
  /** Those that are transformed. */
  readonly moved: readonly number[];
  /** How many numbers an element has in each tensor of parameters. */
  readonly sizes: readonly number[];
  /** Rows that have parameters of their own; later rows have those of the first ones again, so many times. */
  readonly period: number;
  readonly repeats: number;
  readonly key: string;
}

function placesOf(x: TensorInfo, parameters: readonly TensorInfo[], layout: Layout, attributes: object): Places {
  const width = layout.width(x);
  const moved = layout.moved(attributes);
  const sizes = parameters.map(({ shape }) => shape.at(-1) as number);
  const period = sizeOf((parameters[0] as TensorInfo).shape) / ((sizes[0] as number) * moved.length);
  const repeats = sizeOf(x.shape) / width / period;
  return { width, moved, sizes, period, repeats, key: `${width} (${moved}) ${sizes} ${period} ${repeats}` };
}

/** Parameters of element j of those of a row that are transformed, from tensors that are inputs from `input` on. */
function parametersAt(shader: Shader, { sizes, moved, period }: Places, input: number, row: string, j: string): Columns<string> {
  const element = shader.integer(`(${row} % ${period}) * ${moved.length} + ${j}`);
  return shaderColumns((p) => {
    let part = 0;
    let from = 0;
    while (p - from >= (sizes[part] as number)) {
      from += sizes[part] as number;
      part += 1;
    }
    return shader.read(input + part, `${element} * ${sizes[part]} + ${p - from}`);
  });
}

/** Of element `index` of rows: what is made of a transformed one, or of another. */
function ofColumn(
  shader: Shader,
  { width, moved }: Places,
  transformed: (row: string, j: string) => string,
  other: () => string,
): string {
  const row = shader.integer(`index / ${width}`);
  const column = shader.integer(`index % ${width}`);
  const places = Array.from({ length: width }, (_, d) => moved.indexOf(d));
  const j = isRun(moved) ? shader.integer(`${column} - ${moved[0]}`) : shader.lookUp(places, column);
  return moved.length === width
    ? transformed(row, j)
    : shader.choose(`${j} >= 0 && ${j} < ${moved.length}`, () => transformed(row, j), other);
}

const columnAt = (shader: Shader, moved: readonly number[], j: string): string =>
  isRun(moved) ? shader.integer(`${j} + ${moved[0]}`) : shader.lookUp(moved, j);

const isRun = (moved: readonly number[]): boolean => moved.every((place, i) => place === (moved[0] as number) + i);
