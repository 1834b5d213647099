import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { createRng } from '../core/rng.js';
import { diagNormal } from '../distributions/diagNormal.js';
import { standardNormal } from '../distributions/standardNormal.js';
import type { EstimateLogLikelihoodOptions } from './estimateLogLikelihood.js';
import { estimateLogLikelihood } from './estimateLogLikelihood.js';
import type { LatentVariableModel } from './latentVariableModel.js';

/** z ~ N(0, 1), x ~ N(z, 1), hence x ~ N(0, 2); q(z | x) = N(x / 2 + shift, scale). */
const model = (scale = 1, shift = 0.3): LatentVariableModel => ({
  prior: standardNormal({ eventShape: [1] }),
  posterior: (x) => diagNormal({ mean: tf.add(tf.mul(x, 0.5), shift), scale: tf.fill(x.shape, scale) }),
  likelihood: (z) => diagNormal({ mean: z, scale: tf.onesLike(z) }),
});
const evidence = (x: number): number => -(x ** 2) / 4 - 0.5 * Math.log(4 * Math.PI);
const points = [1, -2, 0.5, 3, -0.7];
const data = tf.tensor2d(points, [5, 1]);

/** A model whose log-weights are the numbers of a list, [draw][example], in order. */
function scripted(logWeights: number[][]): LatentVariableModel {
  const prior = { ...standardNormal({ eventShape: [1] }), logProb: (z: tf.Tensor) => tf.zeros(z.shape.slice(0, -1)) };
  let next = 0;
  return {
    prior,
    posterior: (x) => ({
      ...diagNormal({ mean: x, scale: 1 }),
      sampleAndLogProb: ({ shape = [] } = {}) => [tf.zeros([...shape, ...x.shape]), tf.zeros([...shape, x.shape[0] as number])],
    }),
    likelihood: (z) => ({
      ...diagNormal({ mean: z, scale: 1 }),
      logProb: () => {
        const rows = logWeights.slice(next, next + (z.shape[0] as number));
        next += rows.length;
        return tf.tensor2d(rows);
      },
    }),
  };
}

