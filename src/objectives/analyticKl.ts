import type { Tensor } from '@tensorflow/tfjs-core';
import { expandDims } from '@tensorflow/tfjs-core';
import type { CallOptions } from '../core/bijector.js';
import type { Distribution } from '../core/distribution.js';
import { klDivergence } from '../distributions/klDivergence.js';

/**
 * KL(posterior || prior) by formula, [1, ...batch]; undefined where there is none and none is insisted on.
 *
 * A frozen call makes the prior constant here. The posterior is that already, but for what came from x: the model saw to it.
 *
 * @throws where kl is 'analytic' and there is no formula.
 */
export function analyticKl(
  posterior: Distribution,
  prior: Distribution,
  kl: 'auto' | 'analytic',
  { frozen = false }: CallOptions,
): Tensor | undefined {
  const target = frozen ? constant(prior) : prior;
  const found = kl === 'analytic' ? klDivergence(posterior, target) : posterior.klTo?.(target);
  return found === undefined ? undefined : expandDims(found, 0);
}

function constant(prior: Distribution): Distribution {
  const { family } = prior;
  return family === undefined
    ? prior
    : {
        ...prior,
        family: {
          name: family.name,
          parameters: (call) => family.parameters({ ...call, frozen: true }),
          klFrom: (p, call) => family.klFrom?.(p, { ...call, frozen: true }),
        },
      };
}
