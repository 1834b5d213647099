import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { ElementTransformer } from '../elementTransformer.js';
import type { Columns } from '../lanes.js';
import type { RowLayout, RowLayoutOf } from '../rowLayout.js';
import { gradientInputs, kernelsOfRows } from '../rowLayout.js';
import type { TransformerAttributes } from '../transformer.gradient.js';
import type { Cpu, CpuKernel, CpuKernels } from './cpu.js';
import { numbers } from './numbers.js';

/** The kernels of a transformer. */
export const transformerKernels = <Attributes extends TransformerAttributes>(
  name: string,
  transformer: ElementTransformer<Attributes>,
): CpuKernels =>
  kernelsOfRows(
    name,
    (layoutOf) => forward(transformer, layoutOf),
    (layoutOf) => backward(name, transformer, layoutOf),
  );

const forward =
  <Attributes extends TransformerAttributes>(transformer: ElementTransformer<Attributes>, layoutOf: RowLayoutOf): CpuKernel =>
  (cpu, inputs, given) => {
    const attributes = given as Attributes;
    const [x, ...parameters] = inputs as [TensorInfo, ...TensorInfo[]];
    const layout = layoutOf(x, parameters, attributes);
    const { width, moved, logDetShape } = layout;
    const values = cpu.values(x);
    const y = values.slice();
    const logDets = new Float32Array(values.length / width);
    const { of } = parametersOf(cpu, parameters, layout);
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
    layoutOf: RowLayoutOf,
  ): CpuKernel =>
  (cpu, inputs, given) => {
    const attributes = given as Attributes;
    const { x, parameters, ...rest } = gradientInputs(name, inputs, attributes);
    const [values, y, dy, dl] = [x, rest.y ?? x, rest.dy, rest.dl].map(cpu.values) as [
      Float32Array,
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    const layout = layoutOf(x, parameters, attributes);
    const { width, moved } = layout;
    const dx = dy.slice();
    const { of, gradients, add } = parametersOf(cpu, parameters, layout);
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
function parametersOf(cpu: Cpu, tensors: readonly TensorInfo[], { sizes, firsts, period, moved }: RowLayout) {
  // Of parameter p of all.
  const tensorOf = sizes.flatMap((size, i) => Array<number>(size).fill(i));
  const values = tensors.map(cpu.values);
  const gradients = values.map(({ length }) => new Float32Array(length));
  const place = (i: number, element: number, p: number): number => element * (sizes[i] as number) + p - (firsts[i] as number);
  return {
    of: (row: number, j: number): Columns<number> => {
      const element = (row % period) * moved.length + j;
      return numbers.columns((p) => {
        const i = tensorOf[p] as number;
        return (values[i] as Float32Array)[place(i, element, p)] as number;
      });
    },
    gradients,
    add: (row: number, j: number, more: readonly number[]): void => {
      const element = (row % period) * moved.length + j;
      for (let p = 0; p < more.length; p++) {
        const i = tensorOf[p] as number;
        const gradient = gradients[i] as Float32Array;
        const at = place(i, element, p);
        gradient[at] = (gradient[at] as number) + (more[p] as number);
      }
    },
  };
}
