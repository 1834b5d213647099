// Planar flows fitted to a standard normal by the reverse KL divergence: noise is drawn in every step.
import type { Tensor } from '@tensorflow/tfjs-core';
import { add, sub } from '@tensorflow/tfjs-core';
import { chain, createRng, planar, standardNormal } from 'tfjs-flows';
import type { Losses, Prepared, Workload } from '../contract.js';
import { LOSSES } from '../contract.js';
import { hashNormal } from '../data.js';
import { assign, toTensor, training } from './workload.js';

const STEPS = 16;

function reverseKlOfPlanar(dim: number, rows: number, expected: Losses): Prepared {
  const model = chain(
    Array.from({ length: STEPS }, (_, k) => {
      const step = planar({ dim, constraint: 'original' });
      assign(step.parameters, {
        u: hashNormal([dim], 300 + k, 0.5),
        w: hashNormal([dim], 400 + k, 1 / Math.sqrt(dim)),
        b: { data: new Float32Array(1), shape: [] },
      });
      return step;
    }),
  );
  const target = standardNormal({ eventShape: [dim] });
  // What is compared leaves the constant out.
  const constant = 0.5 * dim * Math.log(2 * Math.PI);
  const rng = createRng(0);
  const fixed = toTensor(hashNormal([rows, dim], 1));
  const lossOf = (z0: Tensor): Tensor => {
    const [z, logDet] = model.forwardAndLogDet(z0);
    return sub(-constant, add(target.logProb(z), logDet));
  };
  return training({
    model,
    loss: () => lossOf(rng.normal([rows, dim])),
    firstLoss: () => lossOf(fixed),
    expected,
    release: () => fixed.dispose(),
  });
}

export const PLANAR_WORKLOADS: readonly Workload[] = [
  { name: 'P1', make: () => reverseKlOfPlanar(2, 256, LOSSES.P1) },
  { name: 'P2', make: () => reverseKlOfPlanar(32, 128, LOSSES.P2) },
];
