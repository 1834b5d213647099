import type { Tensor } from '@tensorflow/tfjs-core';
import { tidy } from '@tensorflow/tfjs-core';
import type { CallOptions } from '../core/bijector.js';
import type { Distribution } from '../core/distribution.js';
import { checkCall } from '../core/errors.js';
import { broadcastShapes } from '../core/shapes.js';
import { checkDistributionLike } from '../core/structural.js';

/**
 * KL(p || q) = E_p[log p(x) - log q(x)] by formula, in nats; differentiable in the parameters of both.
 *
 * Formulas exist between normals (`standardNormal`, `normal`, `diagNormal`, `fullNormal`), between Laplace, between Bernoulli distributions, between
 * those over as many classes or levels (`categorical`, `discretizedLogistic`, `discretizedLogisticMixture`), and between uniform ones
 * (infinite where q does not cover p). Where there is none, estimate it from draws: x, log p from `p.sampleAndLogProb`, minus
 * `q.logProb(x)`.
 *
 * A distribution of one's own joins in by its method `klTo(other)`, and is found by others through its `family`, whose `klFrom` tells
 * the divergences that they do not know.
 *
 * Shapes: the batch axes of p and q broadcast, and the result has them.
 *
 * @param options `frozen` holds the parameters of both constant.
 * @throws where no formula is known, naming both; for different event shapes, an unknown option.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { diagNormal, klDivergence, standardNormal } from 'tfjs-flows';
 *
 * const q = diagNormal({ mean: tf.tensor2d([[0, 0], [1, 2]]), scale: 1 });
 * console.log(klDivergence(q, standardNormal({ eventShape: [2] })).arraySync()); // => [ 0, 2.5 ]
 * ```
 */
export function klDivergence(p: Distribution, q: Distribution, options: CallOptions = {}): Tensor {
  checkCall('klDivergence', options);
  checkDistributionLike('klDivergence', 'p', p);
  checkDistributionLike('klDivergence', 'q', q);
  if (p.eventShape.length !== q.eventShape.length || p.eventShape.some((size, i) => size !== q.eventShape[i])) {
    const [events, others] = [p.eventShape, q.eventShape].map((shape) => `[${shape.join(', ')}]`);
    throw new Error(`klDivergence: p ('${p.name}') has events of shape ${events}, but q ('${q.name}') of ${others}.`);
  }
  broadcastShapes('klDivergence', p.batchShape?.(options) ?? [], q.batchShape?.(options) ?? []);
  return tidy(() => {
    const result = p.klTo?.(q, options);
    if (result === undefined) {
      throw new Error(
        `klDivergence: no formula is known for KL('${p.name}' || '${q.name}'); estimate it from draws of '${p.name}' instead.`,
      );
    }
    return result;
  });
}
