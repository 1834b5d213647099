import type { DataId, KernelBackend, TensorInfo } from '@tensorflow/tfjs-core';

/** What a kernel for the CPU may do. */
export interface Cpu {
  /** The numbers of a float32 tensor, in place. */
  values(tensor: TensorInfo): Float32Array;
  output(shape: readonly number[], values: Float32Array): TensorInfo;
  /** Frees one that is no result. */
  free(tensor: TensorInfo): void;
  /** Lets the memory of a tensor be that of one more. */
  share(id: DataId): void;
}

/** A kernel of ours: inputs come as a list. */
export type CpuKernel = (cpu: Cpu, inputs: readonly TensorInfo[], attributes: object) => TensorInfo[];
export type CpuKernels = Readonly<Record<string, CpuKernel>>;

/** What is used of TensorFlow.js's backend. */
interface Backend extends KernelBackend {
  readonly data: { get(id: DataId): { readonly values: Float32Array } };
  makeTensorInfo(shape: number[], dtype: 'float32', values: Float32Array): TensorInfo;
}

export function cpuOf(given: unknown): Cpu {
  const backend = given as Backend;
  return {
    values: ({ dataId }) => backend.data.get(dataId).values,
    output: (shape, values) => backend.makeTensorInfo([...shape], 'float32', values),
    free: ({ dataId }) => {
      backend.disposeData(dataId);
    },
    share: (id) => backend.incRef(id),
  };
}
