import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { Arithmetic, ElementTransformer } from '../elementTransformer.js';
import type { Columns } from '../lanes.js';
import type { RowLayout, RowLayoutOf } from '../rowLayout.js';
import { gradientInputs, kernelsOfRows } from '../rowLayout.js';
import type { TransformerAttributes } from '../transformer.gradient.js';
import type { GpuKernel, GpuKernels } from './gpu.js';
import type { Shader } from './shader.js';
import { repeated, shaderColumns } from './shader.js';

/** The kernels of a transformer. */
export const transformerKernels = <Attributes extends TransformerAttributes>(
  name: string,
  transformer: ElementTransformer<Attributes>,
): GpuKernels =>
  kernelsOfRows(
    name,
    (layoutOf) => forward(name, transformer, layoutOf),
    (layoutOf) => backward(name, transformer, layoutOf),
  );

const forward =
  <Attributes extends TransformerAttributes>(
    name: string,
    transformer: ElementTransformer<Attributes>,
    layoutOf: RowLayoutOf,
  ): GpuKernel =>
  (gpu, inputs, given) => {
    const attributes = given as Attributes;
    const [x, ...parameters] = inputs as [TensorInfo, ...TensorInfo[]];
    const layout = layoutOf(x, parameters, attributes);
    const { width, moved, logDetShape } = layout;
    const key = `${name} ${transformer.key(attributes)} ${keyOf(layout)}`;
    const element = (shader: Shader, at: string, row: string, j: string, which: 0 | 1): string =>
      transformer.forward(arithmeticOf(shader), shader.read(0, at), parametersAt(shader, layout, 1, row, j), attributes)[which];
    return gpu.runAll(key, inputs, [x.shape, logDetShape], (shader, output) =>
      output === 0
        ? ofColumn(
            shader,
            layout,
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
    layoutOf: RowLayoutOf,
  ): GpuKernel =>
  (gpu, inputs, given) => {
    const attributes = given as Attributes;
    const { x, parameters, y, dy, dl } = gradientInputs(name, inputs, attributes);
    const all = [x, dy, dl, ...parameters, ...(y === undefined ? [] : [y])];
    const layout = layoutOf(x, parameters, attributes);
    const { width, moved, sizes, firsts, period, repeats } = layout;
    const key = `${name} gradient ${transformer.key(attributes)} ${keyOf(layout)}`;
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
          y: y === undefined ? '' : shader.read(all.length - 1, at),
          parameters: parametersAt(shader, layout, 3, row, j),
          byValue: shader.read(1, at),
          byLogDerivative: shader.read(2, row),
        },
        attributes,
      );
    return gpu.runAll(
      key,
      all,
      [x, ...parameters].map(({ shape }) => shape),
      (shader, output) => {
        if (output === 0) {
          return ofColumn(
            shader,
            layout,
            (row, j) => element(shader, 'index', row, j).x,
            () => shader.read(1, 'index'),
          );
        }
        const [from, size] = [firsts[output - 1] as number, sizes[output - 1] as number];
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

const keyOf = ({ width, moved, sizes, period, repeats }: RowLayout): string =>
  `${width} (${moved}) ${sizes} ${period} ${repeats}`;

/** Parameters of element j of those of a row that are transformed, from tensors that are inputs from `input` on. */
function parametersAt(
  shader: Shader,
  { sizes, moved, period }: RowLayout,
  input: number,
  row: string,
  j: string,
): Columns<string> {
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
  { width, moved }: RowLayout,
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
