import type { Tensor } from '@tensorflow/tfjs-core';
import { concat } from '@tensorflow/tfjs-core';
import { fused } from '../../core/fused.js';
import { take } from './take.js';

/**
 * Columns put together: column j of part i becomes column `places[i][j]`.
 *
 * @param parts float32 [rows, n_i]
 * @param places together 0 ... sum n_i - 1, each once
 */
export function join(parts: readonly Tensor[], places: readonly (readonly number[])[]): Tensor {
  const composed = (...all: Tensor[]): Tensor => {
    const joined = concat(all, 1);
    const from: number[] = [];
    places.flat().forEach((place, i) => {
      from[place] = i;
    });
    return from.every((place, i) => place === i) ? joined : take(joined, from);
  };
  const attributes: JoinAttributes = { places };
  return fused(JOIN, parts, (...all) => [composed(...all)], attributes)[0];
}

/** The name of the fused kernel. Inputs are the parts. */
export const JOIN = 'FlowsJoin';

/** What it is told. */
export interface JoinAttributes {
  readonly places: readonly (readonly number[])[];
}
