import type { Tensor } from '@tensorflow/tfjs-core';
import { add, neg } from '@tensorflow/tfjs-core';
import { checkInteger, checkNumber, checkOptions } from '../core/errors.js';
import type { Transformer } from '../core/transformer.js';
import { defineTransformer, splitParameters } from '../core/transformer.js';
import type { LogisticMixtureAttributes } from '../kernels/logisticMixture/logisticMixture.js';
import { LOGISTIC_MIXTURE } from '../kernels/logisticMixture/logisticMixture.js';
import type { AffineTransformerOptions } from './affineTransformer.js';
import { affineAttributes, affineTransformer } from './affineTransformer.js';
import type { LogisticMixture } from './logisticMixture.js';
import { logisticMixtureLogit, logisticMixtureLogitInverse, MIN_LOG_SCALE, withFloor } from './logisticMixture.js';

/** What `logisticMixtureTransformer` takes. */
export interface LogisticMixtureTransformerOptions {
  /** K: logistic distributions in a mixture. */
  readonly components: number;
  /** Whether an affine map follows, and which. Default true, which is `{ scale: 'tanh' }`, as published. */
  readonly affine?: boolean | AffineTransformerOptions;
  /** Log-scales below are raised to it, and get no gradient. Default -7, as published. */
  readonly minLogScale?: number;
}

/**
 * Logit of the distribution function of a mixture of K logistic distributions, then an affine map:
 *
 *   y = scale logit(sum_k softmax(logits)_k sigmoid((x - mean_k) e^-s_k)) + shift.
 *
 * Parameters of an element: [logits K, means K, log-scales K] and, with the affine map, [shift, raw scale] as of
 * `affineTransformer`. All zero is the identity. It is computed from logarithms throughout, so it holds for |x| far beyond the
 * 17 at which F rounds to 1. The inverse is root-found in an exact bracket to float32 accuracy, with the implicit gradient.
 * Where narrow components leave a gap, the map is flat there beyond what float32 resolves, and the inverse gives some point
 * of the gap.
 * Log-scales may be as large as they like, also where their exponential overflows: y is then the 0 that float32 rounds it to, with its
 * log-derivative. The inverse holds for log-scales to 20: its bracket is as wide as the widest component, and the search ends after some
 * tens of halvings.
 *
 * Shapes: x and y [...s], parameters [...s, 3 K + 2] or [...s, 3 K], log-derivative [...s], in nats. Forward parallel,
 * inverse iterative.
 *
 * @throws for a wrong number of components, a minLogScale above 0, or wrong affine options.
 * Source: Ho et al. 2019, "Flow++", section 3.2; there it goes from data to base, as in `logisticMixtureCoupling`.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { logisticMixtureTransformer } from 'tfjs-flows';
 *
 * const transformer = logisticMixtureTransformer({ components: 3, affine: false });
 * const parameters = tf.tensor2d([[0.1, 0.2, 4, -1, 0, 1, -5, 0, 0.2]]);
 * const [y, logDerivative] = transformer.forwardAndLogDerivative(tf.tensor1d([30]), parameters);
 * console.log(y.dataSync()[0].toFixed(4), logDerivative.dataSync()[0].toFixed(4)); // => 23.7849 -0.2000
 * ```
 */
export function logisticMixtureTransformer(options: LogisticMixtureTransformerOptions): Transformer {
  checkOptions('logisticMixtureTransformer', options, ['components', 'affine', 'minLogScale']);
  const { components, affine = true, minLogScale = MIN_LOG_SCALE } = options;
  checkInteger('logisticMixtureTransformer', 'options.components', components, 1);
  checkNumber('logisticMixtureTransformer', 'options.minLogScale', minLogScale, { most: 0 });
  const afterOptions: AffineTransformerOptions | false = affine === true ? { scale: 'tanh' } : affine;
  const after = afterOptions === false ? undefined : affineTransformer(afterOptions);
  const attributes: LogisticMixtureAttributes = {
    components,
    floor: minLogScale,
    after: afterOptions === false ? undefined : affineAttributes(afterOptions),
  };
  const sizes = [components, components, components, ...(after === undefined ? [] : [after.parameterSize])];

  const parts = (parameters: Tensor): { mixture: LogisticMixture; rest: Tensor } => {
    const [logits, means, logScales, rest] = splitParameters(parameters, sizes) as [Tensor, Tensor, Tensor, Tensor];
    return { mixture: withFloor({ logits, means, logScales }, minLogScale), rest };
  };
  return defineTransformer({
    name: 'logisticMixtureTransformer',
    parameterSize: sizes.reduce((total, size) => total + size, 0),
    forwardCost: 'parallel',
    inverseCost: 'iterative',
    kernel: { name: LOGISTIC_MIXTURE, attributes },
    forwardAndLogDerivative: (x, parameters) => {
      const { mixture, rest } = parts(parameters);
      const [y, logDerivative] = logisticMixtureLogit(x, mixture);
      if (after === undefined) {
        return [y, logDerivative];
      }
      const [moved, logScale] = after.forwardAndLogDerivative(y, rest);
      return [moved, add(logDerivative, logScale)];
    },
    inverseAndLogDerivative: (y, parameters) => {
      const { mixture, rest } = parts(parameters);
      const [target, logScale] = after === undefined ? [y, undefined] : after.inverseAndLogDerivative(y, rest);
      const [x, logDerivative] = logisticMixtureLogitInverse(target, mixture);
      return [x, logScale === undefined ? neg(logDerivative) : add(neg(logDerivative), logScale)];
    },
  });
}
