// Sprites, traversals, picture grids and the reading of codes on every backend.
import * as tf from '@tensorflow/tfjs';
import { createRng, diagNormal, standardNormal } from 'tfjs-flows';
import { imageGrid, latentTraversal, mig, represent, sprites } from 'tfjs-flows/metrics';
import { expectNoLeak } from 'tfjs-flows/testing';
import { expect, it } from 'vitest';

const simulator = sprites({ size: 8, shapes: ['ell'], levels: { scale: 1, rotation: 1, x: 3, y: 3 } });
const numbers = async (t: tf.Tensor): Promise<number[]> => Array.from(await t.data(), (value) => Math.round(1e4 * value) / 1e4);

it('puts sprites side by side', async () => {
  const { images } = simulator.sample(4, createRng(0));
  const single = await numbers(images);
  const grid = await numbers(imageGrid({ images, columns: 2 }));
  grid.forEach((value, i) => {
    const [y, x] = [Math.floor(i / 16), i % 16];
    expect(value).toBe(single[64 * (2 * Math.floor(y / 8) + Math.floor(x / 8)) + 8 * (y % 8) + (x % 8)]);
  });
});

it('moves latents', async () => {
  const model = {
    prior: standardNormal({ eventShape: [2] }),
    posterior: (x: tf.Tensor) => diagNormal({ mean: x, scale: tf.ones([2]) }),
    likelihood: (z: tf.Tensor) => diagNormal({ mean: tf.mul(z, 2), scale: tf.ones([2]) }),
  };
  const x = tf.tensor1d([0.25, -0.5]);
  const images = latentTraversal({ model, x, range: [-1, 2], steps: 3, imageShape: [1, 2, 1] });
  expect(images.shape).toEqual([2, 3, 1, 2, 1]);
  expect(await numbers(images)).toEqual([-2, -1, 1, -1, 4, -1, 0.5, -2, 0.5, 1, 0.5, 4]);
});

it('reads codes and leaves nothing', async () => {
  const encode = (images: tf.Tensor): tf.Tensor =>
    tf.stack([tf.argMax(tf.sum(images, [1, 3]), 1), tf.argMax(tf.sum(images, [2, 3]), 1)], 1);
  const score = async (): Promise<number> => (await mig(await represent({ simulator, encode, batchSize: 4 }))).score;
  expect(await score()).toBeCloseTo(1, 6);
  await expectNoLeak(async () => {
    await score();
  });
});
