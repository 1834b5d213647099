import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { createRng } from '../core/rng.js';
import { checkBijector } from '../testing/index.js';
import type { Squeeze2dOptions } from './squeeze2d.js';
import { squeeze2d } from './squeeze2d.js';

describe.each([
  { order: 'channelwise', factor: 2, at: (c: number, dy: number, dx: number) => 4 * c + 2 * dy + dx },
  { order: 'spaceToDepth', factor: 2, at: (c: number, dy: number, dx: number) => 3 * (2 * dy + dx) + c },
  { order: 'channelwise', factor: 3, at: (c: number, dy: number, dx: number) => 9 * c + 3 * dy + dx },
  { order: 'spaceToDepth', factor: 3, at: (c: number, dy: number, dx: number) => 3 * (3 * dy + dx) + c },
] as const)('squeeze2d, $order by $factor', ({ order, factor, at }) => {
  const bijector = squeeze2d({ order, factor });

  it('puts every entry where its formula says', () => {
    const [height, width, channels] = [2 * factor, 3 * factor, 3];
    const x = tf.range(0, 2 * height * width * channels).reshape([2, height, width, channels]);
    const [y, logDet] = bijector.forwardAndLogDet(x);
    expect(y.shape).toEqual([2, 2, 3, factor * factor * channels]);
    expect(logDet.arraySync()).toEqual([0, 0]);
    const [from, to] = [x.arraySync(), y.arraySync()] as [number[][][][], number[][][][]];
    for (let b = 0; b < 2; b++) {
      for (let h = 0; h < height; h++) {
        for (let w = 0; w < width; w++) {
          for (let c = 0; c < channels; c++) {
            const k = at(c, h % factor, w % factor);
            expect(to[b]?.[Math.floor(h / factor)]?.[Math.floor(w / factor)]?.[k]).toBe(from[b]?.[h]?.[w]?.[c]);
          }
        }
      }
    }
    expect(bijector.inverse(y).arraySync()).toEqual(x.arraySync());
  });

  it('is a bijector for any batch', async () => {
    for (const batch of [[], [1], [2, 3]]) {
      await checkBijector({ bijector, x: createRng(1).normal([...batch, factor, 2 * factor, 1]) });
    }
  });
});

describe('squeeze2d', () => {
  it('is channelwise by 2 where nothing is said, and spaceToDepth is TensorFlow’s', () => {
    const x = createRng(1).normal([2, 4, 6, 3]) as tf.Tensor4D;
    const explicit = squeeze2d({ factor: 2, order: 'channelwise' });
    expect(squeeze2d().forward(x).arraySync()).toEqual(explicit.forward(x).arraySync());
    const deep = squeeze2d({ order: 'spaceToDepth' }).forward(x) as tf.Tensor4D;
    expect(tf.depthToSpace(deep, 2, 'NHWC').arraySync()).toEqual(x.arraySync());
  });

  it('names what is wrong', () => {
    expect(() => squeeze2d({ factor: 1 })).toThrow('squeeze2d: options.factor should be an integer of at least 2, but got 1.');
    expect(() => squeeze2d({ order: 'rows' } as object as Squeeze2dOptions)).toThrow(
      "squeeze2d: options.order should be 'channelwise' or 'spaceToDepth', but got 'rows'.",
    );
    expect(() => squeeze2d({ by: 2 } as Squeeze2dOptions)).toThrow("squeeze2d: unknown option 'by'");
    const bijector = squeeze2d();
    expect(() => bijector.forward(tf.zeros([3, 4, 1]))).toThrow('squeeze2d.forward: x should be of a height and a width that 2');
    expect(() => bijector.forward(tf.zeros([4, 3, 1]))).toThrow('squeeze2d.forward: x should be of a height and a width that 2');
    expect(() => bijector.inverse(tf.zeros([2, 2, 6]))).toThrow('squeeze2d.inverse: y should be of a number of channels that 4');
    expect(() => bijector.forward(tf.zeros([4, 4]))).toThrow('squeeze2d.forward: x should be a float32 tensor');
  });
});
