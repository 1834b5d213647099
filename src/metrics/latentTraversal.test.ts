import * as tf from '@tensorflow/tfjs';
import type { LatentVariableModel } from 'tfjs-flows';
import { createRng, diagNormal, standardNormal, uniform } from 'tfjs-flows';
import { latentTraversal } from 'tfjs-flows/metrics';
import { mlpVae } from 'tfjs-flows/models';
import { expectNoLeak } from 'tfjs-flows/testing';
import { describe, expect, it } from 'vitest';

/** The decoder is z -> (z, 10 z); the mean of q(z | x) is the first half of x. */
const model: LatentVariableModel = {
  prior: standardNormal({ eventShape: [3] }),
  posterior: (x) =>
    diagNormal({
      mean: tf.slice(
        x,
        x.shape.map(() => 0),
        [...x.shape.slice(0, -1), 3],
      ),
      scale: tf.ones([3]),
    }),
  likelihood: (z) => diagNormal({ mean: tf.concat([z, tf.mul(z, 10)], -1), scale: tf.ones([6]) }),
};
const rounded = async (t: tf.Tensor) => Array.from(await t.data(), (value) => Math.round(1e4 * value) / 1e4);

it('moves one latent a row and leaves the others at the start', async () => {
  const z = tf.tensor1d([0.5, -1, 2]);
  const images = latentTraversal({ model, z, latents: [2, 0], range: [-3, 1], steps: 3 });
  expect(images.shape).toEqual([2, 3, 6]);
  const expected = [
    [0.5, -1, -3],
    [0.5, -1, -1],
    [0.5, -1, 1],
    [-3, -1, 2],
    [-1, -1, 2],
    [1, -1, 2],
  ].flatMap((row) => [...row, ...row.map((value) => 10 * value)]);
  expect(await rounded(images)).toEqual(expected);
  expect(await rounded(latentTraversal({ model, z: tf.reshape(z, [1, 3]), latents: [2, 0], range: [-3, 1], steps: 3 }))).toEqual(
    expected,
  );
});

it('starts from 0 and moves all latents from -2 to 2 in 7 steps unless said', async () => {
  const images = latentTraversal({ model });
  expect(images.shape).toEqual([3, 7, 6]);
  const values = (await rounded(images)).filter((_, i) => i % 6 < 3);
  const expected = [0, 1, 2].flatMap((d) =>
    Array.from({ length: 7 }, (_, s) => [0, 1, 2].map((k) => (k === d ? Math.round(1e4 * (-2 + (4 * s) / 6)) / 1e4 : 0))),
  );
  expect(values.map((value) => value + 0)).toEqual(expected.flat());
});

it('starts from the mean of a posterior', async () => {
  const x = tf.tensor1d([0.25, 1.5, -2, 9, 9, 9]);
  const want = await rounded(latentTraversal({ model, z: tf.tensor1d([0.25, 1.5, -2]) }));
  expect(await rounded(latentTraversal({ model, x }))).toEqual(want);
  expect(await rounded(latentTraversal({ model, x: tf.reshape(x, [1, 6]) }))).toEqual(want);
});

it('a range may go down', async () => {
  const images = latentTraversal({ model, latents: [1], range: [1, 0], steps: 2 });
  expect(await rounded(images)).toEqual([0, 1, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0]);
});

it('as images, of a variational autoencoder, and leaves nothing else', async () => {
  const vae = mlpVae({ dataDim: 6, latentDim: 2, hidden: [4], posterior: 'gaussian', rng: createRng(0) });
  const x = createRng(1).uniform([6]);
  const images = latentTraversal({ model: vae, x, steps: 4, imageShape: [2, 3, 1] });
  expect(images.shape).toEqual([2, 4, 2, 3, 1]);
  expect(await images.data()).toEqual(await latentTraversal({ model: vae, x, steps: 4 }).data());
  await expectNoLeak(() => latentTraversal({ model: vae, x, steps: 4, imageShape: [2, 3, 1] }));
});

