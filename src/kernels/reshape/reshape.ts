import type { DataId, TensorInfo } from '@tensorflow/tfjs-core';
import { RESHAPE } from '../../core/withShape.js';

/** The kernel, for hosts where the same memory may be that of several tensors. */
export const reshapeKernels: Readonly<
  Record<string, (host: { share(id: DataId): void }, inputs: readonly TensorInfo[], attributes: object) => TensorInfo[]>
> = {
  [RESHAPE]: (host, [x], attributes) => {
    const { dataId, dtype } = x as TensorInfo;
    host.share(dataId);
    return [{ dataId, dtype, shape: (attributes as { shape: number[] }).shape }];
  },
};
