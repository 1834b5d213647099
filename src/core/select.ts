import type { Tensor } from '@tensorflow/tfjs-core';
import { reshape, where } from '@tensorflow/tfjs-core';

/** `where` of three tensors of one shape, whatever its rank: on WebGL and WebGPU the op ends at four axes. */
export function select(mask: Tensor, yes: Tensor, no: Tensor): Tensor {
  if (mask.rank <= 4) {
    return where(mask, yes, no);
  }
  const [flatMask, flatYes, flatNo] = [mask, yes, no].map((x) => reshape(x, [-1])) as [Tensor, Tensor, Tensor];
  return reshape(where(flatMask, flatYes, flatNo), mask.shape);
}
