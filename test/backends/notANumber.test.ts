// What is no number must not come out as one, on any backend.
import * as tf from '@tensorflow/tfjs';
import { createRng, flow, iaf, maf, standardNormal } from 'tfjs-flows';
import { expect, test } from 'vitest';

test('a sequential inverse keeps a NaN of its input', async () => {
  const base = standardNormal({ eventShape: [2] });
  const distribution = flow({ base, bijector: iaf({ dim: 2, hidden: [8], rng: createRng(1) }) });
  const values = tf.tensor2d([
    [Number.NaN, 0],
    [0.5, -0.3],
  ]);
  const [first, second] = Array.from(await distribution.logProb(values).data());
  expect(first).toBeNaN();
  expect(Number.isFinite(second)).toBe(true);
});

test('and of its context', async () => {
  const bijector = maf({ dim: 2, contextDim: 1, hidden: [8], rng: createRng(1) });
  const y = bijector.forward(tf.tensor2d([[0.1, 0.2]]), { context: tf.tensor2d([[Number.NaN]]) });
  expect(Array.from(await y.data()).every(Number.isNaN)).toBe(true);
});
