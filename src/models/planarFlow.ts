import { chain } from '../bijectors/chain.js';
import { planar } from '../bijectors/planar.js';
import { checkInteger, checkOptions } from '../core/errors.js';
import type { Rng } from '../core/rng.js';
import { createRng } from '../core/rng.js';
import type { Flow } from '../distributions/flow.js';
import { flow } from '../distributions/flow.js';
import { standardNormal } from '../distributions/standardNormal.js';

/** What `planarFlow` takes. */
export interface PlanarFlowOptions {
  /** Size D of an event. */
  readonly dim: number;
  /** K: planar maps, one after the other. Default 8. */
  readonly steps?: number;
  /** Size of a context that decides the maps, for each example its own. Default: none. */
  readonly contextDim?: number;
  /** Draws the initial values. */
  readonly rng?: Rng;
}

/**
 * Planar flow: a standard normal taken through K planar maps. Its `bijector` alone is what `vae` takes as `posteriorFlow`.
 *
 * Shapes: events [D]; context [...batch, contextDim]. Drawing is parallel; `logProb` of a given value solves K scalar equations.
 *
 * @throws for sizes that are no positive integers, an unknown option; at a call for a wrong shape.
 * Source: Rezende and Mohamed 2015, "Variational inference with normalizing flows", section 4.1.
 * @example
 * ```ts
 * import { createRng } from 'tfjs-flows';
 * import { planarFlow } from 'tfjs-flows/models';
 *
 * const density = planarFlow({ dim: 2, steps: 4, rng: createRng(0) });
 * const [x, logProb] = density.sampleAndLogProb({ shape: [10], rng: createRng(1) });
 * console.log(x.shape, logProb.shape); // => [ 10, 2 ] [ 10 ]
 * ```
 */
export function planarFlow(options: PlanarFlowOptions): Flow {
  checkOptions('planarFlow', options, ['dim', 'steps', 'contextDim', 'rng']);
  const { dim, steps = 8, contextDim, rng = createRng() } = options;
  checkInteger('planarFlow', 'options.dim', dim, 1);
  checkInteger('planarFlow', 'options.steps', steps, 1);
  const maps = Array.from({ length: steps }, () => planar({ dim, rng, ...(contextDim === undefined ? {} : { contextDim }) }));
  return flow({ base: standardNormal({ eventShape: [dim] }), bijector: chain(maps) });
}
