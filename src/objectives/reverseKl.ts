import type { Tensor } from '@tensorflow/tfjs-core';
import { mean, neg, sub, tidy } from '@tensorflow/tfjs-core';
import type { Distribution } from '../core/distribution.js';
import { checkCall, checkInteger, checkOptions, invalid, isTensorLike } from '../core/errors.js';
import type { ObjectiveOptions } from '../core/objective.js';
import { createRng } from '../core/rng.js';
import { batchShapeOf } from '../core/shapes.js';
import { checkDistributionLike } from '../core/structural.js';
import type { GradientOptions } from './gradientEstimators.js';
import { checkGradient, drawFrom } from './gradientEstimators.js';

/** What `reverseKl` takes: a distribution, and one of `logDensity` and `energy`. */
export interface ReverseKlOptions extends GradientOptions {
  /** q, which is to be fitted. */
  readonly distribution: Distribution;
  /** log p~ of draws [...batch, ...event] -> [...batch], known up to a constant. */
  readonly logDensity?: (x: Tensor) => Tensor;
  /** -log p~, instead. */
  readonly energy?: (x: Tensor) => Tensor;
  /** Draws of x, S: one a distribution of q's batch. Default 1. */
  readonly samples?: number;
}

/** What a reverse KL divergence is made of, each [...batch], in nats. */
export type ReverseKlTerms = {
  /** negativeEntropy - logDensity. */
  readonly value: Tensor;
  /** 1/S sum_s log q(x_s). */
  readonly negativeEntropy: Tensor;
  /** 1/S sum_s log p~(x_s). */
  readonly logDensity: Tensor;
};

/** What `reverseKl` makes. */
export interface ReverseKl {
  (options?: ObjectiveOptions): Tensor;
  /** The value and what it is made of. */
  terms(options?: ObjectiveOptions): ReverseKlTerms;
}

/**
 * The reverse KL divergence to a density that is known but for its normalisation,
 *
 *   1/S sum_s (log q(x_s) - log p~(x_s)),  x_s ~ q,
 *
 * an estimate of KL(q || p) - log Z with p = p~ / Z: to be minimised, and never below -log Z in expectation. No data are needed.
 * It fits q to a part of p rather than spread it where p has nothing.
 *
 * It is called with the options of a call alone and returns [...batch], the batch of q, which a context may decide. `gradient` says
 * how the parameters of q get theirs: see `GradientEstimator`. Close to the optimum 'stickingTheLanding' and 'path' have little
 * variance, and none at it.
 *
 * @throws for an unknown option, no or two densities, samples below 1, an unknown estimator; at a call for whatever q refuses, and
 * where the density returns another shape.
 * Source: Rezende and Mohamed 2015, "Variational inference with normalizing flows", section 6.1.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { createRng, diagNormal, reverseKl } from 'tfjs-flows';
 * import { adam, fit } from 'tfjs-flows/training';
 *
 * const distribution = diagNormal({ eventShape: [2], trainable: true });
 * const energy = (x: tf.Tensor) => tf.mul(tf.sum(tf.square(tf.sub(x, [1, -2])), -1), 2); // N((1, -2), 1/4)
 * const objective = reverseKl({ distribution, energy, samples: 16, gradient: 'stickingTheLanding' });
 * await fit({
 *   model: distribution,
 *   data: tf.zeros([1, 1]), // not looked at
 *   steps: 400,
 *   rng: createRng(0),
 *   optimizer: adam({ learningRate: 0.02 }),
 *   loss: (_, call) => objective(call),
 * });
 * const { mean, logScale } = distribution.parameters;
 * console.log(Array.from(mean!.dataSync(), (m) => m.toFixed(1)), tf.exp(logScale!).dataSync()[0]!.toFixed(1)); // => [ '1.0', '-2.0' ] 0.5
 * ```
 */
export function reverseKl(options: ReverseKlOptions): ReverseKl {
  const where = 'reverseKl';
  checkOptions(where, options, ['distribution', 'logDensity', 'energy', 'samples', 'gradient', 'pathIterations']);
  const { distribution, logDensity, energy, samples = 1 } = options;
  checkDistributionLike(where, 'options.distribution', distribution);
  checkInteger(where, 'options.samples', samples, 1);
  checkGradient(where, options, ['reparameterised', 'stickingTheLanding', 'path']);
  if ((logDensity === undefined) === (energy === undefined)) {
    throw new Error(
      `${where}: give either options.logDensity or options.energy, not ${energy === undefined ? 'neither' : 'both'}.`,
    );
  }
  const [name, density] = energy === undefined ? (['logDensity', logDensity] as const) : (['energy', energy] as const);
  if (typeof density !== 'function') {
    throw invalid(where, `options.${name}`, 'a function of x', density);
  }

  const evaluate = (x: Tensor): Tensor => {
    const batch = batchShapeOf(x, distribution.eventShape.length);
    const values = density(x);
    if (!isTensorLike(values) || `${values.shape}` !== `${batch}`) {
      throw invalid(where, `what options.${name} returns`, `a tensor of shape [${batch.join(', ')}]`, values);
    }
    return energy === undefined ? values : neg(values);
  };
  const terms = ({ rng = createRng(), ...call }: ObjectiveOptions): ReverseKlTerms => {
    const { z, density: logQ } = drawFrom(where, distribution, { ...call, shape: [samples], rng }, options);
    const [negativeEntropy, average] = [mean(logQ(z), 0), mean(evaluate(z), 0)];
    return { value: sub(negativeEntropy, average), negativeEntropy, logDensity: average };
  };
  const checked = (call: ObjectiveOptions): ReverseKlTerms => {
    checkCall(where, call);
    return terms(call);
  };
  return Object.assign((call: ObjectiveOptions = {}) => tidy(() => checked(call).value), {
    terms: (call: ObjectiveOptions = {}) => tidy(() => checked(call)),
  });
}
