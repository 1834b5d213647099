import * as tf from '@tensorflow/tfjs';
import { imageGrid } from 'tfjs-flows/metrics';
import { expectNoLeak } from 'tfjs-flows/testing';
import { expect, it } from 'vitest';

// Image n has height 2, width 3 and 2 channels, and holds 100 n + 10 (3 row + column) + channel.
const pixel = (n: number, row: number, column: number, channel: number): number => 100 * n + 10 * (3 * row + column) + channel;
const images = tf.tensor(
  Array.from({ length: 6 * 12 }, (_, i) => pixel(Math.floor(i / 12), Math.floor((i % 12) / 6), Math.floor((i % 6) / 2), i % 2)),
  [6, 2, 3, 2],
);

it.each([
  ['by columns', { images, columns: 3 }, 3],
  ['by the last leading axis', { images: tf.reshape(images, [2, 3, 2, 3, 2]) }, 3],
  ['in one row', { images }, 6],
  ['by other columns', { images: tf.reshape(images, [2, 3, 2, 3, 2]), columns: 2 }, 2],
])('puts images side by side, %s', async (_, options, columns) => {
  const grid = imageGrid(options);
  const rows = 6 / columns;
  expect(grid.shape).toEqual([rows * 2, columns * 3, 2]);
  const values = (await grid.array()) as unknown as number[][][];
  values.forEach((line, y) =>
    line.forEach((point, x) =>
      point.forEach((value, channel) => {
        expect(value).toBe(pixel(Math.floor(y / 2) * columns + Math.floor(x / 3), y % 2, x % 3, channel));
      }),
    ),
  );
});

it('leaves nothing else', async () => {
  await expectNoLeak(() => imageGrid({ images, columns: 2 }));
});

const disposed = tf.zeros([1, 2, 2, 1]);
disposed.dispose();
it.each([
  ['an unknown option', { images, rows: 2 }, "imageGrid: unknown option 'rows'; the options are images, columns."],
  [
    'a single image',
    { images: tf.zeros([2, 3, 1]) },
    'imageGrid: options.images should be a tensor of shape [...any, height, width, channels], but got a float32',
  ],
  [
    'a disposed tensor',
    { images: disposed },
    'imageGrid: options.images should be a tensor of shape [...any, height, width, channels], but got',
  ],
  [
    'no tensor',
    { images: [1] },
    'imageGrid: options.images should be a tensor of shape [...any, height, width, channels], but got [1].',
  ],
  [
    'columns that are too many',
    { images, columns: 4 },
    'imageGrid: options.columns should be a divisor of 6, the number of images, but got 4.',
  ],
  ['no columns', { images, columns: 0 }, 'imageGrid: options.columns should be a positive integer, but got 0.'],
])('refuses %s', (_, options, message) => {
  expect(() => imageGrid(options as never)).toThrow(message);
});
