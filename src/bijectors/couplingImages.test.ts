import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { convNet } from '../conditioners/convNet.js';
import type { Bijector } from '../core/bijector.js';
import { createRng } from '../core/rng.js';
import { checkBijector } from '../testing/checkBijector.js';
import { randomizeParameters } from '../testing/randomizeParameters.js';
import { affineTransformer } from '../transformers/affineTransformer.js';
import type { ImageCouplingMask, ImageCouplingOptions } from './coupling.js';
import { coupling } from './coupling.js';

type Shape = readonly [number, number, number];

const make = (options: Partial<ImageCouplingOptions> & { shape: Shape }): Bijector => {
  const bijector = coupling({
    transformer: affineTransformer({ scale: 'exp' }),
    conditioner: (sizes) => convNet({ ...sizes, hidden: [3], activation: 'tanh', rng: createRng(1) }),
    ...options,
  });
  randomizeParameters(bijector, { rng: createRng(2), scale: 0.5 });
  return bijector;
};

const own = [true, false, false, true, true, true, false, true, false, false, false, true];
const rules: [ImageCouplingMask, Shape, (h: number, w: number, c: number) => boolean][] = [
  ['channels', [2, 3, 4], (_h, _w, c) => c >= 2],
  ['channels', [1, 2, 3], (_h, _w, c) => c === 2],
  ['checkerboard', [3, 3, 1], (h, w) => (h + w) % 2 === 1],
  ['checkerboard', [2, 4, 2], (h, w) => (h + w) % 2 === 1],
  [own, [2, 3, 2], (h, w, c) => own[h * 6 + w * 2 + c] as boolean],
];
const cases = rules.flatMap(([mask, shape, rule]) => [false, true].map((flip) => ({ mask, shape, rule, flip })));

describe.each(cases)('coupling with mask $mask over $shape, flip $flip', ({ mask, shape, rule, flip }) => {
  const [height, width, channels] = shape;
  const moves = (h: number, w: number, c: number): boolean => rule(h, w, c) !== flip;
  const bijector = make({ shape, mask, flip });
  const x = createRng(3).normal([2, ...shape]);

  test('transforms exactly the named entries, by what the conditioner makes of the others', () => {
    // The conditioner by itself, on the untouched channels or on the image with zeros.
    const p = bijector.parameters;
    const conv = (h: tf.Tensor, name: string): tf.Tensor =>
      tf.add(
        tf.conv2d(h as tf.Tensor4D, p[`conditioner.${name}.kernel`] as unknown as tf.Tensor4D, 1, 'same'),
        p[`conditioner.${name}.bias`]!,
      );
    const grid = x.arraySync() as number[][][][];
    const shown = grid.map((image) =>
      image.map((row, h) =>
        row.map((pixel, w) =>
          mask === 'channels' ? pixel.filter((_, c) => !moves(h, w, c)) : pixel.map((value, c) => (moves(h, w, c) ? 0 : value)),
        ),
      ),
    );
    const theta = conv(tf.tanh(conv(tf.tensor4d(shown), 'hidden0')), 'output').arraySync() as number[][][][];
    const first = [...Array(channels).keys()].find((c) => moves(0, 0, c)) ?? 0;
    const [y, logDet] = bijector.forwardAndLogDet(x).map((t) => t.arraySync()) as [number[][][][], number[]];
    for (let b = 0; b < 2; b++) {
      let total = 0;
      for (let h = 0; h < height; h++) {
        for (let w = 0; w < width; w++) {
          for (let c = 0; c < channels; c++) {
            const value = grid[b]?.[h]?.[w]?.[c] as number;
            const result = y[b]?.[h]?.[w]?.[c] as number;
            if (!moves(h, w, c)) {
              expect(result).toBe(value);
              continue;
            }
            const at = 2 * (mask === 'channels' ? c - first : c);
            const [shift, logScale] = (theta[b]?.[h]?.[w] as number[]).slice(at, at + 2) as [number, number];
            expect(result).toBeCloseTo(value * Math.exp(logScale) + shift, 3);
            total += logScale;
          }
        }
      }
      expect(logDet[b]).toBeCloseTo(total, 3);
    }
  });

  test('obeys the laws of a bijector', async () => {
    await checkBijector({ bijector, x: x.slice([0], [1]) });
  });
});

