import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import type { Distribution } from '../core/distribution.js';
import { createRng } from '../core/rng.js';
import { checkDistribution, expectNoLeak } from '../testing/index.js';
import { diagNormal } from './diagNormal.js';

const HALF_LOG_TWO_PI = 0.5 * Math.log(2 * Math.PI);
const logDensity = (x: number, mean: number, logScale: number): number =>
  -0.5 * ((x - mean) * Math.exp(-logScale)) ** 2 - logScale - HALF_LOG_TWO_PI;

describe('diagNormal', () => {
  it('is a distribution', async () => {
    await checkDistribution({ distribution: diagNormal({ mean: tf.tensor1d([0.5, -1]), logScale: tf.tensor1d([0.3, -0.7]) }) });
    await checkDistribution({ distribution: diagNormal({ mean: 1, scale: 2 }) });
    await checkDistribution({ distribution: diagNormal({ mean: -1, scale: tf.tensor1d([0.5]) }) });
  });

  it('has the closed form, tails included', () => {
    const [means, logScales] = [
      [0.5, -1, 2],
      [-2, 0.25, 1.5],
    ];
    const p = diagNormal({ mean: tf.tensor1d(means as number[]), logScale: tf.tensor1d(logScales as number[]) });
    for (const x of [
      [30, -30, 30],
      [0.5, 0, -7],
    ]) {
      const expected = x.reduce(
        (total, value, i) => total + logDensity(value, means?.[i] as number, logScales?.[i] as number),
        0,
      );
      const found = p.logProb(tf.tensor1d(x)).arraySync() as number;
      expect(Math.abs(found - expected) / (1 + Math.abs(expected))).toBeLessThan(1e-6);
    }
    expect(p.entropy?.().arraySync()).toBeCloseTo(-0.25 + 3 * (0.5 + HALF_LOG_TWO_PI), 5);
  });

  it('agrees with independent numbers', () => {
    // Computed in float64 by another library.
    const p = diagNormal({
      mean: tf.tensor2d([[-1.095703125], [-1.619140625], [1.171875], [2.5234375]]),
      logScale: tf.tensor2d([[0.1494140625], [-0.509765625], [0.498046875], [-0.8779296875]]),
    });
    const logProb = p.logProb(tf.tensor2d([[-1.8232421875], [-1.8857421875], [-2.4814453125], [1.6201171875]])).dataSync();
    [-1.2646448808147879, -0.5076810623145577, -3.881591334134374, -2.4026482914657263].forEach((expected, i) => {
      expect(logProb[i]).toBeCloseTo(expected, 5);
    });
    const entropy = p.entropy?.().dataSync() as Float32Array;
    [1.5683525957046727, 0.9091729082046727, 1.9169854082046727, 0.5410088457046727].forEach((expected, i) => {
      expect(entropy[i]).toBeCloseTo(expected, 5);
    });
  });

  it('broadcasts parameters and values', () => {
    const p = diagNormal({ mean: createRng(1).normal([5, 3]), logScale: tf.tensor1d([0, 1, 2]) });
    expect([p.eventShape, p.batchShape?.()]).toEqual([[3], [5]]);
    expect(p.sample().shape).toEqual([5, 3]);
    expect(p.sample({ shape: [2, 4] }).shape).toEqual([2, 4, 5, 3]);
    expect(p.logProb(tf.ones([2, 5, 3])).shape).toEqual([2, 5]);
    expect(p.logProb(tf.ones([3])).shape).toEqual([5]);
    expect(p.mean?.().shape).toEqual([5, 3]);
    expect(p.entropy?.().shape).toEqual([5]);
    expect(p.entropy?.().dataSync()[4]).toBeCloseTo(3 + 3 * (0.5 + HALF_LOG_TWO_PI), 5);

    const images = diagNormal({ mean: tf.zeros([2, 4, 4]), scale: 0.5, eventRank: 2 });
    expect([images.eventShape, images.batchShape?.()]).toEqual([[4, 4], [2]]);
    const elementwise = diagNormal({ mean: tf.zeros([4]), scale: 0.5, eventRank: 0 });
    expect([elementwise.eventShape, elementwise.batchShape?.()]).toEqual([[], [4]]);
    const spread = diagNormal({ mean: 0, scale: tf.ones([6, 1]), eventShape: [3] });
    expect([spread.eventShape, spread.batchShape?.(), spread.sample().shape]).toEqual([[3], [6], [6, 3]]);
    expect(spread.mean?.().shape).toEqual([6, 3]);
    expect(spread.entropy?.().dataSync()[0]).toBeCloseTo(3 * (0.5 + HALF_LOG_TWO_PI), 5);
  });

  it('draws with the right moments', () => {
    const count = 20000;
    const x = diagNormal({ mean: tf.tensor1d([3, -1]), scale: tf.tensor1d([0.5, 2]) }).sample({
      shape: [count],
      rng: createRng(7),
    });
    const { mean, variance } = tf.moments(x, 0);
    [
      [3, 0.5],
      [-1, 2],
    ].forEach(([location, scale], i) => {
      expect(Math.abs((mean.dataSync()[i] as number) - (location as number))).toBeLessThan(
        (5 * (scale as number)) / Math.sqrt(count),
      );
      const square = (scale as number) ** 2;
      expect(Math.abs((variance.dataSync()[i] as number) - square)).toBeLessThan(5 * square * Math.sqrt(2 / count));
    });
  });

  it('reparameterises, and holds still where frozen', () => {
    const [mean, logScale] = [tf.tensor1d([1, 2]), tf.tensor1d([0.5, -0.5])];
    const draw = (frozen: boolean) => (m: tf.Tensor, s: tf.Tensor) =>
      tf.sum(diagNormal({ mean: m, logScale: s }).sample({ rng: createRng(3), frozen }));
    const [inMean, inScale] = tf.grads(draw(false))([mean, logScale]) as [tf.Tensor, tf.Tensor];
    expect(inMean.arraySync()).toEqual([1, 1]);
    const noise = tf.mul(createRng(3).normal([2]), tf.exp(logScale));
    expect(tf.max(tf.abs(tf.sub(inScale, noise))).arraySync()).toBeLessThan(1e-6);
    expect(() => tf.grad((m: tf.Tensor) => draw(true)(m, logScale))(mean)).toThrow('Cannot compute gradient');

    const x = tf.tensor1d([2, 1]);
    const [gMean, gScale, gX] = tf.grads((m, s, v) => diagNormal({ mean: m, logScale: s }).logProb(v))([mean, logScale, x]) as [
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
    ];
    const z = [1 / Math.exp(0.5), -1 / Math.exp(-0.5)];
    const close = (a: tf.Tensor, b: number[]): void => {
      for (const [i, value] of (a.arraySync() as number[]).entries()) expect(value).toBeCloseTo(b[i] as number, 5);
    };
    close(gMean, [(z[0] as number) / Math.exp(0.5), (z[1] as number) / Math.exp(-0.5)]);
    close(gScale, [(z[0] as number) ** 2 - 1, (z[1] as number) ** 2 - 1]);
    close(tf.neg(gX), gMean.arraySync() as number[]);
    const frozen = tf.grad((v: tf.Tensor) => diagNormal({ mean, logScale }).logProb(v, { frozen: true }))(x);
    close(frozen, gX.arraySync() as number[]);

    // The joint call's log-density has the same gradients as that of its draw.
    const joint = tf.grads((m, s) => {
      const [z, logProb] = diagNormal({ mean: m, logScale: s }).sampleAndLogProb({ rng: createRng(3) });
      return tf.add(tf.sum(z), logProb);
    })([mean, logScale]);
    const apart = tf.grads((m, s) => {
      const q = diagNormal({ mean: m, logScale: s });
      const z = q.sample({ rng: createRng(3) });
      return tf.add(tf.sum(z), q.logProb(z));
    })([mean, logScale]);
    joint.forEach((gradient, i) => {
      close(gradient, (apart[i] as tf.Tensor).arraySync() as number[]);
    });
  });

  it('learns its own parameters where trainable', async () => {
    const before = tf.memory().numTensors;
    const p = diagNormal({ mean: 1, scale: 2, eventShape: [3], trainable: true });
    expect(tf.memory().numTensors).toBe(before + 2);
    expect(p.parameters.mean?.arraySync()).toEqual([1, 1, 1]);
    expect((p.parameters.logScale?.arraySync() as number[])[2]).toBeCloseTo(Math.log(2), 6);
    const same = diagNormal({ mean: tf.ones([3]), scale: 2 });
    const at = tf.tensor1d([-1, 0, 4]);
    expect(p.logProb(at).arraySync()).toBeCloseTo(same.logProb(at).arraySync() as number, 5);
    const draw = (q: Distribution): Float32Array => q.sample({ rng: createRng(1) }).dataSync() as Float32Array;
    draw(p).forEach((value, i) => {
      expect(value).toBeCloseTo(draw(same)[i]!, 5);
    });
    const { grads } = tf.variableGrads(() => tf.sum(p.logProb(tf.ones([5, 3]))) as tf.Scalar, Object.values(p.parameters));
    expect(tf.abs(grads[p.parameters.mean?.name as string] as tf.Tensor).arraySync()).toEqual([0, 0, 0]);
    expect(grads[p.parameters.logScale?.name as string]?.arraySync()).toEqual([-5, -5, -5]);
    await expectNoLeak(() => p.sample());
    await expectNoLeak(() => [p.mean?.(), p.mode?.(), p.entropy?.()]);
    tf.dispose(grads);
    p.dispose();
    const plain = diagNormal({ eventShape: [2], trainable: true });
    expect([plain.parameters.mean?.arraySync(), plain.parameters.logScale?.arraySync()]).toEqual([
      [0, 0],
      [0, 0],
    ]);
    const given = tf.variable(tf.zeros([2]));
    const borrowing = diagNormal({ mean: given, scale: 1 });
    expect(borrowing.parameters).toEqual({});
    borrowing.dispose();
    expect(given.isDisposed).toBe(false);
  });

  it('names what is wrong', () => {
    const mean = tf.zeros([3]);
    const cases: [() => unknown, string][] = [
      [
        () => diagNormal({ scale: 1 }),
        'diagNormal: options.mean should be a float32 tensor of shape [...batch], but got nothing.',
      ],
      [() => diagNormal({ mean }), 'diagNormal: options.logScale should be a float32 tensor'],
      [() => diagNormal({ mean, scale: 1, logScale: 0 }), 'diagNormal: options.scale should be left out where logScale is given'],
      [() => diagNormal({ mean, scale: 0 }), 'diagNormal: options.scale should be a finite number above 0, but got 0.'],
      [() => diagNormal({ mean, scale: -1 }), 'diagNormal: options.scale should be a finite number above 0'],
      [() => diagNormal({ mean, logScale: Number.NaN }), 'diagNormal: options.logScale should be a finite number'],
      [() => diagNormal({ mean: tf.zeros([3], 'int32'), scale: 1 }), 'diagNormal: options.mean should be a float32 tensor'],
      [() => diagNormal({ mean, scale: tf.ones([2]) }), 'diagNormal: shapes [3] and [2] do not broadcast.'],
      [
        () => diagNormal({ mean, scale: 1, eventRank: 2 }),
        'diagNormal: options.eventRank should be at most the rank of the parameters, 1',
      ],
      [() => diagNormal({ mean, scale: 1, eventRank: -1 }), 'diagNormal: options.eventRank should be an integer of at least 0'],
      [() => diagNormal({ mean, scale: 1, eventShape: [1] }), 'diagNormal: options.eventShape should be the last axes'],
      [() => diagNormal({ mean, scale: 1, eventShape: [3], eventRank: 1 }), 'diagNormal: options.eventRank should be left out'],
      [
        () => diagNormal({ mean, scale: 1, eventShape: 3 as unknown as number[] }),
        'diagNormal: options.eventShape should be a list',
      ],
      [() => diagNormal({ trainable: true }), 'diagNormal: options.eventShape should be a list of sizes, but got nothing.'],
      [
        () => diagNormal({ mean: tf.zeros([2, 3]), eventShape: [3], trainable: true }),
        'diagNormal: options.eventShape should be the whole',
      ],
      [() => diagNormal({ trainable: 1 as unknown as boolean }), 'diagNormal: options.trainable should be true or false'],
      [() => diagNormal({ mean, stddev: 1 } as object), "diagNormal: unknown option 'stddev'"],
      [() => diagNormal({ mean, scale: 1 }).logProb(tf.zeros([2])), 'diagNormal.logProb: value should be'],
    ];
    for (const [call, message] of cases) {
      expect(call).toThrow(message);
    }
  });
});
