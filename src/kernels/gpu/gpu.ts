import type { KernelBackend, KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import { getKernel } from '@tensorflow/tfjs-core';
import { sizeOf } from '../../core/shapes.js';
import type { Launch } from './launch.js';
import type { Language, Shader } from './shader.js';
import { blockBody, shaderBody } from './shader.js';
import { webglLaunch } from './webgl.js';
import { webgpuLaunch } from './webgpu.js';

/** What a kernel for GPUs may do. */
export interface Gpu {
  /** How many tensors a program may read beside one that it writes. */
  readonly inputs: number;
  /**
   * Runs a program that computes each element of a float32 tensor by itself.
   *
   * @param key tells apart what `write` writes
   * @param write gives the element at `index`, a name in the text, of the inputs, by their numbers
   */
  run(key: string, inputs: readonly TensorInfo[], shape: readonly number[], write: (shader: Shader) => string): TensorInfo;
  /** The same by one program for tensors of all sizes, where these are so many that compiling would take longer than running. */
  runAnySize(key: string, inputs: readonly TensorInfo[], shape: readonly number[], write: (shader: Shader) => string): TensorInfo;
  /** The same for several tensors, in as few launches as can be; `write` is told which. */
  runAll(
    key: string,
    inputs: readonly TensorInfo[],
    shapes: readonly (readonly number[])[],
    write: (shader: Shader, output: number) => string,
  ): TensorInfo[];
  /** A program that computes two by two elements of a matrix at a time. `write` gives them from those at `row` and `column` on. */
  runBlocks(
    key: string,
    inputs: readonly TensorInfo[],
    shape: readonly [rows: number, columns: number],
    write: (shader: Shader) => readonly string[],
  ): TensorInfo;
  /** A new tensor of a few numbers. */
  numbers(values: readonly number[]): TensorInfo;
  /** Runs a kernel of TensorFlow.js. */
  kernel(name: string, inputs: Readonly<Record<string, TensorInfo>>, attributes?: object): TensorInfo;
  /** Frees a tensor that is no result. */
  free(tensor: TensorInfo): void;
  /** Whether TensorFlow.js's products cost launches beside their own, for another layout of operands and result. */
  readonly repacks: boolean;
}

/** A kernel of ours: inputs come as a list. */
export type GpuKernel = (gpu: Gpu, inputs: readonly TensorInfo[], attributes: object) => TensorInfo[];
export type GpuKernels = Readonly<Record<string, GpuKernel>>;

/** Programs for one of the two backends, and for every backend object of its name. Texts are written once for each key. */
export function gpuFor(name: 'webgl' | 'webgpu'): (backend: unknown) => Gpu {
  const language: Language = name === 'webgl' ? 'glsl' : 'wgsl';
  const texts = new Map<string, string>();
  const blocks = new Map<string, string>();
  const textOf = (key: string, write: (shader: Shader) => string): string => {
    const text = texts.get(key) ?? shaderBody(language, write);
    texts.set(key, text);
    return text;
  };
  const make = (backend: KernelBackend): Gpu => {
    const kernel: Gpu['kernel'] = (kernelName, inputs, attributes = {}) => {
      const { kernelFunc } = getKernel(kernelName, name) as { kernelFunc: KernelFunc };
      const result = kernelFunc({ inputs, backend, attrs: attributes } as unknown as Parameters<KernelFunc>[0]);
      return ([] as TensorInfo[]).concat(result)[0] as TensorInfo;
    };
    const free: Gpu['free'] = ({ dataId }) => {
      backend.disposeData(dataId);
    };
    const launch: Launch = name === 'webgl' ? webglLaunch(backend, kernel, free) : webgpuLaunch(backend);
    const runAll: Gpu['runAll'] = (key, inputs, shapes, write) => {
      const many = shapes.length === 1 ? '' : ' of several, ';
      const outputs = shapes.map((shape, i) => ({
        shape,
        size: sizeOf(shape),
        text: textOf(many ? `${key}${many}${i}` : key, (shader) => write(shader, i)),
      }));
      const atOnce = launch.outputs(inputs.length, outputs);
      return outputs.flatMap((_, i) => (i % atOnce === 0 ? launch.run(inputs, outputs.slice(i, i + atOnce)) : []));
    };
    return {
      inputs: launch.inputs,
      repacks: name === 'webgl',
      kernel,
      free,
      runAll,
      run: (key, inputs, shape, write) => runAll(key, inputs, [shape], write)[0] as TensorInfo,
      runAnySize: (key, inputs, shape, write) => launch.runAnySize(inputs, shape, textOf(key, write) as string),
      runBlocks: (key, inputs, [rows, columns], write) => {
        const text = blocks.get(key) ?? blockBody(language, write);
        blocks.set(key, text);
        return launch.runBlocks(inputs, rows, columns, text);
      },
      numbers: (values) => {
        const shape = [values.length];
        return { dataId: backend.write(Float32Array.from(values), shape, 'float32'), shape, dtype: 'float32' };
      },
    };
  };
  const made = new WeakMap<KernelBackend, Gpu>();
  return (given) => {
    const backend = given as KernelBackend;
    const gpu = made.get(backend) ?? make(backend);
    made.set(backend, gpu);
    return gpu;
  };
}
