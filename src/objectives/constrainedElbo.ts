import type { Tensor } from '@tensorflow/tfjs-core';
import { add, clipByValue, exp, maximum, mean, mul, reciprocal, scalar, sub } from '@tensorflow/tfjs-core';
import { checkNumber, checkOptions } from '../core/errors.js';
import type { Module } from '../core/module.js';
import { buffer, defineModule } from '../core/module.js';
import type { ObjectiveWithTerms } from '../core/objective.js';
import type { ElboTerms } from './betaElbo.js';
import type { KlOptions } from './draws.js';
import { checkKl, draw, KL_OPTIONS, objectiveOf } from './draws.js';

/** What `constrainedElbo` takes. */
export interface ConstrainedElboOptions extends KlOptions {
  /** The nats that the KL, averaged over the data, may have; at least 0. */
  readonly epsilon: number;
  /** Where the multiplier starts, above 0. Default 1, where the gradient is that of the ELBO. */
  readonly multiplier?: number;
  /** How far the logarithm of the multiplier moves in a step for a nat too much or too little, above 0. Default 0.01. */
  readonly rate?: number;
  /** How much of the running average of the excess stays in a step, from 0 to below 1. Default 0.9. */
  readonly momentum?: number;
}

/** A constrained ELBO: an objective with a state. */
export interface ConstrainedElbo extends ObjectiveWithTerms<ElboTerms>, Module {}

/** The multiplier stays between e^-14 and e^14, about a millionth and a million: a slack constraint takes effect again in time. */
const LARGEST_LOG = 14;

/**
 * max E_q log p(x | z) subject to E KL(q(z | x) || p(z)) < epsilon, by its Lagrangian
 *
 *   E_q log p(x | z) - lambda (KL(q(z | x) || p(z)) - epsilon),  lambda >= 0,
 *
 * the beta-VAE with a beta that finds itself. The model ascends it, and lambda descends: each call with `training: true`, as `fit`
 * makes them, first computes the value with the lambda that there is, and then multiplies it,
 *
 *   lambda <- lambda exp(rate C),  C <- momentum C + (1 - momentum) (mean KL - epsilon),
 *
 * where C starts as the average of what came so far. Other calls leave it alone, and so do `frozen` ones.
 *
 * The state is in buffers, `logMultiplier`, `excess` and `steps`. To have it saved and resumed with the model, train the two as one
 * module: `fit({ model: defineModule({ parts: { model, objective } }), loss: (x, call) => neg(objective(x, call)), ... })`. It does
 * not own the model: `dispose` frees its own buffers.
 *
 * Shapes: x [...batch, ...event] -> [...batch], nats; terms as in `elbo`.
 *
 * @throws for options out of their range, and as `elbo`.
 * Source: Higgins et al. 2017, "beta-VAE", equation 2; Rezende and Viola 2018, "Taming VAEs", algorithm 1 (GECO), with the roles of
 * reconstruction and KL exchanged.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { constrainedElbo, createRng, defineModule, mlp, vae } from 'tfjs-flows';
 * import { adam, fit } from 'tfjs-flows/training';
 *
 * const rng = createRng(0);
 * const model = vae({
 *   encoder: mlp({ inputDim: 8, hidden: [8], outputDim: 4, rng }),
 *   decoder: mlp({ inputDim: 2, hidden: [8], outputDim: 8, rng }),
 * });
 * const data = tf.eye(8);
 * const objective = constrainedElbo({ model, epsilon: 1, rate: 0.05 });
 * await fit({
 *   model: defineModule({ parts: { model, objective } }),
 *   data,
 *   steps: 400,
 *   optimizer: adam({ learningRate: 0.02 }),
 *   rng,
 *   loss: (x, call) => tf.neg(objective(x, call)),
 * });
 * console.log(tf.mean(objective.terms(data).kl).dataSync()[0]!.toFixed(0)); // => 1
 * ```
 */
export function constrainedElbo(options: ConstrainedElboOptions): ConstrainedElbo {
  const where = 'constrainedElbo';
  checkOptions(where, options, [...KL_OPTIONS, 'epsilon', 'multiplier', 'rate', 'momentum']);
  checkKl(where, options);
  const { epsilon, multiplier = 1, rate = 0.01, momentum = 0.9 } = options;
  checkNumber(where, 'options.epsilon', epsilon, { least: 0 });
  checkNumber(where, 'options.multiplier', multiplier, { above: 0 });
  checkNumber(where, 'options.rate', rate, { above: 0 });
  checkNumber(where, 'options.momentum', momentum, { least: 0, below: 1 });
  const logMultiplier = buffer(() => scalar(Math.log(multiplier)));
  const excess = buffer(() => scalar(0));
  const steps = buffer(() => scalar(0));

  const update = (kl: Tensor): void => {
    steps.assign(add(steps, 1));
    const share = maximum(reciprocal(steps), 1 - momentum);
    excess.assign(add(excess, mul(share, sub(sub(mean(kl), epsilon), excess))));
    logMultiplier.assign(clipByValue(add(logMultiplier, mul(excess, rate)), -LARGEST_LOG, LARGEST_LOG));
  };
  const objective = objectiveOf(where, (x, call) => {
    const { logLikelihood, kl: draws } = draw(where, options, x, call);
    const [reconstruction, kl] = [mean(logLikelihood, 0), mean(draws, 0)];
    const lambda = exp(logMultiplier);
    const value = sub(reconstruction, mul(lambda, sub(kl, epsilon)));
    if (call.training === true && call.frozen !== true) {
      update(kl);
    }
    return { value, reconstruction, kl };
  });
  return Object.assign(objective, defineModule({ buffers: { logMultiplier, excess, steps } }));
}
