import * as tf from '@tensorflow/tfjs';
import type { LatentVariableModel } from 'tfjs-flows';
import { diagNormal, standardNormal } from 'tfjs-flows';

/** z ~ N(0, I), x = W z + b + noise of scale NOISE. */
export const W: number[][] = [
  [1.2, -0.5],
  [0.3, 0.8],
  [-0.7, 0.4],
];
export const b: number[] = [0.2, -0.1, 0.5];
export const NOISE = 0.6;
/** q(z | x) = N(A x + a, diag s^2): any encoder; wrong on purpose. */
export const A: number[][] = [
  [0.5, 0.1, -0.2],
  [-0.3, 0.6, 0.2],
];
export const s: number[] = [0.5, 0.7];

export const linear = (x: tf.Tensor, matrix: number[][], shift: number[]): tf.Tensor => {
  const rows = tf.reshape(x, [-1, matrix[0]!.length]) as tf.Tensor2D;
  return tf.add(tf.reshape(tf.matMul(rows, tf.tensor2d(matrix), false, true), [...x.shape.slice(0, -1), matrix.length]), shift);
};

export const linearGaussian = (a: number[]): LatentVariableModel => ({
  prior: standardNormal({ eventShape: [2] }),
  posterior: (x) => diagNormal({ mean: linear(x, A, a), scale: tf.tensor1d(s) }),
  likelihood: (z) => diagNormal({ mean: linear(z, W, b), scale: NOISE }),
});
