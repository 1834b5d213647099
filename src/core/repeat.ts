import type { Tensor } from '@tensorflow/tfjs-core';
import { broadcastTo, reshape } from '@tensorflow/tfjs-core';

/** x so many times, [count, ...x.shape]: by a broadcast of two axes, since one of five has no gradient. */
export const repeat = (x: Tensor, count: number): Tensor =>
  reshape(broadcastTo(reshape(x, [1, -1]), [count, x.size]), [count, ...x.shape]);
