import type { Tensor } from '@tensorflow/tfjs-core';
import { slice, tidy } from '@tensorflow/tfjs-core';
import { invalid, isTensorLike } from '../core/errors.js';
import type { LatentVariableModel } from './latentVariableModel.js';

/** N of data [N, ...event], events of the model; throws for others, and where N is below `least`. */
export function checkExamples(where: string, model: LatentVariableModel, data: Tensor, least = 1): number {
  if (!isTensorLike(data) || data.isDisposed || !((data.shape[0] as number) >= least)) {
    throw invalid(where, 'options.data', `a tensor of shape [N, ...event] with N of at least ${least}`, data);
  }
  tidy(() => {
    const batch = model.posterior(slice(data, 0, 1)).batchShape?.() ?? [1];
    if (`${batch}` !== '1') {
      throw invalid(where, 'options.data', 'of shape [N, ...event], the event as the model takes it', data);
    }
  });
  return data.shape[0] as number;
}
