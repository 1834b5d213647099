import { chain } from '../bijectors/chain.js';
import { maf } from '../bijectors/maf.js';
import { mlp } from '../conditioners/mlp.js';
import type { Bijector } from '../core/bijector.js';
import type { Distribution } from '../core/distribution.js';
import { checkInteger, checkOptions, invalid } from '../core/errors.js';
import type { Rng } from '../core/rng.js';
import { createRng } from '../core/rng.js';
import { flow } from '../distributions/flow.js';
import { standardNormal } from '../distributions/standardNormal.js';
import type { Vae } from '../objectives/vae.js';
import { vae } from '../objectives/vae.js';
import { iafPosterior } from './iafPosterior.js';
import { planarFlow } from './planarFlow.js';

/** What `mlpVae` takes. */
export interface MlpVaeOptions {
  /** Size of x: 784 for 28 x 28 pixels. */
  readonly dataDim: number;
  /** L: size of the code z. */
  readonly latentDim: number;
  /** Hidden layers of the encoder; the decoder's are the same in reverse. Default [300, 300]. */
  readonly hidden?: readonly number[];
  /** What stands behind the encoder's Gaussian: nothing (default), planar maps, or inverse autoregressive steps. */
  readonly posterior?: 'gaussian' | 'planar' | 'iaf';
  /** p(z): standard normal (default), or a masked autoregressive flow that is learned. */
  readonly prior?: 'normal' | 'flow';
  /** Steps of each flow. Default 4. */
  readonly steps?: number;
  /** Size of the context that the encoder gives to a flow posterior. Default L. */
  readonly contextDim?: number;
  /** Width of the two hidden layers of each autoregressive step. Default 320. */
  readonly madeHidden?: number;
  /** Draws the initial values. */
  readonly rng?: Rng;
}

/**
 * Variational autoencoder of perceptrons (ReLU) for binary data: Bernoulli likelihood, Gaussian or flow posterior, normal or flow
 * prior. With the defaults, a dataDim of 784 and a latentDim of 40 it is the usual model of binarised MNIST: encoder
 * 784-300-300, decoder 40-300-300-784.
 *
 * Everything else is as in `vae`, which it is made by.
 *
 * @throws for sizes that are no positive integers, an unknown posterior, prior or option; a contextDim without a flow posterior.
 * Source: Kingma and Welling 2014, "Auto-encoding variational Bayes"; Kingma et al. 2016, "Improving variational inference with
 * inverse autoregressive flow"; van den Berg et al. 2018, "Sylvester normalizing flows", for the sizes.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { createRng, elbo } from 'tfjs-flows';
 * import { mlpVae } from 'tfjs-flows/models';
 *
 * const rng = createRng(0);
 * const model = mlpVae({ dataDim: 16, latentDim: 2, hidden: [32], posterior: 'iaf', madeHidden: 16, rng });
 * console.log(elbo({ model })(tf.zeros([5, 16]), { rng }).shape); // => [ 5 ]
 * console.log(model.sample({ shape: [3], rng }).shape); // => [ 3, 16 ]
 * ```
 */
export function mlpVae(options: MlpVaeOptions): Vae {
  checkOptions('mlpVae', options, [...SIZES, 'hidden', 'posterior', 'prior', 'rng']);
  const { posterior = 'gaussian', prior = 'normal', hidden = [300, 300], rng = createRng() } = options;
  const { dataDim, latentDim, steps = 4, contextDim = latentDim, madeHidden = 320 } = options;
  for (const [name, size] of Object.entries({ dataDim, latentDim, steps, contextDim, madeHidden })) {
    checkInteger('mlpVae', `options.${name}`, size, 1);
  }
  if (!['gaussian', 'planar', 'iaf'].includes(posterior)) {
    throw invalid('mlpVae', 'options.posterior', "'gaussian', 'planar' or 'iaf'", posterior);
  }
  if (prior !== 'normal' && prior !== 'flow') {
    throw invalid('mlpVae', 'options.prior', "'normal' or 'flow'", prior);
  }
  if (posterior === 'gaussian' && options.contextDim !== undefined) {
    throw invalid('mlpVae', 'options.contextDim', "left out where the posterior is 'gaussian'", options.contextDim);
  }

  const made = { dim: latentDim, steps, hidden: [madeHidden, madeHidden], rng };
  const outputDim = 2 * latentDim + (posterior === 'gaussian' ? 0 : contextDim);
  return vae({
    encoder: mlp({ inputDim: dataDim, hidden, outputDim, rng }),
    decoder: mlp({ inputDim: latentDim, hidden: [...hidden].reverse(), outputDim: dataDim, rng }),
    ...(posterior === 'planar' ? { posteriorFlow: planarFlow({ dim: latentDim, steps, contextDim, rng }).bijector } : {}),
    ...(posterior === 'iaf' ? { posteriorFlow: iafPosterior({ ...made, contextDim }) } : {}),
    ...(prior === 'flow' ? { prior: autoregressivePrior(made) } : {}),
  });
}

const SIZES = ['dataDim', 'latentDim', 'steps', 'contextDim', 'madeHidden'] as const;

/** Its density is one pass, as training wants; it starts as the standard normal. */
function autoregressivePrior({ dim, steps, hidden, rng }: PriorSizes): Distribution {
  const layers = Array.from(
    { length: steps },
    (_, step): Bijector => maf({ dim, hidden, order: step % 2 === 0 ? 'natural' : 'reversed', rng }),
  );
  return flow({ base: standardNormal({ eventShape: [dim] }), bijector: chain(layers) });
}

interface PriorSizes {
  readonly dim: number;
  readonly steps: number;
  readonly hidden: readonly number[];
  readonly rng: Rng;
}
