// Exact ELBO surgery of 10,000 Gaussian posteriors, every draw under every one of them; no gradient.
import { concat, mul, slice, zeros } from '@tensorflow/tfjs-core';
import type { LatentVariableModel } from 'tfjs-flows';
import { diagNormal, elboSurgery, standardNormal } from 'tfjs-flows';
import type { Prepared, Workload } from '../contract.js';
import { checkSurgery } from '../contract.js';
import { posteriors } from '../data.js';
import { replay } from './replay.js';
import { toTensor } from './workload.js';

const DIM = 32;

/** Of any number of posteriors; what comes out is known for 10,000. */
export function surgery(count: number): Prepared {
  const { mean, logVariance, noise } = posteriors(count, DIM);
  // A data point is the parameters of its posterior; that nothing is reconstructed costs next to nothing.
  const parts = [toTensor(mean), toTensor(logVariance)] as const;
  const data = concat([...parts], 1);
  for (const part of parts) {
    part.dispose();
  }
  const model: LatentVariableModel = {
    prior: standardNormal({ eventShape: [DIM] }),
    posterior: (x) => {
      const rows = x.shape[0] as number;
      const logScale = mul(slice(x, [0, DIM], [rows, DIM]), 0.5);
      return diagNormal({ mean: slice(x, [0, 0], [rows, DIM]), logScale });
    },
    likelihood: () => diagNormal({ mean: zeros([2 * DIM]), logScale: zeros([2 * DIM]) }),
  };
  const run = (): ReturnType<typeof elboSurgery> => elboSurgery({ model, data, rng: replay(noise.data) });
  return {
    parameters: 0,
    check: async (thorough) => {
      if (!thorough) {
        return [];
      }
      const { mutualInformation, marginalKl } = await run();
      return checkSurgery(mutualInformation, marginalKl);
    },
    step: run,
    dispose: () => data.dispose(),
  };
}

export const SURGERY_WORKLOADS: readonly Workload[] = [{ name: 'P8', make: () => surgery(10000) }];
