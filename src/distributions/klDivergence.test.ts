import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import type { Distribution } from '../core/distribution.js';
import { createRng } from '../core/rng.js';
import { expectNoLeak } from '../testing/index.js';
import { bernoulli } from './bernoulli.js';
import { diagNormal } from './diagNormal.js';
import { klDivergence } from './klDivergence.js';
import { logistic } from './logistic.js';
import { standardNormal } from './standardNormal.js';
import { uniform } from './uniform.js';

const numbers = (t: tf.Tensor): number[] => Array.from(t.dataSync());

describe('klDivergence', () => {
  it('agrees with independent numbers between normals', () => {
    // Computed in float64 by another library.
    const p = diagNormal({
      mean: tf.tensor2d([[-1.095703125], [-1.619140625], [1.171875], [2.5234375]]),
      logScale: tf.tensor2d([[0.1494140625], [-0.509765625], [0.498046875], [-0.8779296875]]),
    });
    const q = diagNormal({
      mean: tf.tensor2d([[-0.416015625], [0.486328125], [0.40234375], [1.5615234375]]),
      logScale: tf.tensor2d([[0.8759765625], [0.56640625], [1.1455078125], [-1.0458984375]]),
    });
    const second = numbers(klDivergence(p, q));
    [0.3835429961253453, 1.3482696756043921, 0.3143740351549834, 3.778783856687978].forEach((expected, i) => {
      expect(second[i]).toBeCloseTo(expected, 5);
    });
    const standard = numbers(klDivergence(p, standardNormal({ eventShape: [1] })));
    [0.6250075407165863, 1.5009558110995045, 1.042440758779395, 3.648177452683265].forEach((expected, i) => {
      expect(standard[i]).toBeCloseTo(expected, 5);
    });
  });

  it('is zero between equals and exact for small divergences', () => {
    const pairs: [Distribution, Distribution][] = [
      [standardNormal({ eventShape: [2] }), diagNormal({ mean: 0, scale: 1, eventShape: [2] })],
      [uniform({ low: 0, high: 2 }), uniform({ low: tf.scalar(0), high: 2 })],
      [bernoulli({ logits: tf.tensor1d([-30, 0.5, 30]) }), bernoulli({ logits: tf.tensor1d([-30, 0.5, 30]) })],
    ];
    for (const [p, q] of pairs) {
      expect(numbers(klDivergence(p, q))).toEqual([0]);
      expect(numbers(klDivergence(q, p))).toEqual([0]);
    }
    // d = log s - log s' = 1e-3: d^2 up to d^3, which e^(2d) - 1 - 2d in float32 has only by way of expm1.
    const d = 1e-3;
    const tiny = klDivergence(diagNormal({ mean: 0, logScale: d }), diagNormal({ mean: 0, logScale: 0 })).arraySync() as number;
    const exact = (Math.expm1(2 * Math.fround(d)) - 2 * Math.fround(d)) / 2;
    expect(Math.abs(tiny / exact - 1)).toBeLessThan(3e-4);
  });

  it('agrees with the mean over all events between Bernoulli distributions', () => {
    const [l, m] = [
      [0.7, -1.5, 30, -30],
      [-0.2, 2, -30, -29],
    ] as [number[], number[]];
    const kl = numbers(
      klDivergence(bernoulli({ logits: tf.tensor1d(l), eventRank: 0 }), bernoulli({ logits: tf.tensor1d(m), eventRank: 0 })),
    );
    const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
    l.forEach((a, i) => {
      const b = m[i] as number;
      const p = 1 / (1 + Math.exp(-a));
      const notP = 1 / (1 + Math.exp(a));
      const expected = p * (softplus(-b) - softplus(-a)) + notP * (softplus(b) - softplus(a));
      expect(Math.abs((kl[i] as number) - expected)).toBeLessThan(1e-5 * (1 + expected));
    });
  });

  it('is finite between uniforms only where q covers p', () => {
    const p = uniform({
      low: tf.tensor2d([
        [0, 0],
        [0, -1],
      ]),
      high: tf.tensor2d([
        [1, 2],
        [1, 2],
      ]),
    });
    const q = uniform({ low: -0.5, high: 3, eventShape: [2] });
    const kl = numbers(klDivergence(p, q));
    expect(kl[0]).toBeCloseTo(Math.log(3.5) + Math.log(3.5 / 2), 5);
    expect(kl[1]).toBe(Infinity);
    expect(numbers(klDivergence(q, p))).toEqual([Infinity, Infinity]);
  });

  it('broadcasts batches and matches an estimate', () => {
    const p = diagNormal({ mean: createRng(1).normal([4, 1, 2]), scale: 0.7 });
    const q = diagNormal({ mean: createRng(2).normal([3, 2]), logScale: tf.tensor1d([0.2, -0.1]) });
    const kl = klDivergence(p, q);
    expect(kl.shape).toEqual([4, 3]);
    const count = 20000;
    const [x, logP] = p.sampleAndLogProb({ shape: [count], rng: createRng(3) });
    const differences = tf.sub(logP, q.logProb(x));
    const { mean, variance } = tf.moments(differences, 0);
    numbers(kl).forEach((value, i) => {
      const error = Math.sqrt((numbers(variance)[i] as number) / count);
      expect(Math.abs(value - (numbers(mean)[i] as number))).toBeLessThan(5 * error);
    });
    expect(klDivergence(p, standardNormal({ eventShape: [2] })).shape).toEqual([4, 1]);
    expect(klDivergence(standardNormal({ eventShape: [2] }), q).shape).toEqual([3]);
  });

  it('differentiates in both, and not where frozen', async () => {
    const values = [tf.tensor1d([1, -2]), tf.tensor1d([0.5, -0.5]), tf.tensor1d([0, 1]), tf.tensor1d([-0.25, 0.25])];
    const kl = (frozen: boolean) => (m1: tf.Tensor, s1: tf.Tensor, m2: tf.Tensor, s2: tf.Tensor) =>
      klDivergence(diagNormal({ mean: m1, logScale: s1 }), diagNormal({ mean: m2, logScale: s2 }), { frozen });
    const [inM1, inS1, inM2, inS2] = tf.grads(kl(false))(values).map(numbers) as [number[], number[], number[], number[]];
    [0, 1].forEach((i) => {
      const [m1, s1, m2, s2] = values.map((value) => value.dataSync()[i]) as [number, number, number, number];
      const slope = (m1 - m2) * Math.exp(-2 * s2);
      expect(inM1[i]).toBeCloseTo(slope, 4);
      expect(inM2[i]).toBeCloseTo(-slope, 4);
      expect(inS1[i]).toBeCloseTo(Math.exp(2 * (s1 - s2)) - 1, 4);
      expect(inS2[i]).toBeCloseTo(1 - Math.exp(2 * (s1 - s2)) - slope * (m1 - m2), 4);
    });
    expect(() => tf.grads(kl(true))(values)).toThrow('Cannot compute gradient');
    await expectNoLeak(() => kl(false)(...(values as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor])));
    const bounded = tf.grads((a, b) => klDivergence(uniform({ low: 0, high: a }), uniform({ low: 0, high: b })))([
      tf.scalar(2),
      tf.scalar(4),
    ]);
    expect(bounded.map((g) => g.arraySync())).toEqual([-0.5, 0.25]);
  });

  it("asks a distribution of one's own", () => {
    const mine: Distribution = {
      ...standardNormal({ eventShape: [2] }),
      name: 'mine',
      klTo: (q) => (q.name === 'logistic' ? tf.scalar(7) : undefined),
    };
    expect(klDivergence(mine, logistic({ location: 0, scale: 1, eventShape: [2] })).arraySync()).toBe(7);
    // It is still found through its family.
    expect(klDivergence(standardNormal({ eventShape: [2] }), mine).arraySync()).toBe(0);
    expect(() => klDivergence(mine, standardNormal({ eventShape: [2] }))).toThrow("KL('mine' || 'standardNormal')");
    const other = logistic({ location: 0, scale: 1 });
    for (const p of [uniform({ low: 0, high: 1 }), bernoulli({ logits: 0 }), diagNormal({ mean: 0, scale: 1 }), other]) {
      expect(() => klDivergence(p, other)).toThrow('no formula is known');
    }
    const { batchShape: _, ...bare } = standardNormal({ eventShape: [2] });
    const many = diagNormal({ mean: tf.zeros([3, 2]), scale: 1 });
    expect(klDivergence(bare, bare).arraySync()).toBe(0);
    expect([klDivergence(bare, many).arraySync(), klDivergence(many, bare).arraySync()]).toEqual([
      [0, 0, 0],
      [0, 0, 0],
    ]);
  });

  it('names what is wrong', () => {
    const p = standardNormal({ eventShape: [2] });
    const cases: [() => unknown, string][] = [
      [
        () => klDivergence(p, logistic({ location: 0, scale: 1, eventShape: [2] })),
        "klDivergence: no formula is known for KL('standardNormal' || 'logistic'); estimate it from draws of 'standardNormal' instead.",
      ],
      [
        () => klDivergence(logistic({ location: 0, scale: 1 }), logistic({ location: 0, scale: 1 })),
        "KL('logistic' || 'logistic')",
      ],
      [() => klDivergence(bernoulli({ logits: 0 }), uniform({ low: 0, high: 1 })), "KL('bernoulli' || 'uniform')"],
      [() => klDivergence(uniform({ low: 0, high: 1 }), bernoulli({ logits: 0 })), "KL('uniform' || 'bernoulli')"],
      [
        () => klDivergence(p, standardNormal({ eventShape: [3] })),
        "p ('standardNormal') has events of shape [2], but q ('standardNormal') of [3].",
      ],
      [() => klDivergence(p, standardNormal({ eventShape: [2, 1] })), 'of [2, 1].'],
      [() => klDivergence(p, 1 as unknown as Distribution), 'klDivergence: q should be a distribution, but got 1.'],
      [() => klDivergence({} as Distribution, p), 'klDivergence: p should be a distribution'],
      [
        () => klDivergence(diagNormal({ mean: tf.zeros([3, 2]), scale: 1 }), diagNormal({ mean: tf.zeros([4, 2]), scale: 1 })),
        'klDivergence: shapes [3] and [4] do not broadcast.',
      ],
    ];
    for (const [call, message] of cases) {
      expect(call).toThrow(message);
    }
  });
});
