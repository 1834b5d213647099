import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { createRng } from '../core/rng.js';
import { maskedSteps } from './maskedSteps.js';

const cases: { from: number[]; to: number[] }[] = [
  { from: [0, 1, 2, 3, 4], to: [0, 0, 1, 2, 2, 2, 3] },
  { from: [-1, -1, 0, 2, 2, 6], to: [-1, 0, 1, 2, 5, 6, 6, 7] },
  { from: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], to: [2, 7] },
  { from: [3], to: [-1, 0, 1, 2, 3, 4, 5, 6] },
  { from: [-1], to: [-1] },
  { from: [0, 1], to: [0] },
];

describe.each(cases)('maskedSteps from $from to $to', ({ from, to }) => {
  const degrees = Array.from({ length: 12 }, (_, i) => i - 1);
  const kernel = createRng(1).normal([to.length, from.length]);
  const offset = createRng(2).normal([to.length, 3]);
  const x = createRng(3).normal([from.length, 3]);

  /** Rows of x of each degree, and what came out, in order. */
  const run = (weights: tf.Tensor, constant: tf.Tensor, inputs: tf.Tensor): [outputs: tf.Tensor, degrees: number[]] => {
    const steps = maskedSteps({ kernel: weights, offset: constant, from, to });
    const seen: number[] = [];
    const pieces = degrees.flatMap((degree) => {
      const count = from.filter((other) => other === degree).length;
      const fresh = count === 0 ? undefined : tf.slice(inputs, [from.indexOf(degree), 0], [count, 3]);
      const outputs = steps.next(degree, fresh);
      seen.push(...new Array(outputs?.shape[0] ?? 0).fill(degree));
      return outputs ?? [];
    });
    return [tf.concat(pieces, 0), seen];
  };
  const mask = tf.tensor2d(
    to.map((high) => from.map((low) => (low <= high ? 1 : 0))),
    [to.length, from.length],
  );
  const plain = (weights: tf.Tensor, constant: tf.Tensor, inputs: tf.Tensor): tf.Tensor =>
    tf.add(tf.matMul(tf.mul(weights, mask) as tf.Tensor2D, inputs as tf.Tensor2D), constant);

  test('gives the outputs of each degree in turn, and those of the masked product', () => {
    const [outputs, seen] = run(kernel, offset, x);
    expect(seen).toEqual(to);
    const expected = plain(kernel, offset, x).dataSync();
    outputs.dataSync().forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i]!, 5);
    });
  });

  test('has the gradients of the masked product', () => {
    const loss = (f: typeof plain) => (w: tf.Tensor, c: tf.Tensor, v: tf.Tensor) => tf.sum(tf.sin(f(w, c, v)));
    const expected = tf.grads(loss(plain))([kernel, offset, x]);
    const found = tf.grads(loss((...all) => run(...all)[0]))([kernel, offset, x]);
    found.forEach((gradient, i) => {
      const values = expected[i]!.dataSync();
      gradient.dataSync().forEach((value, j) => {
        expect(value).toBeCloseTo(values[j]!, 5);
      });
    });
  });
});

test('maskedSteps uses each weight once: the products are those of one triangle', async () => {
  const all = Array.from({ length: 32 }, (_, i) => i);
  const { kernels } = await tf.profile(() => {
    const steps = maskedSteps({ kernel: tf.ones([32, 32]), offset: tf.zeros([32, 1]), from: all, to: all });
    return tf.concat(
      all.map((degree) => steps.next(degree, tf.ones([1, 1]))!),
      0,
    );
  });
  const weights = kernels.filter(({ name }) => name === 'Slice').map(({ outputShapes }) => outputShapes[0] as number[]);
  expect(weights.length).toBe(32);
  expect(weights.reduce((total, [rows, columns]) => total + rows! * columns!, 0)).toBe((32 * 33) / 2);
});
