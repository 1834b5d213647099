import * as tf from '@tensorflow/tfjs';
import { createRng } from 'tfjs-flows';
import { represent, sprites } from 'tfjs-flows/metrics';
import { expectNoLeak } from 'tfjs-flows/testing';
import { describe, expect, it } from 'vitest';

const simulator = sprites({ size: 8, shapes: ['heart', 'ell'], levels: { scale: 2, rotation: 1, x: 3, y: 2 } });
/** Mean and maximum of each image. */
const encode = (images: tf.Tensor): tf.Tensor => tf.stack([tf.mean(images, [1, 2, 3]), tf.max(images, [1, 2, 3])], 1);

it('encodes the whole grid, in batches that do not matter', async () => {
  const { codes, factors } = await represent({ simulator, encode, batchSize: 7 });
  expect(factors).toEqual(simulator.factorGrid());
  const whole = encode(simulator.render(simulator.factorGrid())).arraySync() as number[][];
  expect(codes.map((row) => [...row])).toEqual(whole);
  expect((await represent({ simulator, encode })).codes).toEqual(codes);
});

it('or random factors, 64 at once unless said', async () => {
  const sizes: number[] = [];
  const watch = (images: tf.Tensor): tf.Tensor => {
    sizes.push(images.shape[0] as number);
    return encode(images);
  };
  const { codes, factors } = await represent({ simulator, encode: watch, count: 70, rng: createRng(0) });
  expect(sizes).toEqual([64, 6]);
  expect([codes.length, factors.length]).toEqual([70, 70]);
  codes.forEach((row, n) => {
    expect([...row]).toEqual((encode(simulator.render([factors[n] as Int32Array])).arraySync() as number[][])[0]);
  });
  const again = await represent({ simulator, encode, count: 70, rng: createRng(0) });
  expect(again.factors).toEqual(factors);
  expect((await represent({ simulator, encode, count: 70, rng: createRng(1) })).factors).not.toEqual(factors);
});

it('draws w where the simulator has any', async () => {
  const shaded = sprites({ size: 8, shapes: ['heart', 'ell'], levels: { scale: 2, rotation: 1, x: 3, y: 2 }, shading: true });
  const background = (images: tf.Tensor): tf.Tensor => tf.reshape(tf.min(images, [1, 2, 3]), [-1, 1]);
  const { codes } = await represent({ simulator: shaded, encode: background, rng: createRng(0) });
  expect(new Set(codes.map(([value]) => value)).size).toBe(24);
  // A block of four words for each batch of two images.
  const rng = createRng(0);
  await represent({ simulator: shaded, encode: background, batchSize: 2, rng });
  expect(rng.save().counter).toBe(12);
});

it('leaves no tensor', async () => {
  await expectNoLeak(async () => {
    await represent({ simulator, encode });
  });
});

describe('refuses', () => {
  it.each([
    [
      'an unknown option',
      { model: 1 },
      "represent: unknown option 'model'; the options are simulator, encode, count, batchSize, rng.",
    ],
    [
      'no simulator',
      { simulator: undefined },
      'represent: options.simulator should be a simulator, for example one of sprites, but got nothing.',
    ],
    ['half a simulator', { simulator: { render: () => 1 } }, 'represent: options.simulator should be a simulator'],
    ['no function', { encode: 3 }, 'represent: options.encode should be a function from images to codes, but got 3.'],
    ['one image', { count: 1 }, 'represent: options.count should be an integer of at least 2, but got 1.'],
    ['empty batches', { batchSize: 0 }, 'represent: options.batchSize should be a positive integer, but got 0.'],
    [
      'codes of another rank',
      { encode: (x: tf.Tensor) => tf.mean(x, [1, 2, 3]) },
      'represent: what options.encode returns should be a tensor of shape [24, D], but got a float32 tensor of shape [24].',
    ],
    [
      'codes of too few images in a later batch',
      { encode: () => tf.ones([20, 2]), batchSize: 20 },
      'represent: what options.encode returns should be a tensor of shape [4, D], but got a float32 tensor of shape [20, 2].',
    ],
    [
      'codes of too few images',
      { encode: (x: tf.Tensor) => tf.slice(encode(x), 0, 3) },
      'represent: what options.encode returns should be a tensor of shape [24, D], but got a float32 tensor of shape [3, 2].',
    ],
    [
      'no codes',
      { encode: () => undefined },
      'represent: what options.encode returns should be a tensor of shape [24, D], but got nothing.',
    ],
  ])('%s', async (_, options, message) => {
    const before = tf.memory().numTensors;
    await expect(represent({ simulator, encode, ...options } as never)).rejects.toThrow(message);
    expect(tf.memory().numTensors).toBe(before);
  });
});