describe('coupling over images', () => {
  test('takes several batch axes and a context', async () => {
    for (const mask of ['channels', 'checkerboard'] as const) {
      const bijector = make({ shape: [1, 2, 2], mask, contextDim: 2 });
      const [x, context] = [createRng(3).normal([2, 2, 1, 2, 2]), createRng(4).normal([2, 2, 2])];
      await checkBijector({ bijector, x, context, gradients: 'joint' });
    }
  });

  test('never shows the transformer what it leaves: NaN there stays there', () => {
    const bijector = coupling({
      shape: [1, 2, 1],
      mask: 'checkerboard',
      transformer: affineTransformer(),
      conditioner: (sizes) => ({ ...convNet({ ...sizes, hidden: [] }), apply: () => tf.zeros([1, 2, 2]) }),
    });
    const nan = tf.tensor3d([[[Number.NaN], [1]]]);
    expect(Array.from(bijector.forward(nan).dataSync())).toEqual([Number.NaN, 1]);
  });

  test('hides what it transforms from the conditioner, NaN included', () => {
    const bijector = make({ shape: [1, 2, 1], mask: 'checkerboard' });
    const [y] = bijector.forward(tf.tensor3d([[[0.5], [Number.NaN]]])).dataSync();
    expect(y).toBe(0.5);
    expect(bijector.forwardAndLogDet(tf.tensor3d([[[0.5], [Number.NaN]]]))[1].arraySync()).not.toBeNaN();
  });

  test('asks for channels and the size of the images', () => {
    const asked: unknown[] = [];
    for (const mask of ['channels', 'checkerboard'] as const) {
      make({
        shape: [2, 4, 3],
        mask,
        contextDim: 5,
        conditioner: (sizes) => {
          asked.push(sizes);
          return convNet({ ...sizes, hidden: [] });
        },
      });
    }
    expect(asked).toEqual([
      { inputDim: 2, outputDim: 2, contextDim: 5, imageSize: [2, 4] },
      { inputDim: 3, outputDim: 6, contextDim: 5, imageSize: [2, 4] },
    ]);
  });

  test.each([
    [{ dim: 4 }, 'coupling: options.dim should be left out where options.shape is given, but got 4.'],
    [{ shape: [2, 2] }, 'coupling: options.shape should be an image shape [height, width, channels]'],
    [{ shape: [2, 2, 1] }, "coupling: options.mask should be 'channels', 'checkerboard' or 4 booleans, some of them true"],
    [{ shape: [1, 1, 2], mask: 'checkerboard' }, "coupling: options.mask should be 'channels', 'checkerboard' or 2 booleans"],
    [{ mask: [true, false] }, "coupling: options.mask should be 'channels', 'checkerboard' or 8 booleans"],
    [{ mask: 'half' }, 'coupling: options.mask'],
    [{ mask: 'toString' }, 'coupling: options.mask'],
    [{ flip: 1 }, 'coupling: options.flip should be true or false'],
    [
      { conditioner: () => convNet({ inputDim: 2, outputDim: 2, hidden: [] }) },
      'coupling: options.conditioner(...).inputDim should be 1, but got 2',
    ],
  ])('refuses %j', (options, message) => {
    expect(() => make({ shape: [2, 2, 2], ...(options as Partial<ImageCouplingOptions>) })).toThrow(message);
  });

  test('refuses images of a wrong shape', () => {
    expect(() => make({ shape: [2, 2, 2] }).forward(tf.zeros([2, 2, 3]))).toThrow('coupling.forward: x should be');
  });
});
