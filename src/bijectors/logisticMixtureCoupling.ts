import type { Variable } from '@tensorflow/tfjs-core';
import { concat, mul, reshape, tidy, zeros } from '@tensorflow/tfjs-core';
import type { Bijector } from '../core/bijector.js';
import { checkOptions } from '../core/errors.js';
import type { Rng } from '../core/rng.js';
import { createRng } from '../core/rng.js';
import type { LogisticMixtureTransformerOptions } from '../transformers/logisticMixtureTransformer.js';
import { logisticMixtureTransformer } from '../transformers/logisticMixtureTransformer.js';
import { invert } from './invert.js';
import type { MlpCouplingOptions } from './mlpCoupling.js';
import { MLP_COUPLING_OPTIONS, mlpCoupling } from './mlpCoupling.js';

/** What `logisticMixtureCoupling` takes: the options of a coupling with an `mlp`, and those of `logisticMixtureTransformer`. */
export interface LogisticMixtureCouplingOptions
  extends MlpCouplingOptions,
    Omit<LogisticMixtureTransformerOptions, 'components'> {
  /** K: logistic distributions in a mixture. Default 8. */
  readonly components?: number;
}

/**
 * Logistic-mixture coupling (Flow++): the inverse of a `coupling` of `logisticMixtureTransformer` with an `mlp`, so that the
 * closed form runs from data to base: x_A = y_A, x_B = scale logit(F(y_B)) + shift, parameters from y_A.
 *
 * It starts near the identity: the conditioner's output layer is zero but for the means in its bias, drawn from N(0, 0.1^2),
 * since equal components would have equal gradients and stay equal for ever.
 *
 * Shapes: x and y [...batch, D], log-det [...batch], context [...batch, contextDim]. Inverse parallel, forward iterative.
 *
 * @throws for the wrong options of `coupling`, `mlp` and `logisticMixtureTransformer`.
 * Source: Ho et al. 2019, "Flow++", section 3.2.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { createRng, logisticMixtureCoupling } from 'tfjs-flows';
 *
 * const flow = logisticMixtureCoupling({ dim: 2, components: 4, hidden: [16], rng: createRng(0) });
 * const y = tf.tensor2d([[0.5, 25]]);
 * console.log(flow.forwardCost, flow.inverseCost); // => iterative parallel
 * console.log(tf.max(tf.abs(tf.sub(flow.forward(flow.inverse(y)), y))).dataSync()[0]! < 1e-4); // => true
 * ```
 */
export function logisticMixtureCoupling(options: LogisticMixtureCouplingOptions): Bijector {
  checkOptions('logisticMixtureCoupling', options, [...MLP_COUPLING_OPTIONS, 'components', 'affine', 'minLogScale']);
  const { components = 8, affine = true, minLogScale, zeroOutput = true, rng = createRng() } = options;
  const transformer = logisticMixtureTransformer({
    components,
    affine,
    ...(minLogScale === undefined ? {} : { minLogScale }),
  });
  const layer = mlpCoupling('logisticMixtureCoupling', transformer, { ...options, zeroOutput, rng });
  if (zeroOutput) {
    spreadMeans(layer.parameters['conditioner.output.bias'] as Variable, components, transformer.parameterSize, rng);
  }
  return invert(layer);
}

/** Of each element's parameters the second K are the means. */
function spreadMeans(bias: Variable, components: number, size: number, rng: Rng): void {
  tidy(() => {
    const elements = bias.size / size;
    const means = mul(rng.normal([elements, components]), 0.1);
    const rest = zeros([elements, size - 2 * components]);
    bias.assign(reshape(concat([zeros([elements, components]), means, rest], 1), bias.shape));
  });
}
