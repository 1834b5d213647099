import type { Tensor } from '@tensorflow/tfjs-core';
import { add, mean, mul, neg, reshape, softplus, sub, tidy } from '@tensorflow/tfjs-core';
import type { Conditioner } from '../core/conditioner.js';
import { checkCall, checkOptions, invalid } from '../core/errors.js';
import type { ObjectiveOptions, ObjectiveWithTerms } from '../core/objective.js';
import { createRng } from '../core/rng.js';
import { sizeOf } from '../core/shapes.js';
import { untaped } from '../core/stopGradient.js';
import type { ElboTerms } from './betaElbo.js';
import type { KlOptions } from './draws.js';
import { checkKl, draw, KL_OPTIONS, objectiveOf } from './draws.js';
import { minibatchOf } from './minibatch.js';
import { permuteDims } from './permuteDims.js';
import type { Scheduled } from './scheduled.js';
import { scheduled } from './scheduled.js';

/** What `factorVae` takes. */
export interface FactorVaeOptions extends KlOptions {
  /**
   * A network from the D elements of a code to one number: log q(z) / prod_d q(z_d), once it is trained. Such as
   * `mlp({ inputDim: D, hidden: [1000, 1000, 1000, 1000, 1000], outputDim: 1, activation: 'leakyRelu' })`, the paper's.
   */
  readonly discriminator: Conditioner;
  /** The weight of the total correlation, at least 0, or a function of the call's `step`, as in `betaElbo`. */
  readonly gamma: Scheduled;
}

/** What it is made of, each [...batch], in nats. */
export type FactorVaeTerms = ElboTerms & {
  /** What the discriminator says at the draws, averaged over them: below 0 where it errs. */
  readonly totalCorrelation: Tensor;
};

/** What `factorVae` makes: two things to train, each a constant to the other. */
export interface FactorVae extends ObjectiveWithTerms<FactorVaeTerms> {
  /** The discriminator's own loss, [...batch], in nats, to be minimised; log 2 where it cannot tell. */
  discriminatorLoss(x: Tensor, options?: ObjectiveOptions): Tensor;
}

/**
 * FactorVAE: the ELBO with a penalty on the total correlation of the code, which a discriminator T estimates,
 *
 *   E_q log p(x | z) - KL(q(z | x) || p(z)) - gamma E_q T(z),   T(z) ~ log q(z) / prod_d q(z_d).
 *
 * T is trained to tell codes z from codes z' whose elements are shuffled over the minibatch, each by itself, by the loss
 *
 *   1/2 softplus(-T(z)) + 1/2 softplus(T(z')),
 *
 * of which the ratio above is the optimum. In the objective the discriminator is constant, in `discriminatorLoss` the model is, so
 * one `fit` trains both on the difference of the two, as below; or in turns, with a loss that goes by the step and
 * `allowUnused: true`: `call.step % 2 === 0 ? tf.neg(objective(x, call)) : objective.discriminatorLoss(x, call)`. z' comes from the
 * same minibatch as z, where the paper takes another: the expectation is the same.
 *
 * Shapes: x [...batch, ...event] -> [...batch], nats, B the product of all batch axes. Any posterior will do. The discriminator
 * stays the caller's.
 *
 * @throws for an unknown option, gamma below 0, a discriminator that does not take D inputs to one output, or takes a context; at a
 * call of `discriminatorLoss` for a single example, which cannot be shuffled; and as `elbo`.
 * Source: Kim and Mnih 2018, "Disentangling by factorising", equations 2 and 3, algorithm 2.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { createRng, defineModule, factorVae, mlp, vae } from 'tfjs-flows';
 * import { adam, fit } from 'tfjs-flows/training';
 *
 * const rng = createRng(0);
 * const model = vae({
 *   encoder: mlp({ inputDim: 6, hidden: [8], outputDim: 4, rng }),
 *   decoder: mlp({ inputDim: 2, hidden: [8], outputDim: 6, rng }),
 * });
 * const discriminator = mlp({ inputDim: 2, hidden: [16], outputDim: 1, activation: 'leakyRelu', rng });
 * const objective = factorVae({ model, discriminator, gamma: 10 });
 * const { step } = await fit({
 *   model: defineModule({ parts: { model, discriminator } }),
 *   data: rng.uniform([64, 6]),
 *   batchSize: 32,
 *   epochs: 5,
 *   optimizer: adam({ learningRate: 1e-3 }),
 *   rng,
 *   loss: (x, call) => tf.sub(objective.discriminatorLoss(x, call), objective(x, call)),
 * });
 * console.log(step); // => 10
 * ```
 */
export function factorVae(options: FactorVaeOptions): FactorVae {
  const where = 'factorVae';
  checkOptions(where, options, [...KL_OPTIONS, 'discriminator', 'gamma']);
  checkKl(where, options);
  const { model, discriminator } = options;
  const gamma = scheduled(where, 'gamma', options.gamma);
  const event = model.prior.eventShape;
  checkDiscriminator(where, discriminator, sizeOf(event));

  const objective = objectiveOf(where, (x, call) => {
    const { z, logLikelihood, kl: divergence } = draw(where, options, x, call);
    const [reconstruction, kl] = [mean(logLikelihood, 0), mean(divergence, 0)];
    const ratio = discriminator.apply(minibatchOf(where, x, z, event, 1).z, { ...call, frozen: true });
    const totalCorrelation = reshape(mean(ratio, 0), reconstruction.shape);
    const value = sub(sub(reconstruction, kl), mul(totalCorrelation, gamma(call.step)));
    return { value, reconstruction, kl, totalCorrelation };
  });
  return Object.assign(objective, {
    discriminatorLoss: (x: Tensor, { rng = createRng(), ...call }: ObjectiveOptions = {}) => {
      checkCall(`${where}.discriminatorLoss`, call);
      return tidy(() => {
        const at = { ...call, rng };
        const codes = untaped(() => model.posterior(x, at).sample({ shape: [1], rng }));
        const { z, size, dim } = minibatchOf(`${where}.discriminatorLoss`, x, codes, event, 2);
        const rows = reshape(z, [size, dim]);
        const own = softplus(neg(discriminator.apply(rows, at)));
        const shuffled = softplus(discriminator.apply(permuteDims(rows, rng), at));
        return reshape(mul(add(own, shuffled), 0.5), codes.shape.slice(1, codes.shape.length - event.length));
      });
    },
  });
}

function checkDiscriminator(where: string, value: unknown, dim: number): asserts value is Conditioner {
  const { apply, inputDim, outputDim, contextDim } = Object(value) as Partial<Conditioner>;
  if (typeof apply !== 'function' || inputDim !== dim || outputDim !== 1 || contextDim !== 0) {
    throw invalid(where, 'options.discriminator', `a conditioner from ${dim} inputs to 1 output without context`, value);
  }
}
