// Quantiles of logistic mixtures: the inverse of their distribution functions, with no gradient.
import { chain, logisticMixtureCdf, sigmoidBijector } from 'tfjs-flows';
import type { Prepared, Workload } from '../contract.js';
import { checkQuantiles } from '../contract.js';
import { mixtures } from '../data.js';
import { toTensor } from './workload.js';

const [ROWS, DIM, COMPONENTS] = [128, 768, 8];

function quantiles(): Prepared {
  const problem = mixtures(ROWS, DIM, COMPONENTS);
  const given = {
    logits: toTensor(problem.logits),
    means: toTensor(problem.means),
    logScales: toTensor(problem.logScales),
  };
  const target = toTensor(problem.target);
  const cdf = chain([logisticMixtureCdf({ dim: DIM, components: COMPONENTS, given }), sigmoidBijector()]);
  const run = async (): Promise<Float32Array> => {
    const x = cdf.inverse(target);
    const values = await x.data();
    x.dispose();
    return values as Float32Array;
  };
  return {
    parameters: 0,
    check: async () => checkQuantiles(await run(), problem.solution()),
    step: run,
    dispose: () => {
      cdf.dispose();
      for (const tensor of [...Object.values(given), target]) {
        tensor.dispose();
      }
    },
  };
}

export const MIXTURE_INVERSE_WORKLOADS: readonly Workload[] = [{ name: 'P9', make: quantiles }];
