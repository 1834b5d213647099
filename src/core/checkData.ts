import { invalid, isTensorLike } from './errors.js';

/** N of data [N, ...event]; throws where it is below `least`. */
export function checkData(where: string, data: unknown, least = 1): number {
  if (!isTensorLike(data) || data.isDisposed || !((data.shape[0] as number) >= least)) {
    throw invalid(where, 'options.data', `a tensor of shape [N, ...event] with N of at least ${least}`, data);
  }
  return data.shape[0] as number;
}
