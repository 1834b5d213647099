import type { Activation } from '../conditioners/activation.js';
import { mlp } from '../conditioners/mlp.js';
import type { Bijector } from '../core/bijector.js';
import type { Rng } from '../core/rng.js';
import { createRng } from '../core/rng.js';
import type { Transformer } from '../core/transformer.js';
import type { CouplingMask } from './coupling.js';
import { coupling } from './coupling.js';

/** What the couplings with a multi-layer perceptron take. */
export interface MlpCouplingOptions {
  /** D: size of an event, at least 2. */
  readonly dim: number;
  /** Sizes of the conditioner's hidden layers. Default [64, 64]. */
  readonly hidden?: readonly number[];
  /** The conditioner's. Default 'relu'. */
  readonly activation?: Activation;
  /** What is transformed: see `coupling`. Default 'half'. */
  readonly mask?: CouplingMask;
  /** Swaps what is transformed and what is left: for every other layer of a stack. Default false. */
  readonly flip?: boolean;
  /** Default 0: takes no context, and ignores one, since a `chain` passes its own on to all of its parts. */
  readonly contextDim?: number;
  /** Whether the conditioner's output layer starts at zero. Default true. */
  readonly zeroOutput?: boolean;
  /** Draws the initial values. */
  readonly rng?: Rng;
}

/** Their names, for checks. */
export const MLP_COUPLING_OPTIONS: readonly (keyof MlpCouplingOptions)[] = [
  'dim',
  'hidden',
  'activation',
  'mask',
  'flip',
  'contextDim',
  'zeroOutput',
  'rng',
];

/** A coupling of that transformer with an `mlp` as conditioner. */
export function mlpCoupling(name: string, transformer: Transformer, options: MlpCouplingOptions): Bijector {
  const { dim, mask = 'half', flip = false, contextDim = 0 } = options;
  const { hidden = [64, 64], activation = 'relu', zeroOutput = true, rng = createRng() } = options;
  return coupling({
    name,
    dim,
    transformer,
    mask,
    flip,
    contextDim,
    conditioner: (sizes) => mlp({ ...sizes, hidden, activation, zeroOutput, rng, name }),
  });
}
