import type { Bijector, Rng } from 'tfjs-flows';
import { planar } from 'tfjs-flows';

/** One line of the table: a bijector in one configuration. */
export interface BijectorCase {
  readonly name: string;
  readonly make: (rng: Rng) => Bijector;
  /** Event shape of x. */
  readonly event: readonly number[];
  readonly contextDim?: number;
  /** Where x is drawn from. Default [-3, 3]. */
  readonly domain?: readonly [low: number, high: number];
  /** Where y is drawn from for the inverse by itself. Default [-3, 3]. */
  readonly image?: readonly [low: number, high: number];
}

/** Every bijector in every configuration that takes another branch. */
export const bijectorCases: readonly BijectorCase[] = [
  { name: 'planar, D = 1', make: (rng) => planar({ dim: 1, rng }), event: [1] },
  { name: 'planar, D = 3', make: (rng) => planar({ dim: 3, rng }), event: [3] },
  { name: 'planar, original constraint', make: (rng) => planar({ dim: 3, constraint: 'original', rng }), event: [3] },
  { name: 'planar, leaky ReLU', make: (rng) => planar({ dim: 3, activation: 'leakyRelu', rng }), event: [3] },
  { name: 'planar from a context', make: (rng) => planar({ dim: 2, contextDim: 3, rng }), event: [2], contextDim: 3 },
];
