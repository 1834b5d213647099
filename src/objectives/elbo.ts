import { checkOptions } from '../core/errors.js';
import type { ElboObjective } from './betaElbo.js';
import { penalisedElbo } from './betaElbo.js';
import type { KlOptions } from './draws.js';
import { KL_OPTIONS } from './draws.js';

/** What `elbo` takes. */
export type ElboOptions = KlOptions;

/**
 * The evidence lower bound, E_q log p(x | z) - KL(q(z | x) || p(z)) <= log p(x), with S reparameterised draws z_s ~ q(z | x):
 *
 *   1/S sum_s log p(x | z_s) - KL(q(z | x) || p(z)).
 *
 * Shapes: x [...batch, ...event] -> [...batch], nats; `terms` gives value, reconstruction and kl, each [...batch]. Gradients
 * flow into the encoder, the decoder, a posterior flow and the prior. A context in the call goes to encoder, decoder and prior.
 * `perDraw` gives the terms of each draw, [S, ...batch].
 *
 * @throws for an unknown option, a model without prior, posterior and likelihood, samples below 1, a kl or gradient that is
 * none; at a call for whatever the model refuses and, with kl: 'analytic', where there is no formula.
 * Source: Kingma and Welling 2014, "Auto-encoding variational Bayes", equations 7 and 10; Rezende and Mohamed 2015,
 * "Variational inference with normalizing flows", for flow posteriors.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { createRng, elbo, mlp, vae } from 'tfjs-flows';
 *
 * const rng = createRng(0);
 * const model = vae({
 *   encoder: mlp({ inputDim: 6, hidden: [8], outputDim: 4, rng }),
 *   decoder: mlp({ inputDim: 2, hidden: [8], outputDim: 6, rng }),
 * });
 * const objective = elbo({ model });
 * const x = tf.ones([3, 6]);
 * console.log(objective(x, { rng }).shape); // => [ 3 ]
 *
 * const optimizer = tf.train.adam(0.05);
 * const loss = () => tf.neg(tf.mean(objective(x, { rng }))) as tf.Scalar;
 * for (let step = 0; step < 100; step++) optimizer.minimize(loss, false, Object.values(model.parameters));
 * console.log(tf.mean(objective(x, { rng })).dataSync()[0]! > -0.5); // => true
 * ```
 */
export function elbo(options: ElboOptions): ElboObjective {
  checkOptions('elbo', options, KL_OPTIONS);
  return penalisedElbo('elbo', options, (kl) => kl);
}
