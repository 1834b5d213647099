import type { Tensor } from '@tensorflow/tfjs-core';
import type { CallOptions } from '../core/bijector.js';
import type { Distribution } from '../core/distribution.js';

/**
 * What makes a distribution a member of a family to `klDivergence`: `family`, and a `klTo` that knows the other members by `kl`, and
 * whoever else knows this family.
 */
export function relatives<Parameters extends object>(
  name: string,
  at: (call: CallOptions) => Parameters,
  kl: (p: Parameters, q: Parameters) => Tensor | undefined,
): Required<Pick<Distribution, 'family' | 'klTo'>> {
  return {
    family: { name, parameters: (call = {}) => ({ ...at(call) }) as Readonly<Record<string, Tensor>> },
    klTo: ({ family }, call = {}) =>
      family?.name === name
        ? kl(at(call), family.parameters(call) as unknown as Parameters)
        : family?.klFrom?.({ name, parameters: () => ({ ...at(call) }) as Readonly<Record<string, Tensor>> }, call),
  };
}
