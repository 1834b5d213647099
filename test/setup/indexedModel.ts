import * as tf from '@tensorflow/tfjs';
import type { LatentVariableModel, Rng } from 'tfjs-flows';
import { createRng, diagNormal, standardNormal } from 'tfjs-flows';

/** Data point n is the number n; its posterior is row n of mean and scale; p(x | z) = N(x | z_0, 1). */
export function indexedModel(mean: tf.Tensor, scale: tf.Tensor): LatentVariableModel & { data: tf.Tensor } {
  const [count, dim] = mean.shape as [number, number];
  const pick = (table: tf.Tensor, x: tf.Tensor): tf.Tensor => tf.gather(table, tf.cast(tf.reshape(x, [-1]), 'int32'));
  return {
    data: tf.reshape(tf.range(0, count), [count, 1]),
    prior: standardNormal({ eventShape: [dim] }),
    posterior: (x) => diagNormal({ mean: pick(mean, x), scale: pick(scale, x) }),
    likelihood: (z) => diagNormal({ mean: tf.slice(z, [0, 0, 0], [-1, -1, 1]), scale: 1 }),
  };
}

/** A generator whose normals are the given noise. */
export const replay = (noise: tf.Tensor): Rng => ({ ...createRng(0), normal: (shape) => tf.reshape(noise, [...shape]) });
