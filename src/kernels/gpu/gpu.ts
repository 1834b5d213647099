import type { KernelBackend, KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import { getKernel } from '@tensorflow/tfjs-core';
import { sizeOf } from '../../core/shapes.js';
import type { Language, Shader } from './shader.js';
import { shaderBody } from './shader.js';

/** What a kernel for GPUs may do. */
export interface Gpu {
  /**
   * Runs a program that computes each element of a float32 tensor by itself.
   *
   * @param key tells apart what `write` writes
   * @param write gives the element at `index`, a name in the text, of the inputs, by their numbers
   */
  run(key: string, inputs: readonly TensorInfo[], shape: readonly number[], write: (shader: Shader) => string): TensorInfo;
  /** Whether there is such a program: `write` may give undefined. */
  writes(key: string, write: (shader: Shader) => string | undefined): boolean;
  /** A new tensor of a few numbers. */
  numbers(values: readonly number[]): TensorInfo;
  /** Runs a kernel of TensorFlow.js. */
  kernel(name: string, inputs: Readonly<Record<string, TensorInfo>>, attributes?: object): TensorInfo;
  /** Frees a tensor that is no result. */
  free(tensor: TensorInfo): void;
}

/** A kernel of ours: inputs come as a list. */
export type GpuKernel = (gpu: Gpu, inputs: readonly TensorInfo[], attributes: object) => TensorInfo[];
export type GpuKernels = Readonly<Record<string, GpuKernel>>;

/** What is used of TensorFlow.js's backends for GPUs. */
interface GpuBackend extends KernelBackend {
  runWebGLProgram(program: object, inputs: readonly TensorInfo[], dtype: 'float32'): TensorInfo;
  runWebGPUProgram(program: object, inputs: readonly TensorInfo[], dtype: 'float32'): TensorInfo;
}

/** Threads that work together; all of them do the same here. */
const GROUP = 64;

/** Programs for one of the two backends. Texts are written once for each key. */
export function gpuFor(name: 'webgl' | 'webgpu'): (backend: unknown) => Gpu {
  const language: Language = name === 'webgl' ? 'glsl' : 'wgsl';
  const texts = new Map<string, string | undefined>();
  const textOf = (key: string, write: (shader: Shader) => string | undefined): string | undefined => {
    if (!texts.has(key)) {
      texts.set(key, shaderBody(language, write));
    }
    return texts.get(key);
  };
  return (given) => {
    const backend = given as GpuBackend;
    const kernel = (kernelName: string, inputs: object, attributes: object = {}): TensorInfo => {
      const { kernelFunc } = getKernel(kernelName, name) as { kernelFunc: KernelFunc };
      const result = kernelFunc({ inputs, backend, attrs: attributes } as Parameters<KernelFunc>[0]);
      return ([] as TensorInfo[]).concat(result)[0] as TensorInfo;
    };
    const free = ({ dataId }: TensorInfo): void => {
      backend.disposeData(dataId);
    };
    return {
      kernel,
      free,
      writes: (key, write) => textOf(key, write) !== undefined,
      numbers: (values) => {
        const shape = [values.length];
        return { dataId: backend.write(Float32Array.from(values), shape, 'float32'), shape, dtype: 'float32' };
      },
      run: (key, inputs, shape, write) => {
        const text = textOf(key, write) as string;
        // One axis, so that an index is all it takes to read an element.
        const flat = inputs.map((x) => kernel('Reshape', { x }, { shape: [sizeOf(x.shape)] }));
        const size = sizeOf(shape);
        const made =
          language === 'glsl'
            ? backend.runWebGLProgram(webglProgram(text, inputs.length, size), flat, 'float32')
            : backend.runWebGPUProgram(webgpuProgram(text, inputs.length, size), flat, 'float32');
        flat.forEach(free);
        return { dataId: made.dataId, shape: [...shape], dtype: 'float32' };
      },
    };
  };
}

const variables = (count: number): string[] => Array.from({ length: count }, (_, i) => `a${i}`);

const webglProgram = (text: string, inputs: number, size: number): object => ({
  variableNames: variables(inputs).map((variable) => variable.toUpperCase()),
  outputShape: [size],
  userCode: `
    float compute(int index) {
      ${text}
    }
    void main() {
      setOutput(compute(getOutputCoords()));
    }`,
});

const webgpuProgram = (text: string, inputs: number, size: number): object => ({
  variableNames: variables(inputs),
  outputShape: [size],
  workgroupSize: [GROUP, 1, 1],
  dispatchLayout: { x: [0] },
  dispatch: [Math.ceil(size / GROUP), 1, 1],
  size: true,
  shaderKey: text,
  getUserCode: () => `
    fn compute(index : i32) -> f32 {
      ${text}
    }
    fn main(index : i32) {
      if (index < uniforms.size) {
        setOutputAtIndex(index, compute(index));
      }
    }`,
});
