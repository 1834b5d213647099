import type { Tensor } from '@tensorflow/tfjs-core';
import { engine } from '@tensorflow/tfjs-core';

/** Another tensor of the same memory, which is there until both are disposed of. Unlike `clone` it runs no op. */
export function share(tensor: Tensor): Tensor {
  engine().backend.incRef(tensor.dataId);
  return engine().makeTensorFromTensorInfo(tensor);
}
