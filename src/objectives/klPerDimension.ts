import type { Tensor } from '@tensorflow/tfjs-core';
import { broadcastTo } from '@tensorflow/tfjs-core';
import type { CallOptions } from '../core/bijector.js';
import type { Distribution, DistributionFamily } from '../core/distribution.js';
import type { NormalParameters } from '../distributions/normalFamily.js';
import { normalFamily } from '../distributions/normalFamily.js';

/**
 * KL(q_j || p_j) of every element of an event, [...batch, ...event], where both are independent normals.
 *
 * A frozen call makes the prior constant. The posterior is that already, but for what came from x: the model saw to it.
 *
 * @throws where one of them is something else, naming both.
 */
export function klPerDimension(where: string, q: Distribution, p: Distribution, call: CallOptions): Tensor {
  const element = (family: DistributionFamily | undefined, at: CallOptions) =>
    family?.name === 'normal' ? normalFamily(() => family.parameters(at) as unknown as NormalParameters, 0) : undefined;
  const [ours, theirs] = [element(q.family, {}), element(p.family, call)];
  if (ours === undefined || theirs === undefined) {
    throw new Error(
      `${where}: the KL of single latent dimensions needs independent normals, but q is '${q.name}' and p '${p.name}'.`,
    );
  }
  const kl = ours.klTo(theirs as unknown as Distribution) as Tensor;
  return broadcastTo(kl, [...(q.batchShape?.() ?? []), ...q.eventShape]);
}
