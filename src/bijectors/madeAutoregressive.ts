import type { Activation } from '../conditioners/activation.js';
import type { AutoregressiveOrder } from '../conditioners/made.js';
import { made } from '../conditioners/made.js';
import type { Bijector } from '../core/bijector.js';
import type { Rng } from '../core/rng.js';
import { createRng } from '../core/rng.js';
import type { Transformer } from '../core/transformer.js';
import { autoregressive } from './autoregressive.js';

/** What the autoregressive flows with a masked autoencoder take. */
export interface MadeAutoregressiveOptions {
  /** D: size of an event. */
  readonly dim: number;
  /** Sizes of the conditioner's hidden layers. Default [64, 64]. */
  readonly hidden?: readonly number[];
  /** The conditioner's. Default 'relu'. */
  readonly activation?: Activation;
  /** Which entry comes first: see `made`. Default 'natural'. */
  readonly order?: AutoregressiveOrder;
  /** Whether the conditioner is residual: see `made`. Default false. */
  readonly residual?: boolean;
  /** Default 0: takes no context, and ignores one, since a `chain` passes its own on to all of its parts. */
  readonly contextDim?: number;
  /** Where the context enters the conditioner: at the first layer (default), or at every hidden layer. */
  readonly contextLayers?: 'first' | 'all';
  /** Whether the conditioner's output layer starts at zero. Default true. */
  readonly zeroOutput?: boolean;
  /** Draws the initial values, and a random order. */
  readonly rng?: Rng;
}

/** Their names, for checks. */
export const MADE_AUTOREGRESSIVE_OPTIONS: readonly (keyof MadeAutoregressiveOptions)[] = [
  'dim',
  'hidden',
  'activation',
  'order',
  'residual',
  'contextDim',
  'contextLayers',
  'zeroOutput',
  'rng',
];

/** An autoregressive bijector of that transformer with a `made` as conditioner. */
export function madeAutoregressive(
  name: string,
  transformer: Transformer,
  parallel: 'forward' | 'inverse',
  options: MadeAutoregressiveOptions,
): Bijector {
  const { dim, contextDim = 0, contextLayers = 'first', order = 'natural', residual = false } = options;
  const { hidden = [64, 64], activation = 'relu', zeroOutput = true, rng = createRng() } = options;
  return autoregressive({
    name,
    dim,
    transformer,
    parallel,
    contextDim,
    conditioner: (sizes) => made({ ...sizes, contextLayers, hidden, activation, order, residual, zeroOutput, rng, name }),
  });
}
