import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { createRng } from '../core/rng.js';
import { checkDistribution } from '../testing/index.js';
import { standardNormal } from './standardNormal.js';

describe('standardNormal', () => {
  it('is a distribution', async () => {
    for (const eventShape of [[], [1], [2], [2, 1]]) {
      await checkDistribution({ distribution: standardNormal({ eventShape }) });
    }
  });

  it('has the closed form, tails included', () => {
    const p = standardNormal({ eventShape: [2, 2] });
    const found = p
      .logProb(
        tf.tensor3d([
          [
            [30, -30],
            [1, 0.5],
          ],
        ]),
      )
      .arraySync() as number[];
    expect(found.length).toBe(1);
    expect(Math.abs((found[0] as number) - (-900 - 0.625 - 2 * Math.log(2 * Math.PI)))).toBeLessThan(2e-4);
    expect(p.entropy?.().arraySync()).toBeCloseTo(2 * (1 + Math.log(2 * Math.PI)), 5);
    expect(p.entropy?.().shape).toEqual([]);
    expect(p.mean?.().arraySync()).toEqual([
      [0, 0],
      [0, 0],
    ]);
    const gradient = tf.grad((x: tf.Tensor) => standardNormal({ eventShape: [2] }).logProb(x))(tf.tensor1d([3, -30]));
    expect(gradient.arraySync()).toEqual([-3, 30]);
  });

  it("draws the generator's normals", () => {
    const x = standardNormal({ eventShape: [3] }).sample({ shape: [2], rng: createRng(1) });
    expect(x.arraySync()).toEqual(createRng(1).normal([2, 3]).arraySync());
  });

  it('names what is wrong', () => {
    expect(() => standardNormal({ eventShape: 2 as unknown as number[] })).toThrow(
      'standardNormal: options.eventShape should be a list of sizes, but got 2.',
    );
    expect(() => standardNormal({ eventShape: [0] })).toThrow(
      'standardNormal: options.eventShape[0] should be a positive integer',
    );
    expect(() => standardNormal({ dim: 2 } as object as { eventShape: number[] })).toThrow(
      "standardNormal: unknown option 'dim'",
    );
    expect(() => standardNormal({ eventShape: [2] }).logProb(tf.ones([3]))).toThrow('standardNormal.logProb: value should be');
  });
});
