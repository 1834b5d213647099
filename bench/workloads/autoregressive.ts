// A masked autoregressive flow in the density direction.
import { chain, flow, invert, negativeLogLikelihood, reversePermutation, standardNormal } from 'tfjs-flows';
import type { Prepared, Workload } from '../contract.js';
import { LOSSES } from '../contract.js';
import { hashNormal } from '../data.js';
import { autoregressiveStep } from './autoencoder.js';
import { toTensor, training } from './workload.js';

const [DIM, ROWS, LAYERS, HIDDEN] = [32, 128, 4, 320];

function maskedAutoregressive(): Prepared {
  const toBase = chain(
    Array.from({ length: LAYERS }, (_, k) => [
      autoregressiveStep({ dim: DIM, hidden: HIDDEN, k, scale: 'tanh' }),
      reversePermutation({ dim: DIM }),
    ]).flat(),
  );
  const model = flow({ base: standardNormal({ eventShape: [DIM] }), bijector: invert(toBase) });
  const x = toTensor(hashNormal([ROWS, DIM], 1));
  const objective = negativeLogLikelihood({ distribution: model });
  return training({
    model,
    loss: () => objective(x),
    expected: LOSSES.P5,
    release: () => x.dispose(),
  });
}

export const AUTOREGRESSIVE_WORKLOADS: readonly Workload[] = [{ name: 'P5', make: maskedAutoregressive }];
