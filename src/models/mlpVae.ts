import { mlp } from '../conditioners/mlp.js';
import type { Bijector } from '../core/bijector.js';
import { checkInteger, checkOptions, invalid } from '../core/errors.js';
import type { Rng } from '../core/rng.js';
import { createRng } from '../core/rng.js';
import { flow } from '../distributions/flow.js';
import { standardNormal } from '../distributions/standardNormal.js';
import type { Vae } from '../objectives/vae.js';
import { vae } from '../objectives/vae.js';
import { iafPosterior } from './iafPosterior.js';
import { mafFlow } from './mafFlow.js';
import { planarFlow } from './planarFlow.js';

/** What `mlpVae` takes. */
export interface MlpVaeOptions {
  /** Size of a data point, of binary values (or probabilities). */
  readonly dataDim: number;
  readonly latentDim: number;
  /** Hidden layers of the encoder, and of the decoder. Default [300, 300]. */
  readonly hidden?: readonly number[];
  /** q(z | x): a Gaussian, or one that planar maps or inverse autoregressive steps transform. Default 'iaf'. */
  readonly posterior?: 'gaussian' | 'planar' | 'iaf';
  /** Steps of the posterior's flow. Default 4. */
  readonly steps?: number;
  /** Size of the context that the encoder gives the posterior's flow. Default: latentDim. */
  readonly contextDim?: number;
  /** Hidden layers of the flows' masked autoencoders. Default [320, 320]. */
  readonly flowHidden?: readonly number[];
  /** p(z): standard normal, or a masked autoregressive flow of two layers. Default 'normal'. */
  readonly prior?: 'normal' | 'flow';
  readonly rng?: Rng;
}

/**
 * A variational autoencoder of perceptrons over binary data, with a Gaussian or a flow posterior and a normal or a flow prior.
 *
 * Encoder dataDim - hidden - (2 latentDim + contextDim), decoder latentDim - hidden - dataDim with Bernoulli logits, relu in
 * between. Shapes: x [...batch, dataDim], z [...batch, latentDim].
 *
 * @throws for wrong sizes and unknown options.
 * Source: Kingma and Welling 2014; Rezende and Mohamed 2015 for 'planar'; Kingma et al. 2016 for 'iaf'.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { createRng, elbo } from 'tfjs-flows';
 * import { mlpVae } from 'tfjs-flows/models';
 *
 * const rng = createRng(0);
 * const model = mlpVae({ dataDim: 16, latentDim: 2, hidden: [32], flowHidden: [8], rng });
 * console.log(elbo({ model })(tf.ones([5, 16]), { rng }).shape); // => [ 5 ]
 * ```
 */
export function mlpVae(options: MlpVaeOptions): Vae {
  checkOptions('mlpVae', options, OPTIONS);
  const { dataDim, latentDim, hidden = [300, 300], posterior = 'iaf', prior = 'normal', rng = createRng() } = options;
  const { steps = 4, contextDim = latentDim, flowHidden = [320, 320] } = options;
  checkInteger('mlpVae', 'options.dataDim', dataDim, 1);
  checkInteger('mlpVae', 'options.latentDim', latentDim, 1);
  checkInteger('mlpVae', 'options.contextDim', contextDim, 1);
  if (!Object.hasOwn(POSTERIORS, posterior)) {
    throw invalid('mlpVae', 'options.posterior', "'gaussian', 'planar' or 'iaf'", posterior);
  }
  if (prior !== 'normal' && prior !== 'flow') {
    throw invalid('mlpVae', 'options.prior', "'normal' or 'flow'", prior);
  }
  const posteriorFlow = POSTERIORS[posterior]({ dim: latentDim, steps, contextDim, hidden: flowHidden, rng });
  const outputDim = 2 * latentDim + (posteriorFlow === undefined ? 0 : contextDim);
  const normal = standardNormal({ eventShape: [latentDim] });
  return vae({
    encoder: mlp({ inputDim: dataDim, hidden, outputDim, rng }),
    decoder: mlp({ inputDim: latentDim, hidden, outputDim: dataDim, rng }),
    prior:
      prior === 'normal'
        ? normal
        : flow({ base: normal, bijector: mafFlow({ dim: latentDim, layers: 2, hidden: flowHidden, rng }) }),
    ...(posteriorFlow === undefined ? {} : { posteriorFlow }),
  });
}

const OPTIONS: readonly (keyof MlpVaeOptions)[] = [
  'dataDim',
  'latentDim',
  'hidden',
  'posterior',
  'steps',
  'contextDim',
  'flowHidden',
  'prior',
  'rng',
];

interface FlowSizes {
  readonly dim: number;
  readonly steps: number;
  readonly contextDim: number;
  readonly hidden: readonly number[];
  readonly rng: Rng;
}

const POSTERIORS: Readonly<Record<'gaussian' | 'planar' | 'iaf', (sizes: FlowSizes) => Bijector | undefined>> = {
  gaussian: () => undefined,
  planar: ({ hidden: _, ...sizes }) => planarFlow(sizes),
  iaf: iafPosterior,
};
