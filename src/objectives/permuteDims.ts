import type { Tensor } from '@tensorflow/tfjs-core';
import { gather, reshape, tensor1d } from '@tensorflow/tfjs-core';
import { randomPermutation } from '../core/randomPermutation.js';
import type { Rng } from '../core/rng.js';

/**
 * Each column of z [B, D] in an order of its own: rows of q(z) become rows of prod_d q(z_d). Not differentiable.
 *
 * Source: Kim and Mnih 2018, "Disentangling by factorising", algorithm 1.
 */
export function permuteDims(z: Tensor, rng: Rng): Tensor {
  const [size, dim] = z.shape as [number, number];
  const places = new Int32Array(z.size);
  for (let d = 0; d < dim; d++) {
    for (const [i, from] of randomPermutation(rng, size).entries()) {
      places[i * dim + d] = from * dim + d;
    }
  }
  return reshape(gather(reshape(z, [-1]), tensor1d(places, 'int32')), z.shape);
}
