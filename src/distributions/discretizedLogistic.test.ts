import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { createRng } from '../core/rng.js';
import { checkDistribution, expectNoLeak } from '../testing/index.js';
import { categorical } from './categorical.js';
import { discretizedLogistic } from './discretizedLogistic.js';
import { klDivergence } from './klDivergence.js';
import { logistic } from './logistic.js';

const numbers = (t: tf.Tensor | undefined): number[] => Array.from((t as tf.Tensor).dataSync());

/** Value, location, log-scale, log-mass among 256 levels from -1 to 1: computed with 120 digits (mpmath). */
const KNOWN: [value: number, location: number, logScale: number, logMass: number][] = [
  [0, 0.5, -1.5, -6.706182428477821],
  [100, -0.25, -3, -3.3512311406125104],
  [255, 0.75, -0.5, -0.9164405209259712],
  [200, -0.5, -5, -158.39065995895888],
  [30, 0.25, -6, -407.82266481857005],
  [128, 3, -4, -164.42082717010985],
  [77, 0.1, 2.5, -8.73482524746982],
  [12, -0.9, 10, -16.23441072571839],
];

describe('discretizedLogistic', () => {
  it('is a distribution', async () => {
    const values = [0, 1, 2, 3].flatMap((a) => [0, 1, 2, 3].map((b) => [a, b]));
    await checkDistribution({
      distribution: discretizedLogistic({
        location: tf.tensor1d([0.25, -0.75]),
        logScale: tf.tensor1d([-1.5, -0.5]),
        levels: 4,
      }),
      values,
    });
    await checkDistribution({
      distribution: discretizedLogistic({ location: 2.25, scale: 1.5, levels: 7, low: 0, high: 6 }),
      values: [0, 1, 2, 3, 4, 5, 6].map((value) => [value]),
    });
  });

  it('has the known log-masses, far tails included', () => {
    const column = (i: number): tf.Tensor1D => tf.tensor1d(KNOWN.map((row) => row[i] as number));
    const p = discretizedLogistic({ location: column(1), logScale: column(2), eventRank: 0 });
    numbers(p.logProb(column(0))).forEach((value, i) => {
      const expected = KNOWN[i]?.[3] as number;
      expect(Math.abs(value - expected)).toBeLessThan(2e-6 * (1 + Math.abs(expected)));
    });
    const joint = discretizedLogistic({ location: column(1), logScale: column(2) });
    const total = KNOWN.reduce((sum, row) => sum + row[3], 0);
    expect((joint.logProb(column(0)).arraySync() as number) / total).toBeCloseTo(1, 6);
  });

  it('takes its scale from low and high', () => {
    const x = tf.tensor1d([0, 3, 7, 8]);
    const bytes = discretizedLogistic({ location: 5.5, scale: 2, levels: 9, low: 0, high: 8 }).logProb(x);
    // The same places, counted from -3 in steps of 1/2.
    const moved = discretizedLogistic({ location: -0.25, scale: 1, levels: 9, low: -3, high: 1 }).logProb(x);
    const sigmoid = (t: number): number => 1 / (1 + Math.exp(-t));
    const cdf = (t: number): number => sigmoid((t - 5.5) / 2);
    const expected = [cdf(0.5), cdf(3.5) - cdf(2.5), cdf(7.5) - cdf(6.5), 1 - cdf(7.5)].map(Math.log);
    [numbers(bytes), numbers(moved)].forEach((found) => {
      found.forEach((value, i) => {
        expect(value).toBeCloseTo(expected[i] as number, 5);
      });
    });
  });

  it('sums to 1 over all levels and has finite gradients, for scales tiny and huge', () => {
    const logScales = [-60, -20, -7, -5, -2, 0, 4, 20, 60];
    const locations = [-1, 0.3, 0.5019608, 40];
    for (const location of locations) {
      const scales = tf.tensor1d(logScales);
      const masses = (m: tf.Tensor, s: tf.Tensor) =>
        discretizedLogistic({ location: m, logScale: s, eventRank: 0 }).logProb(
          tf.reshape(tf.tensor1d(Array.from({ length: 256 }, (_, v) => v)), [256, 1]),
        );
      const [m, s] = [tf.fill([logScales.length], location), scales];
      numbers(tf.sum(tf.exp(masses(m, s)), 0)).forEach((sum) => {
        expect(Math.abs(sum - 1)).toBeLessThan(1e-5);
      });
      for (const gradient of tf.grads((a, b) => tf.sum(masses(a, b)))([m, s])) {
        expect(numbers(gradient).every(Number.isFinite)).toBe(true);
      }
    }
  });

  it('has the right gradients', () => {
    const sigmoid = (t: number): number => 1 / (1 + Math.exp(-t));
    /** In float64, by the difference, which is good for moderate numbers. */
    const logMass = (v: number, m: number, s: number): number => {
      const [a, b] = [(v - 127) / 127.5, (v - 128) / 127.5].map((end) => sigmoid((end - m) * Math.exp(-s))) as [number, number];
      return Math.log(v === 0 ? a : v === 255 ? 1 - b : a - b);
    };
    const [v, m, s] = [
      [0, 100, 255, 60],
      [0.25, -0.5, 0.75, -0.25],
      [-1, -2, -1.5, 1],
    ] as [number[], number[], number[]];
    const density = (frozen: boolean) => (a: tf.Tensor, b: tf.Tensor) =>
      tf.sum(discretizedLogistic({ location: a, logScale: b }).logProb(tf.tensor1d(v), { frozen }));
    const [inM, inS] = tf
      .grads(density(false))([tf.tensor1d(m), tf.tensor1d(s)])
      .map(numbers) as [number[], number[]];
    v.forEach((value, i) => {
      const [location, logScale] = [m[i] as number, s[i] as number];
      const h = 1e-4;
      expect(inM[i]).toBeCloseTo((logMass(value, location + h, logScale) - logMass(value, location - h, logScale)) / (2 * h), 3);
      expect(inS[i]).toBeCloseTo((logMass(value, location, logScale + h) - logMass(value, location, logScale - h)) / (2 * h), 3);
    });
    expect(() => tf.grads(density(true))([tf.tensor1d(m), tf.tensor1d(s)])).toThrow('Cannot compute gradient');
  });

  it('gives no probability to what is no level', () => {
    const p = discretizedLogistic({ location: 0, scale: 1, levels: 4 });
    expect(numbers(p.logProb(tf.tensor1d([-1, 4, 1.5, 300])))).toEqual(Array(4).fill(-Infinity));
    expect(
      discretizedLogistic({ location: tf.zeros([2]), scale: 1 })
        .logProb(tf.tensor1d([3, 256]))
        .arraySync(),
    ).toBe(-Infinity);
  });

  it('draws the rounded draws of a logistic, as constants', () => {
    const parameters = { location: tf.tensor1d([0.1, -0.8]), logScale: tf.tensor1d([-2, -1]) };
    const x = discretizedLogistic(parameters).sample({ shape: [200], rng: createRng(3) });
    const y = numbers(logistic(parameters).sample({ shape: [200], rng: createRng(3) }));
    numbers(x).forEach((value, i) => {
      expect(value).toBe(Math.min(255, Math.max(0, Math.round((y[i] as number) * 127.5 + 127.5))));
    });
    const draw = (l: tf.Tensor) => tf.sum(discretizedLogistic({ location: l, scale: 1 }).sample());
    expect(() => tf.grad(draw)(tf.zeros([3]))).toThrow('Cannot compute gradient');
  });

  it('has mean, mode, entropy and divergences by sums over the levels', async () => {
    const of = (location: number, logScale: number) => discretizedLogistic({ location, logScale, levels: 5, eventShape: [2] });
    const [p, q] = [of(0.4, -1), of(-0.5, -0.25)];
    const table = (d: typeof p): number[] =>
      [0, 1, 2, 3, 4].map((v) => (d.logProb(tf.tensor1d([v, v])).arraySync() as number) / 2);
    const [logP, logQ] = [table(p), table(q)];
    const expectation = (f: (v: number) => number): number => logP.reduce((sum, l, v) => sum + Math.exp(l) * f(v), 0);
    numbers(p.mean?.()).forEach((mean) => {
      expect(mean).toBeCloseTo(
        expectation((v) => v),
        5,
      );
    });
    expect([p.mean?.().shape, numbers(p.mode?.())]).toEqual([[2], [3, 3]]);
    expect(p.entropy?.().arraySync()).toBeCloseTo(-2 * expectation((v) => logP[v] as number), 5);
    expect(klDivergence(p, q).arraySync()).toBeCloseTo(2 * expectation((v) => (logP[v] as number) - (logQ[v] as number)), 5);
    const classes = categorical({ logits: tf.tensor2d([logQ, logQ]) });
    expect(klDivergence(p, classes).arraySync()).toBeCloseTo(klDivergence(p, q).arraySync() as number, 5);
    expect(() => klDivergence(p, discretizedLogistic({ location: 0, scale: 1, levels: 6, eventShape: [2] }))).toThrow(
      'no formula',
    );
    // The last level's bin has no end: it can be the likeliest though the location is not in it.
    expect(numbers(discretizedLogistic({ location: 0.6, scale: 5 }).mode?.())).toEqual([255]);
  });

  it('batches, and owns parameters where trainable', async () => {
    const p = discretizedLogistic({ location: tf.zeros([4, 1]), scale: tf.tensor1d([1, 2, 3]), levels: 8 });
    expect([p.eventShape, p.batchShape?.(), p.sample({ shape: [2] }).shape]).toEqual([[3], [4], [2, 4, 3]]);
    expect([p.logProb(tf.ones([5, 1, 3])).shape, p.mean?.().shape, p.entropy?.().shape]).toEqual([[5, 4], [4, 3], [4]]);
    const wide = discretizedLogistic({ location: 0, scale: 1, eventShape: [2, 3], levels: 8 });
    expect([wide.logProb(tf.ones([2, 3])).shape, wide.mode?.().shape, wide.entropy?.().shape]).toEqual([[], [2, 3], []]);
    const before = tf.memory().numTensors;
    const own = discretizedLogistic({ eventShape: [2], trainable: true, levels: 8 });
    expect(Object.keys(own.parameters)).toEqual(['location', 'logScale']);
    await expectNoLeak(() => [own.sample({ shape: [3] }), own.mean?.(), own.mode?.(), own.entropy?.(), klDivergence(own, own)]);
    own.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('names what is wrong', () => {
    const good = { location: 0, scale: 1 };
    const cases: [() => unknown, string][] = [
      [() => discretizedLogistic({ scale: 1 }), 'discretizedLogistic: options.location should be a float32 tensor'],
      [() => discretizedLogistic({ location: 0 }), 'discretizedLogistic: options.logScale should be a float32 tensor'],
      [
        () => discretizedLogistic({ location: 0, scale: 0 }),
        'discretizedLogistic: options.scale should be a finite number above 0',
      ],
      [
        () => discretizedLogistic({ ...good, levels: 1 }),
        'discretizedLogistic: options.levels should be an integer of at least 2',
      ],
      [() => discretizedLogistic({ ...good, low: Number.NaN }), 'discretizedLogistic: options.low should be a finite number'],
      [
        () => discretizedLogistic({ ...good, low: 2 }),
        'discretizedLogistic: options.high should be a finite number above 2, but got 1.',
      ],
      [() => discretizedLogistic({ ...good, high: -1 }), 'discretizedLogistic: options.high should be a finite number above -1'],
      [() => discretizedLogistic({ ...good, bins: 2 } as object), "discretizedLogistic: unknown option 'bins'"],
      [() => discretizedLogistic(good).logProb(tf.scalar(1, 'int32')), 'discretizedLogistic.logProb: value should be'],
    ];
    for (const [call, message] of cases) {
      expect(call).toThrow(message);
    }
  });
});