describe('estimateLogLikelihood', () => {
  it('is the evidence within the errors that it states, which are right', async () => {
    const many = tf.tile(tf.tensor2d([[1.2]]), [300, 1]);
    const report = await estimateLogLikelihood({
      model: model(),
      data: many,
      samples: 400,
      chunk: 150,
      tile: 200,
      rng: createRng(1),
    });
    const centre = evidence(1.2);
    expect([report.n, report.samples]).toEqual([300, 400]);
    expect(Math.abs(report.logLikelihood - centre)).toBeLessThan(4 * report.standardError + 0.001);
    // The same example over and over: all of the error is that of the draws.
    const spread = Math.sqrt(report.perExample.reduce((sum, value) => sum + (value - report.logLikelihood) ** 2, 0) / 299);
    expect(report.standardError).toBeCloseTo(spread / Math.sqrt(300), 8);
    const stated = report.perExampleErrors.reduce((sum, value) => sum + value, 0) / 300;
    expect(stated / spread).toBeGreaterThan(0.85);
    expect(stated / spread).toBeLessThan(1.15);
    expect(report.monteCarloError / report.standardError).toBeCloseTo(1, 0.9);
    expect(stated).toBeLessThan(0.1);
  });

  it('is exact with the exact posterior', async () => {
    const report = await estimateLogLikelihood({ model: model(Math.SQRT1_2, 0), data, samples: 3 });
    points.forEach((x, i) => {
      expect(report.perExample[i]).toBeCloseTo(evidence(x), 5);
      expect(report.perExampleErrors[i]).toBeLessThan(1e-3);
      expect(report.effectiveSampleSizes[i]).toBeCloseTo(3, 4);
    });
    const mean = points.reduce((sum, x) => sum + evidence(x), 0) / 5;
    expect(report.logLikelihood).toBeCloseTo(mean, 5);
    const variance = points.reduce((sum, x) => sum + (evidence(x) - mean) ** 2, 0) / 4;
    expect(report.standardError).toBeCloseTo(Math.sqrt(variance / 5), 5);
  });

  it('sums in float64, relative to the largest weight, wherever that comes', async () => {
    const logs = [
      [Math.log(2), 1000, -500, Number.NEGATIVE_INFINITY],
      [Math.log(6), 1000 + Math.log(3), Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY],
      [Math.log(4), 990, -500, Number.NEGATIVE_INFINITY],
    ];
    const x = tf.zeros([4, 1]);
    const report = await estimateLogLikelihood({ model: scripted(logs), data: x, samples: 3, chunk: 2 });
    expect(report.perExample[0]).toBeCloseTo(Math.log(4), 6);
    // Sample variance 4, mean 4: sqrt(4 / 3) / 4.
    expect(report.perExampleErrors[0]).toBeCloseTo(Math.sqrt(4 / 3) / 4, 5);
    expect(report.effectiveSampleSizes[0]).toBeCloseTo(144 / 56, 5);
    expect(report.perExample[1]).toBeCloseTo(1000 + Math.log((4 + Math.exp(-10)) / 3), 3);
    expect(report.effectiveSampleSizes[1]).toBeCloseTo((4 + Math.exp(-10)) ** 2 / 10, 3);
    expect(report.perExample[2]).toBeCloseTo(-500 + Math.log(2 / 3), 4);
    expect(report.effectiveSampleSizes[2]).toBe(2);
    expect(report.perExampleErrors[2]).toBeCloseTo(0.5, 8);
    expect(report.perExample[3]).toBe(Number.NEGATIVE_INFINITY);
    expect(report.monteCarloError).toBeNaN();
  });

  it('adds up errors over the examples', async () => {
    const logs = [
      [0, Math.log(3)],
      [Math.log(3), Math.log(7)],
    ];
    const report = await estimateLogLikelihood({ model: scripted(logs), data: tf.zeros([2, 1]), samples: 2 });
    // Means 2 and 5, standard deviations sqrt(2) and sqrt(8), over sqrt(2).
    const errors = [1 / 2, 2 / 5];
    errors.forEach((error, i) => {
      expect(report.perExampleErrors[i]).toBeCloseTo(error, 5);
    });
    expect(report.monteCarloError).toBeCloseTo(Math.hypot(...errors) / 2, 5);
    expect(report.standardError).toBeCloseTo(Math.log(5 / 2) / 2, 5);
  });

  it('takes examples that are numbers, one at a time if it must be', async () => {
    const scalar: LatentVariableModel = {
      prior: standardNormal({ eventShape: [] }),
      posterior: (x) => diagNormal({ mean: tf.mul(x, 0.5), scale: Math.SQRT1_2, eventRank: 0 }),
      likelihood: (z) => diagNormal({ mean: z, scale: 1, eventRank: 0 }),
    };
    const { perExample } = await estimateLogLikelihood({
      model: scalar,
      data: tf.tensor1d(points),
      samples: 2,
      tile: 1,
      chunk: 1,
    });
    points.forEach((x, i) => {
      expect(perExample[i]).toBeCloseTo(evidence(x), 5);
    });
  });

  it('has no error to tell of one draw or one example', async () => {
    const report = await estimateLogLikelihood({ model: model(), data: tf.tensor2d([[1]]), samples: 1 });
    expect([report.standardError, report.monteCarloError, report.perExampleErrors[0]]).toEqual([
      Number.NaN,
      Number.NaN,
      Number.NaN,
    ]);
    expect(report.effectiveSampleSizes[0]).toBe(1);
  });

  it('holds no more than a tile of a chunk, tells how far it is, and leaves no tensor', async () => {
    const seen: number[][] = [];
    const shapes: number[][] = [];
    const watched: LatentVariableModel = {
      ...model(),
      likelihood: (z) => {
        shapes.push(z.shape);
        return model().likelihood(z);
      },
    };
    const before = tf.memory().numTensors;
    await estimateLogLikelihood({
      model: watched,
      data,
      samples: 7,
      tile: 3,
      chunk: 4,
      onProgress: ({ done, total }) => seen.push([done, total]),
    });
    expect(seen).toEqual([
      [12, 35],
      [21, 35],
      [29, 35],
      [35, 35],
    ]);
    expect(shapes).toEqual([
      [4, 3, 1],
      [3, 3, 1],
      [4, 2, 1],
      [3, 2, 1],
    ]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('takes 1000 draws, 50 of 64 examples at a time, by default', async () => {
    const shapes: number[][] = [];
    const watched: LatentVariableModel = {
      ...model(),
      likelihood: (z) => {
        shapes.push(z.shape);
        return model().likelihood(z);
      },
    };
    await estimateLogLikelihood({ model: watched, data: tf.zeros([70, 1]) });
    expect(shapes).toHaveLength(40);
    expect([shapes[0], shapes[19], shapes[20]]).toEqual([
      [50, 64, 1],
      [50, 64, 1],
      [50, 6, 1],
    ]);
  });

  it('repeats its numbers with a seed', async () => {
    const run = async (seed: number) =>
      (await estimateLogLikelihood({ model: model(), data, samples: 9, rng: createRng(seed) })).perExample;
    expect(await run(3)).toEqual(await run(3));
    expect(await run(3)).not.toEqual(await run(4));
  });

  it('aborts, with the reason of the signal', async () => {
    const controller = new AbortController();
    const run = estimateLogLikelihood({
      model: model(),
      data,
      chunk: 1,
      signal: controller.signal,
      onProgress: ({ done }) => {
        if (done === 10) controller.abort(new Error('enough'));
        expect(done).toBeLessThanOrEqual(10);
      },
    });
    await expect(run).rejects.toThrow('enough');
  });

  it('lets other work have its turn', async () => {
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
    }, 1);
    const slow: LatentVariableModel = {
      ...model(),
      likelihood: (z) => {
        for (const start = performance.now(); performance.now() - start < 15; );
        return model().likelihood(z);
      },
    };
    await estimateLogLikelihood({ model: slow, data, samples: 12, chunk: 1 });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(1);
  });

  it('refuses what is wrong, by name', async () => {
    const at = (options: object): Promise<unknown> =>
      estimateLogLikelihood({ model: model(), data, ...options } as EstimateLogLikelihoodOptions);
    await expect(at({ model: {} })).rejects.toThrow('estimateLogLikelihood: options.model');
    await expect(at({ samples: 0 })).rejects.toThrow(
      'estimateLogLikelihood: options.samples should be a positive integer, but got 0.',
    );
    await expect(at({ tile: 0 })).rejects.toThrow('options.tile');
    await expect(at({ chunk: 0.5 })).rejects.toThrow('options.chunk');
    for (const wrong of [[[1]], tf.scalar(1), tf.zeros([0, 1])]) {
      await expect(at({ data: wrong })).rejects.toThrow(
        'estimateLogLikelihood: options.data should be a tensor of shape [N, ...event] with N of at least 1',
      );
    }
    const gone = tf.zeros([2, 1]);
    gone.dispose();
    await expect(at({ data: gone })).rejects.toThrow('that is disposed');
    await expect(at({ draws: 3 })).rejects.toThrow("estimateLogLikelihood: unknown option 'draws'");
    await expect(at({ model: scripted([[0, 1, Number.NaN, 0, 0]]), samples: 1 })).rejects.toThrow(
      'estimateLogLikelihood: a weight of example 2 is NaN.',
    );
  });
});
