import * as tf from '@tensorflow/tfjs';
import { createRng, elbo } from 'tfjs-flows';
import { mlpVae } from 'tfjs-flows/models';
import { adam, fit } from 'tfjs-flows/training';
import { expect, test } from 'vitest';

test.each([['normal'], ['flow']] as const)('100 steps of the main job leave no tensors, prior %s', async (prior) => {
  const before = tf.memory().numTensors;
  const rng = createRng(0);
  const model = mlpVae({ dataDim: 784, latentDim: 40, posterior: 'iaf', prior, rng });
  const data = tf.tidy(() => tf.cast(tf.greater(rng.uniform([4, 784]), 0.5), 'float32'));
  const optimizer = adam();
  const objective = elbo({ model });
  const train = (steps: number): Promise<unknown> =>
    fit({ model, data, batchSize: 2, steps, optimizer, rng, loss: (batch, call) => tf.neg(objective(batch, call)) });
  // The optimizer makes its moments at the first step.
  await train(1);
  const { numTensors, numBytes } = tf.memory();
  await train(100);
  expect(tf.memory().numTensors).toBe(numTensors);
  expect(tf.memory().numBytes).toBe(numBytes);
  tf.dispose(data);
  optimizer.dispose();
  model.dispose();
  expect(tf.memory().numTensors).toBe(before);
});
