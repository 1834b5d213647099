import type { Tensor } from '@tensorflow/tfjs-core';
import { zeros } from '@tensorflow/tfjs-core';
import type { Bijector, BijectorSpec, CallOptions } from '../core/bijector.js';
import { defineBijector } from '../core/bijector.js';
import { checkInteger, checkNumber, checkOptions } from '../core/errors.js';
import { oneBatchAxis } from '../core/oneBatchAxis.js';
import type { Rng } from '../core/rng.js';
import { sumTrailing } from '../core/shapes.js';
import type { LogisticMixture } from '../transformers/logisticMixture.js';
import { logisticMixtureMap, MIN_LOG_SCALE } from '../transformers/logisticMixture.js';
import { parameterSource } from './amortised.js';

/** What `logisticMixtureCdf` takes. */
export interface LogisticMixtureCdfOptions {
  /** D: size of an event. */
  readonly dim: number;
  /** K: logistic distributions in each dimension's mixture. */
  readonly components: number;
  /** Given logits, means and logScales [..., D, K] instead of own ones: tensors or variables that stay the caller's. */
  readonly given?: LogisticMixture;
  /** C: computes the parameters of each example from a context [...batch, C] instead, by one linear layer. */
  readonly contextDim?: number;
  /** Log-scales below are raised to it, and get no gradient. Default -7, as published. */
  readonly minLogScale?: number;
  /** Draws the initial means. */
  readonly rng?: Rng;
}

/**
 * Logit of the distribution function of a mixture of logistic distributions, in each dimension:
 *
 *   y_d = logit(sum_k softmax(logits_d)_k sigmoid((x_d - mean_dk) e^-s_dk)).
 *
 * y has a standard logistic distribution where x has the mixture's, so the inverse of this bijector over a logistic base is the
 * mixture itself. For F(x) follow it with `sigmoidBijector`. Computed from logarithms throughout: exact far into both tails.
 *
 * Own parameters: `logits`, `means`, `logScales` [D, K]; logits and log-scales start at 0, means at draws from N(0, 1). Given ones
 * may have batch axes, which broadcast to those of x. From a context: `kernel` and `bias` of the layer that computes all three.
 *
 * Shapes: x and y [...batch, D], log-det [...batch], context [...batch, C]. Forward parallel, inverse iterative (exact bracket,
 * implicit gradient).
 *
 * @throws for a wrong dim, number of components or context size, given tensors of a wrong shape, and at a call for a wrong shape.
 * Source: Ho et al. 2019, "Flow++", section 3.2.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { logisticMixtureCdf } from 'tfjs-flows';
 *
 * const given = {
 *   logits: tf.tensor2d([[0.1, 0.2, 4]]),
 *   means: tf.tensor2d([[-1, 0, 1]]),
 *   logScales: tf.tensor2d([[-5, 0, 0.2]]),
 * };
 * const [y, logDet] = logisticMixtureCdf({ dim: 1, components: 3, given }).forwardAndLogDet(tf.tensor1d([0]));
 * console.log(y.dataSync()[0].toFixed(4), logDet.dataSync()[0].toFixed(4)); // => -0.7370 -0.2404
 * ```
 */
export function logisticMixtureCdf(options: LogisticMixtureCdfOptions): Bijector {
  checkOptions('logisticMixtureCdf', options, ['dim', 'components', 'given', 'contextDim', 'minLogScale', 'rng']);
  const { dim, components, given, contextDim, minLogScale = MIN_LOG_SCALE, rng } = options;
  checkInteger('logisticMixtureCdf', 'options.dim', dim, 1);
  checkInteger('logisticMixtureCdf', 'options.components', components, 1);
  checkNumber('logisticMixtureCdf', 'options.minLogScale', minLogScale);
  const shape = [dim, components];
  const specs = {
    logits: { shape, init: () => zeros(shape) },
    means: { shape, init: (random: Rng) => random.normal(shape) },
    logScales: { shape, init: () => zeros(shape) },
  };
  const source = parameterSource('logisticMixtureCdf', specs, { given, contextDim, rng });
  const apply =
    (inverse: boolean) =>
    (x: Tensor, call: CallOptions): [Tensor, Tensor] => {
      const [y, logDerivative] = logisticMixtureMap(x, source.at(call), { floor: minLogScale, inverse });
      return [y, sumTrailing(logDerivative, 1)];
    };

  const spec: BijectorSpec = {
    name: 'logisticMixtureCdf',
    forwardEvent: [dim],
    inverseCost: 'iterative',
    contextDim,
    parameters: source.parameters,
    forwardAndLogDet: apply(false),
    inverseAndLogDet: apply(true),
  };
  // Given tensors may have batch axes of their own, which want those of x as they are.
  return defineBijector(given === undefined ? oneBatchAxis(spec) : spec);
}
