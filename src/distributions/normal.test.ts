import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { createRng } from '../core/rng.js';
import { checkDistribution } from '../testing/index.js';
import { klDivergence } from './klDivergence.js';
import { normal } from './normal.js';
import { standardNormal } from './standardNormal.js';

describe('normal', () => {
  it('is a distribution', async () => {
    await checkDistribution({ distribution: normal({ mean: 0.5, scale: 1.5 }) });
  });

  it('takes every element by itself', () => {
    const p = normal({ mean: tf.tensor2d([[1, -2]]), logScale: tf.tensor2d([[0.5], [-1]]) });
    expect([p.eventShape, p.batchShape?.()]).toEqual([[], [2, 2]]);
    const x = [
      [0.5, 3],
      [30, -1.5],
    ];
    const found = p.logProb(tf.tensor2d(x)).arraySync() as number[][];
    x.forEach((row, i) => {
      row.forEach((value, j) => {
        const logScale = [0.5, -1][i] as number;
        const z = (value - ([1, -2][j] as number)) * Math.exp(-logScale);
        const expected = -0.5 * z * z - logScale - 0.5 * Math.log(2 * Math.PI);
        expect((found[i]?.[j] as number) / expected).toBeCloseTo(1, 6);
      });
    });
    expect(p.sample({ shape: [3] }).shape).toEqual([3, 2, 2]);
    expect([p.mean?.().arraySync(), (p.entropy?.() as tf.Tensor).shape]).toEqual([
      [
        [1, -2],
        [1, -2],
      ],
      [2, 2],
    ]);
    expect(klDivergence(normal({ mean: 2, scale: 1 }), standardNormal({ eventShape: [] })).arraySync()).toBe(2);
    const draws = normal({ mean: 1, scale: 2 }).sample({ shape: [4], rng: createRng(1) });
    expect(draws.arraySync()).toEqual(tf.add(tf.mul(createRng(1).normal([4]), 2), 1).arraySync());
  });

  it('owns two numbers where trainable', () => {
    const p = normal({ mean: 3, scale: 1, trainable: true });
    expect([p.parameters.mean?.arraySync(), p.parameters.logScale?.arraySync()]).toEqual([3, 0]);
    p.dispose();
    expect(p.parameters.mean?.isDisposed).toBe(true);
  });

  it('names what is wrong', () => {
    expect(() => normal({ mean: 0, scale: 1, eventRank: 0 } as object)).toThrow("normal: unknown option 'eventRank'");
    expect(() => normal({ mean: 0, scale: 1, eventShape: [] } as object)).toThrow("normal: unknown option 'eventShape'");
    expect(() => normal({ mean: 0, scale: -1 })).toThrow('normal: options.scale should be a finite number above 0');
    expect(() => normal({ mean: 0, scale: 1 }).logProb(0 as never)).toThrow('normal.logProb: value should be');
    expect(() => normal({ scale: 1 })).toThrow('normal: options.mean should be a float32 tensor');
  });
});
