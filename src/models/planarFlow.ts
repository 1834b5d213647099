import { chain } from '../bijectors/chain.js';
import type { PlanarOptions } from '../bijectors/planar.js';
import { planar } from '../bijectors/planar.js';
import type { Bijector } from '../core/bijector.js';
import { checkInteger, checkOptions } from '../core/errors.js';
import { createRng } from '../core/rng.js';

/** What `planarFlow` takes. */
export interface PlanarFlowOptions extends Omit<PlanarOptions, 'given'> {
  /** K: planar maps in a row. Default 8. */
  readonly steps?: number;
}

/**
 * K planar maps in a row, own or each computed from the same context: the flow of the first normalizing-flow posteriors.
 *
 * Shapes: x and y [...batch, dim], log-det [...batch], context [...batch, contextDim]. Forward parallel, inverse iterative.
 * Parameters: `layers.k.w` ... of each map.
 *
 * @throws for wrong sizes and unknown options.
 * Source: Rezende and Mohamed 2015, "Variational inference with normalizing flows".
 * @example
 * ```ts
 * import { createRng } from 'tfjs-flows';
 * import { planarFlow } from 'tfjs-flows/models';
 *
 * const flow = planarFlow({ dim: 2, steps: 3, rng: createRng(0) });
 * console.log(Object.keys(flow.parameters).length); // => 9
 * ```
 */
export function planarFlow(options: PlanarFlowOptions): Bijector {
  checkOptions('planarFlow', options, ['dim', 'steps', 'contextDim', 'activation', 'constraint', 'rng']);
  const { steps = 8, rng = createRng(), ...rest } = options;
  checkInteger('planarFlow', 'options.steps', steps, 1);
  return chain(Array.from({ length: steps }, () => planar({ ...rest, rng })));
}
