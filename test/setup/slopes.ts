import * as tf from '@tensorflow/tfjs';
import { createRng } from 'tfjs-flows';
import { expect } from 'vitest';

/** The gradient of a loss in each of its arguments, along a random direction, against central differences. */
export function expectSlopes<Leaves extends readonly tf.Tensor[]>(
  loss: (...leaves: { [K in keyof Leaves]: tf.Tensor }) => tf.Scalar,
  leaves: Leaves,
  seed = 5,
): void {
  const at = (values: readonly tf.Tensor[]): tf.Scalar => (loss as (...all: tf.Tensor[]) => tf.Scalar)(...values);
  const slopes = tf.grads((...values: tf.Tensor[]) => at(values))([...leaves]);
  leaves.forEach((leaf, k) => {
    const direction = createRng(k + seed).normal(leaf.shape);
    const moved = (step: number): number =>
      at(leaves.map((other, i) => (i === k ? tf.add(other, tf.mul(direction, step)) : other))).dataSync()[0]!;
    const expected = (moved(5e-3) - moved(-5e-3)) / 1e-2;
    expect(tf.sum(tf.mul(slopes[k]!, direction)).dataSync()[0]! / expected).toBeCloseTo(1, 2);
  });
}
