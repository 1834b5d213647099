import type { Tensor } from '@tensorflow/tfjs-core';
import { add } from '@tensorflow/tfjs-core';
import { fused } from '../../core/fused.js';
import { sumTrailing } from '../../core/shapes.js';

/** What there is a kernel for: see math.ts. */
export type DensityKind = 'normal' | 'bernoulli';

/** A log-density, element by element, without its constant. */
export interface ElementDensity {
  readonly kind?: DensityKind | undefined;
  /** Added once for all elements of an event. */
  readonly constant: number;
  /** What `kind` says, of TensorFlow.js's ops. */
  composed(...inputs: Tensor[]): Tensor;
}

/**
 * Log-density of independent elements, summed over the last `rank` axes.
 *
 * @param inputs the value, and what `composed` takes beside it
 */
export function logDensity(density: ElementDensity, inputs: readonly Tensor[], rank: number): Tensor {
  const composed = (...all: readonly Tensor[]): Tensor => add(sumTrailing(density.composed(...all), rank), density.constant);
  return fused(LOG_DENSITY, inputs, (...all) => [composed(...all)], { ...density, rank })[0];
}

/** The name of the fused kernel: a value [...batch, ...event], and perhaps a parameter of the same shape, to [...batch]. */
export const LOG_DENSITY = 'FlowsLogDensity';

/** What it is told. */
export interface LogDensityAttributes {
  readonly kind: DensityKind;
  readonly rank: number;
  readonly constant: number;
}

/** Their numbers in math.ts. */
export const DENSITY_KINDS: readonly DensityKind[] = ['normal', 'bernoulli'];
