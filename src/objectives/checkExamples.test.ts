import * as tf from '@tensorflow/tfjs';
import { expect, it, test } from 'vitest';
import { diagNormal } from '../distributions/diagNormal.js';
import { standardNormal } from '../distributions/standardNormal.js';
import { checkExamples } from './checkExamples.js';
import type { LatentVariableModel } from './latentVariableModel.js';

const seen: number[][] = [];
const model: LatentVariableModel = {
  prior: standardNormal({ eventShape: [2] }),
  posterior: (x) => {
    seen.push(x.shape);
    return diagNormal({ mean: tf.mul(x, 2), scale: 1 });
  },
  likelihood: (z) => diagNormal({ mean: z, scale: 1 }),
};

it('counts the examples, looks at one, and leaves nothing', () => {
  const data = tf.zeros([5, 2]);
  const before = tf.memory().numTensors;
  expect(checkExamples('f', model, data)).toBe(5);
  expect(checkExamples('f', model, data, 5)).toBe(5);
  expect(tf.memory().numTensors).toBe(before);
  expect(checkExamples('f', model, tf.zeros([1, 2]))).toBe(1);
  expect(seen).toEqual([
    [1, 2],
    [1, 2],
    [1, 2],
  ]);
});

it('takes posteriors that tell no batch', () => {
  const { batchShape: _, ...posterior } = model.posterior(tf.zeros([1, 2]));
  expect(checkExamples('f', { ...model, posterior: () => posterior }, tf.zeros([3, 2]))).toBe(3);
});

test.each<[string, () => tf.Tensor, number | undefined, string]>([
  ['a scalar', () => tf.scalar(1), undefined, 'f: options.data should be a tensor of shape [N, ...event] with N of at least 1'],
  ['none', () => tf.zeros([0, 2]), undefined, 'with N of at least 1, but got a float32 tensor of shape [0, 2].'],
  ['too few', () => tf.zeros([4, 2]), 5, 'with N of at least 5, but got a float32 tensor of shape [4, 2].'],
  ['no tensor', () => [[1, 2]] as never, undefined, 'with N of at least 1, but got [[1,2]].'],
  [
    'a batch of lists',
    () => tf.zeros([3, 4, 2]),
    undefined,
    'f: options.data should be of shape [N, ...event], the event as the model takes it, but got a float32 tensor of shape [3, 4, 2].',
  ],
  ['one event', () => tf.zeros([2]), undefined, 'the event as the model takes it, but got a float32 tensor of shape [2].'],
])('refuses %s', (_, make, least, message) => {
  expect(() => checkExamples('f', model, make(), least)).toThrow(message);
});

it('refuses what is disposed', () => {
  const gone = tf.zeros([3, 2]);
  gone.dispose();
  expect(() => checkExamples('f', model, gone)).toThrow('but got a float32 tensor of shape [3, 2] that is disposed.');
});
