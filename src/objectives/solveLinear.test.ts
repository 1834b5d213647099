import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { createRng } from '../core/rng.js';
import { solveLinear } from './solveLinear.js';

/** Solves with a matrix a row: [rows, n, n] and [rows, n]. */
function solve(matrices: tf.Tensor, b: tf.Tensor, steps: number): tf.Tensor {
  const product = (v: tf.Tensor): tf.Tensor => tf.sum(tf.mul(matrices, tf.expandDims(v, 1)), -1);
  return tf.tidy(() => solveLinear(product, b, steps));
}

const distance = (a: tf.Tensor, b: tf.Tensor): number => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0] as number;

describe('solveLinear', () => {
  it('solves each row by its own matrix in as many steps as there are elements', () => {
    for (const size of [1, 2, 5, 12]) {
      const rng = createRng(size);
      const matrices = tf.add(tf.mul(rng.normal([7, size, size]), 1 / Math.sqrt(size)), tf.mul(tf.eye(size), 2));
      const x = rng.normal([7, size]);
      const b = tf.sum(tf.mul(matrices, tf.expandDims(x, 1)), -1);
      expect(distance(solve(matrices, b, size), x)).toBeLessThan(2e-5);
    }
  });

  it('does not break down where the matrix turns the right side by a right angle', () => {
    const matrices = tf.tensor3d([
      [
        [0, 1],
        [-1, 0],
      ],
      [
        [0, 3],
        [2, 0],
      ],
    ]);
    const x = solve(
      matrices,
      tf.tensor2d([
        [1, 0],
        [1, 0],
      ]),
      2,
    );
    expect(
      distance(
        x,
        tf.tensor2d([
          [0, 1],
          [0, 1 / 3],
        ]),
      ),
    ).toBeLessThan(1e-6);
  });

  it('stays where nothing is left to do: a right side of 0, and more steps than it takes', () => {
    const matrices = tf.tensor3d([
      [
        [2, 1],
        [0, 3],
      ],
      [
        [1, 0],
        [0, 1],
      ],
    ]);
    const b = tf.tensor2d([
      [0, 0],
      [4, -5],
    ]);
    expect(distance(solve(matrices, b, 6), b)).toBeLessThan(1e-6);
  });

  it('goes no further than the matrix leads, which is soon where it has few eigenvalues', () => {
    const rng = createRng(5);
    const b = rng.normal([20, 6]);
    const scales = tf.tensor1d([0.8, 0.8, 3, 3, -0.5, 0.8]);
    const matrices = tf.tile(tf.expandDims(tf.mul(tf.eye(6), scales), 0), [20, 1, 1]);
    for (const steps of [3, 4, 5, 6, 9]) {
      expect(distance(solve(matrices, b, steps), tf.div(b, scales))).toBeLessThan(1e-4);
    }
    const once = tf.tile(tf.expandDims(tf.mul(tf.eye(6), 0.8187307), 0), [20, 1, 1]);
    for (const size of [1e-4, 1, 1e4]) {
      for (const steps of [1, 2, 3, 6]) {
        expect(distance(solve(once, tf.mul(b, size), steps), tf.mul(b, size / 0.8187307))).toBeLessThan(1e-5 * size);
      }
    }
  });

  it('needs few steps near the identity', () => {
    const rng = createRng(3);
    const matrices = tf.add(tf.mul(rng.normal([4, 30, 30]), 0.02), tf.eye(30));
    const x = rng.normal([4, 30]);
    const b = tf.sum(tf.mul(matrices, tf.expandDims(x, 1)), -1);
    expect(distance(solve(matrices, b, 1), x)).toBeGreaterThan(1e-2);
    expect(distance(solve(matrices, b, 6), x)).toBeLessThan(1e-4);
  });
});
