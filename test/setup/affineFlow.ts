import * as tf from '@tensorflow/tfjs';
import type { Bijector } from '../../src/core/bijector.js';
import { defineBijector } from '../../src/core/bijector.js';

/** y = x exp(logScale) + shift with [shift, logScale] from the context [...batch, 2 dim]: a flow whose density is known. */
export function affine(dim: number): Bijector {
  const parts = (context: tf.Tensor | undefined): [shift: tf.Tensor, logScale: tf.Tensor] =>
    tf.split(context as tf.Tensor, 2, -1) as [tf.Tensor, tf.Tensor];
  const logDet = (x: tf.Tensor, logScale: tf.Tensor): tf.Tensor => tf.sum(tf.add(tf.zerosLike(x), logScale), -1);
  return defineBijector({
    name: 'affine',
    forwardEvent: [dim],
    contextDim: 2 * dim,
    forwardAndLogDet: (x, { context }) => {
      const [shift, logScale] = parts(context);
      return [tf.add(tf.mul(x, tf.exp(logScale)), shift), logDet(x, logScale)];
    },
    inverseAndLogDet: (y, { context }) => {
      const [shift, logScale] = parts(context);
      return [tf.div(tf.sub(y, shift), tf.exp(logScale)), tf.neg(logDet(y, logScale))];
    },
  });
}