describe('refuses', () => {
  const disposed = tf.zeros([3]);
  disposed.dispose();
  const scalar = { ...model, prior: standardNormal({ eventShape: [] }) };
  const flat = { ...model, prior: standardNormal({ eventShape: [3, 1] }) };
  it.each([
    [
      'an unknown option',
      { dims: [1] },
      "latentTraversal: unknown option 'dims'; the options are model, x, z, latents, range, steps, imageShape.",
    ],
    [
      'no model',
      { model: {} },
      'latentTraversal: options.model should be a model with prior, posterior(x) and likelihood(z), but got {}.',
    ],
    [
      'latents without an axis',
      { model: scalar },
      'latentTraversal: options.model.prior.eventShape should be a single size, but got [].',
    ],
    [
      'latents with two axes',
      { model: flat },
      'latentTraversal: options.model.prior.eventShape should be a single size, but got [3,1].',
    ],
    [
      'a latent that is not there',
      { latents: [0, 3] },
      'latentTraversal: options.latents should be integers from 0 to 2, but got [0,3].',
    ],
    ['a latent below 0', { latents: [-1] }, 'latentTraversal: options.latents should be integers from 0 to 2, but got [-1].'],
    ['a fraction', { latents: [0.5] }, 'latentTraversal: options.latents should be integers from 0 to 2, but got [0.5].'],
    ['no latents', { latents: [] }, 'latentTraversal: options.latents should be integers from 0 to 2, but got [].'],
    ['latents that are no list', { latents: 1 }, 'latentTraversal: options.latents should be integers from 0 to 2, but got 1.'],
    ['half a range', { range: [1] }, 'latentTraversal: options.range should be [from, to], but got [1].'],
    ['a number as range', { range: 2 }, 'latentTraversal: options.range should be [from, to], but got 2.'],
    [
      'an infinite start',
      { range: [Number.NEGATIVE_INFINITY, 0] },
      'latentTraversal: options.range[0] should be a finite number, but got -Infinity.',
    ],
    [
      'an infinite end',
      { range: [0, Number.POSITIVE_INFINITY] },
      'latentTraversal: options.range[1] should be a finite number, but got Infinity.',
    ],
    ['one step', { steps: 1 }, 'latentTraversal: options.steps should be an integer of at least 2, but got 1.'],
    [
      'x and z',
      { x: tf.zeros([6]), z: tf.zeros([3]) },
      'latentTraversal: options.z should be left out where options.x is given, but got a float32',
    ],
    ['an x that is no tensor', { x: [1] }, 'latentTraversal: options.x should be a tensor of one data point, but got [1].'],
    [
      'a disposed x',
      { x: disposed },
      'latentTraversal: options.x should be a tensor of one data point, but got a float32 tensor of shape [3] that is disposed.',
    ],
    [
      'several x',
      { x: tf.zeros([2, 6]) },
      'latentTraversal: options.x should be one data point, but got a float32 tensor of shape [2, 6].',
    ],
    [
      'a z of another size',
      { z: tf.zeros([4]) },
      'latentTraversal: options.z should be a float32 tensor of shape [3], but got a float32 tensor of shape [4].',
    ],
    [
      'a z of another dtype',
      { z: tf.zeros([3], 'int32') },
      'latentTraversal: options.z should be a float32 tensor of shape [3], but got a int32',
    ],
    [
      'a disposed z',
      { z: disposed },
      'latentTraversal: options.z should be a float32 tensor of shape [3], but got a float32 tensor of shape [3] that is disposed.',
    ],
    [
      'a z that is no tensor',
      { z: [0, 0, 0] },
      'latentTraversal: options.z should be a float32 tensor of shape [3], but got [0,0,0].',
    ],
    [
      'another image shape',
      { imageShape: [2, 2, 1] },
      'latentTraversal: options.imageShape should be a shape of 6 elements, as an event has, but got [2,2,1].',
    ],
    [
      'an image shape that is none',
      { imageShape: 6 },
      'latentTraversal: options.imageShape should be a shape of 6 elements, as an event has, but got 6.',
    ],
  ])('%s', (_, options, message) => {
    expect(() => latentTraversal({ model, ...options } as never)).toThrow(message);
  });

  it('distributions without a mean', () => {
    const { mean: _, ...meanless } = uniform({ low: tf.zeros([3]), high: tf.ones([3]) });
    expect(() => latentTraversal({ model: { ...model, posterior: () => meanless }, x: tf.zeros([6]) })).toThrow(
      'latentTraversal: options.model.posterior(x) is a uniform, which has no mean; give options.z, for example a draw from it.',
    );
    expect(() => latentTraversal({ model: { ...model, likelihood: () => meanless } })).toThrow(
      'latentTraversal: options.model.likelihood(z) is a uniform, which has no mean; draw from it yourself.',
    );
  });
});
