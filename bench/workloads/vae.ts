// A variational autoencoder of binarised MNIST, its posterior an inverse autoregressive flow with a context from the encoder.
import type { Tensor } from '@tensorflow/tfjs-core';
import { dispose, mul, neg, slice } from '@tensorflow/tfjs-core';
import type { Conditioner, LatentVariableModel, Module } from 'tfjs-flows';
import {
  bernoulli,
  chain,
  createRng,
  defineModule,
  diagNormal,
  elbo,
  flow,
  mlp,
  reversePermutation,
  standardNormal,
} from 'tfjs-flows';
import type { Prepared, Workload } from '../contract.js';
import { LOSSES } from '../contract.js';
import { hashNormal, perceptronWeights } from '../data.js';
import { binaryDigits } from '../digits.js';
import { autoregressiveStep } from './autoencoder.js';
import { replay } from './replay.js';
import { assign, named, toTensor, training } from './workload.js';

const [ROWS, PIXELS, LATENT, CONTEXT, HIDDEN, STEPS, STEP_HIDDEN, BATCHES] = [100, 784, 40, 40, 300, 4, 320, 20];

function autoencoder(): Prepared {
  const encoder = perceptron([PIXELS, HIDDEN, HIDDEN, 2 * LATENT + CONTEXT], 0);
  const decoder = perceptron([LATENT, HIDDEN, HIDDEN, PIXELS], 1);
  const steps = chain(
    Array.from({ length: STEPS }, (_, t) => [
      autoregressiveStep({ dim: LATENT, hidden: STEP_HIDDEN, k: 2 + t, contextDim: CONTEXT, scale: 'gate', offset: 2 }),
      reversePermutation({ dim: LATENT }),
    ]).flat(),
  );
  // `vae` bounds its scales; here they are exp(logVariance / 2), so the posterior is put together by hand.
  const model: LatentVariableModel & Module = {
    ...defineModule({ parts: { encoder, decoder, steps } }),
    prior: standardNormal({ eventShape: [LATENT] }),
    posterior: (x) => {
      const parameters = encoder.apply(x);
      const columns = (from: number, count: number): Tensor => slice(parameters, [0, from], [ROWS, count]);
      const base = diagNormal({ mean: columns(0, LATENT), logScale: mul(columns(LATENT, LATENT), 0.5) });
      return flow({ base, bijector: steps }).given(columns(2 * LATENT, CONTEXT));
    },
    likelihood: (z) => bernoulli({ logits: decoder.apply(z) }),
  };
  const objective = elbo({ model });
  const batches = binaryDigits(BATCHES, ROWS).map(toTensor);
  const rng = createRng(0);
  let step = 0;
  return training({
    model,
    loss: () => neg(objective(batches[step++ % BATCHES] as Tensor, { rng })),
    firstLoss: () => neg(objective(batches[0] as Tensor, { rng: replay(hashNormal([ROWS, LATENT], 1).data) })),
    expected: LOSSES.P7,
    release: () => dispose(batches),
  });
}

function perceptron(sizes: [number, ...number[]], k: number): Conditioner {
  const network = mlp({ inputDim: sizes[0], hidden: sizes.slice(1, -1), outputDim: sizes.at(-1) as number });
  assign(network.parameters, named('', perceptronWeights(sizes, k, 1)));
  return network;
}

export const VAE_WORKLOADS: readonly Workload[] = [{ name: 'P7', make: autoencoder }];
