// Quantiles of logistic mixtures: the inverse of their distribution functions, with no gradient.
import { chain, logisticMixtureCdf, sigmoidBijector } from 'tfjs-flows';
import { mixtures } from '../data.js';
import type { Prepared, Workload } from './workload.js';
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
    check: async () => {
      const [found, wanted] = [await run(), problem.solution()];
      const error = found.reduce((most, x, i) => Math.max(most, Math.abs(x - (wanted[i] as number))), 0);
      return [{ what: 'largest error', got: error, expected: 0, tolerance: 1e-5 }];
    },
    step: run,
    dispose: () => {
      cdf.dispose();
      for (const tensor of [...Object.values(given), target]) {
        tensor.dispose();
      }
    },
  };
}

export const MIXTURE_INVERSE_WORKLOADS: readonly Workload[] = [
  { name: 'P9', title: 'quantiles of mixtures of 8 logistics, 128 x 768', make: quantiles },
];
