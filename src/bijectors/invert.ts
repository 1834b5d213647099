import type { Bijector } from '../core/bijector.js';
import { defineModule } from '../core/module.js';
import { checkBijectorLike } from '../core/structural.js';

/**
 * The same map with its directions swapped: `forward` is the given `inverse`, and the other way round.
 *
 * Event ranks and costs swap too. Parameters keep their names, so weights fit the bijector and its inverse alike;
 * `dispose` frees them. There is no `initialize`: the given one wants what the given `forward` returns, which is now the
 * base side; call it on the given bijector where such data is at hand. Errors of a call name the given bijector's method.
 *
 * @throws where the argument is no bijector.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { createRng, invert, planar } from 'tfjs-flows';
 *
 * const bijector = invert(planar({ dim: 2, rng: createRng(0) }));
 * console.log(bijector.forwardCost, bijector.inverseCost); // => iterative parallel
 * ```
 */
export function invert(bijector: Bijector): Bijector {
  checkBijectorLike('invert', 'bijector', bijector);
  return {
    ...defineModule({ parts: { '': bijector } }),
    name: `invert(${bijector.name})`,
    forwardEventRank: bijector.inverseEventRank,
    inverseEventRank: bijector.forwardEventRank,
    forwardCost: bijector.inverseCost,
    inverseCost: bijector.forwardCost,
    forward: (x, options) => bijector.inverse(x, options),
    inverse: (y, options) => bijector.forward(y, options),
    forwardAndLogDet: (x, options) => bijector.inverseAndLogDet(x, options),
    inverseAndLogDet: (y, options) => bijector.forwardAndLogDet(y, options),
  };
}
