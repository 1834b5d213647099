import type { Tensor } from '@tensorflow/tfjs-core';
import { broadcastTo, reshape } from '@tensorflow/tfjs-core';
import type { Distribution } from '../core/distribution.js';
import { invalid } from '../core/errors.js';
import { sizeOf } from '../core/shapes.js';
import type { NormalParameters } from '../distributions/normalFamily.js';

/** A minibatch as a list: the B examples of all batch axes, and the D elements of an event, row by row. */
export interface Minibatch {
  /** [S, B, D]. */
  readonly z: Tensor;
  readonly size: number;
  readonly dim: number;
}

/**
 * Draws [S, ...batch, ...event] as such a list.
 *
 * @throws where x has fewer examples than `least`.
 */
export function minibatchOf(where: string, x: Tensor, z: Tensor, event: readonly number[], least: number): Minibatch {
  const dim = sizeOf(event);
  const size = sizeOf(z.shape.slice(1)) / dim;
  if (size < least) {
    throw invalid(where, 'x', `a minibatch of at least ${least} examples, [...batch, ...event]`, x);
  }
  return { z: reshape(z, [-1, size, dim]), size, dim };
}

/**
 * Mean and log-scale of the posteriors of a minibatch, each [B, D].
 *
 * @throws where they are not independent normals.
 */
export function minibatchNormals(
  where: string,
  { family, name }: Distribution,
  z: Tensor,
  { size, dim }: Minibatch,
): NormalParameters {
  if (family?.name !== 'normal') {
    throw invalid(where, 'options.model.posterior', 'one of independent normals', name);
  }
  const { mean, logScale } = family.parameters() as unknown as NormalParameters;
  const rows = (parameter: Tensor): Tensor => reshape(broadcastTo(parameter, z.shape.slice(1)), [size, dim]);
  return { mean: rows(mean), logScale: rows(logScale) };
}
