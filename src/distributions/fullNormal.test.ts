import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { mlp } from '../conditioners/mlp.js';
import type { Distribution } from '../core/distribution.js';
import { createRng } from '../core/rng.js';
import { elbo } from '../objectives/elbo.js';
import { vae } from '../objectives/vae.js';
import { checkDistribution, expectNoLeak } from '../testing/index.js';
import { diagNormal } from './diagNormal.js';
import { fullNormal } from './fullNormal.js';
import { klDivergence } from './klDivergence.js';
import { laplace } from './laplace.js';
import { logistic } from './logistic.js';
import { mixture } from './mixture.js';
import { standardNormal } from './standardNormal.js';

const numbers = (t: tf.Tensor | undefined): number[] => Array.from((t as tf.Tensor).dataSync());

const MEAN = [0.5, -1, 2];
const FACTOR = [
  [1.5, 7, -8],
  [-0.75, 0.5, 9],
  [2, 1.25, -0.8],
];
const OTHER = {
  mean: [-0.25, 0.5, 1],
  factor: [
    [0.75, 0, 0],
    [0.5, 1.25, 0],
    [-1, 0.25, 2],
  ],
};
const p3 = () => fullNormal({ mean: tf.tensor1d(MEAN), scaleTril: tf.tensor2d(FACTOR) });
const q3 = () => fullNormal({ mean: tf.tensor1d(OTHER.mean), scaleTril: tf.tensor2d(OTHER.factor) });

/** L^-1 v by substitution, in float64. */
function solved(factor: number[][], v: number[]): number[] {
  const z: number[] = [];
  factor.forEach((row, i) => {
    const known = z.reduce((sum, value, j) => sum + (row[j] as number) * value, 0);
    z.push(((v[i] as number) - known) / (row[i] as number));
  });
  return z;
}
const squares = (v: number[]): number => v.reduce((sum, value) => sum + value * value, 0);
const logDiagonal = (factor: number[][]): number => factor.reduce((sum, row, i) => sum + Math.log(Math.abs(row[i] as number)), 0);
const lower = (factor: number[][]): number[][] => factor.map((row, i) => row.map((value, j) => (j <= i ? value : 0)));

/** (log-det ratio + trace + distance - D) / 2, in float64. */
function klOnHost(mean: number[], factor: number[][], mean2: number[], factor2: number[][]): number {
  const size = mean.length;
  const columns = mean.map((_, j) => lower(factor).map((row) => row[j] as number));
  const trace = columns.reduce((sum, column) => sum + squares(solved(factor2, column)), 0);
  const distance = squares(
    solved(
      factor2,
      mean.map((value, i) => value - (mean2[i] as number)),
    ),
  );
  return logDiagonal(factor2) - logDiagonal(factor) + 0.5 * (trace + distance - size);
}

describe('fullNormal', () => {
  it('is a distribution', async () => {
    const plane = fullNormal({
      mean: tf.tensor1d([0.5, -1]),
      scaleTril: tf.tensor2d([
        [1.2, 5],
        [-0.9, 0.6],
      ]),
    });
    await checkDistribution({ distribution: plane, support: [-8, 8] });
    await checkDistribution({ distribution: fullNormal({ mean: tf.tensor1d([1]), scaleTril: tf.tensor2d([[-0.5]]) }) });
  });

  it('has the closed form, tails included, whatever stands above the diagonal', () => {
    const x = [
      [1, 0.25, -2],
      [30, -30, 30],
    ];
    numbers(p3().logProb(tf.tensor2d(x))).forEach((value, n) => {
      const z = solved(
        FACTOR,
        MEAN.map((mean, d) => (x[n]?.[d] as number) - mean),
      );
      const expected = -0.5 * squares(z) - logDiagonal(FACTOR) - 1.5 * Math.log(2 * Math.PI);
      expect(value / expected).toBeCloseTo(1, 5);
    });
    const entropy = logDiagonal(FACTOR) + 1.5 * (1 + Math.log(2 * Math.PI));
    expect(p3().entropy?.().arraySync()).toBeCloseTo(entropy, 5);
    expect([numbers(p3().mean?.()), numbers(p3().mode?.())]).toEqual([MEAN, MEAN]);
  });

  it('draws mean + L z, reparameterised, and holds still where frozen', () => {
    const z = numbers(createRng(3).normal([3]));
    const draw =
      (frozen = false) =>
      (m: tf.Tensor, l: tf.Tensor) =>
        fullNormal({ mean: m, scaleTril: l }).sample({ rng: createRng(3), frozen });
    const values = [tf.tensor1d(MEAN), tf.tensor2d(FACTOR)];
    const weights = tf.tensor1d([1, -2, 0.5]);
    numbers(draw()(...(values as [tf.Tensor, tf.Tensor]))).forEach((value, i) => {
      expect(value).toBeCloseTo(
        (MEAN[i] as number) + (lower(FACTOR)[i] as number[]).reduce((s, l, j) => s + l * (z[j] as number), 0),
        5,
      );
    });
    const [inMean, inFactor] = tf.grads((m, l) => tf.sum(tf.mul(draw()(m, l), weights)))(values) as [tf.Tensor, tf.Tensor];
    expect(numbers(inMean)).toEqual([1, -2, 0.5]);
    numbers(inFactor).forEach((slope, at) => {
      const [i, j] = [Math.floor(at / 3), at % 3];
      expect(slope).toBeCloseTo(j <= i ? ([1, -2, 0.5][i] as number) * (z[j] as number) : 0, 5);
    });
    expect(() => tf.grads((m, l) => tf.sum(draw(true)(m, l)))(values)).toThrow('Cannot compute gradient');
    const density = (frozen: boolean) => (m: tf.Tensor, l: tf.Tensor) =>
      fullNormal({ mean: m, scaleTril: l }).logProb(tf.tensor1d([1, 2, 3]), { frozen });
    expect(() => tf.grads(density(true))(values)).toThrow('Cannot compute gradient');
    const heldEntropy = (l: tf.Tensor) =>
      fullNormal({ mean: tf.zeros([3]), scaleTril: l }).entropy?.({ frozen: true }) as tf.Tensor;
    expect(() => tf.grad(heldEntropy)(values[1] as tf.Tensor)).toThrow('Cannot compute gradient');
    const heldMean = (m: tf.Tensor) =>
      tf.sum(fullNormal({ mean: m, scaleTril: tf.eye(3) }).mean?.({ frozen: true }) as tf.Tensor);
    expect(() => tf.grad(heldMean)(values[0] as tf.Tensor)).toThrow('Cannot compute gradient');
    const [x, logProb] = p3().sampleAndLogProb({ shape: [4], rng: createRng(1) });
    numbers(p3().logProb(x)).forEach((value, i) => {
      expect(value).toBeCloseTo(numbers(logProb)[i] as number, 4);
    });
  });

  it('has gradients of finite differences', () => {
    const x = [1, 0.25, -2];
    const [inMean, inFactor, inX] = tf
      .grads((m, l, v) => fullNormal({ mean: m, scaleTril: l }).logProb(v))([
        tf.tensor1d(MEAN),
        tf.tensor2d(FACTOR),
        tf.tensor1d(x),
      ])
      .map(numbers) as [number[], number[], number[]];
    const value = (mean: number[], factor: number[][]): number =>
      -0.5 *
        squares(
          solved(
            factor,
            mean.map((m, d) => (x[d] as number) - m),
          ),
        ) -
      logDiagonal(factor);
    MEAN.forEach((_, i) => {
      const at = (by: number) =>
        value(
          MEAN.map((m, j) => (i === j ? m + by : m)),
          FACTOR,
        );
      const slope = (at(1e-5) - at(-1e-5)) / 2e-5;
      expect((inMean[i] as number) / slope).toBeCloseTo(1, 4);
      expect((inX[i] as number) / slope).toBeCloseTo(-1, 4);
      MEAN.forEach((__, j) => {
        const moved = (by: number) =>
          value(
            MEAN,
            FACTOR.map((row, r) => row.map((entry, c) => (r === i && c === j ? entry + by : entry))),
          );
        const expected = j <= i ? (moved(1e-5) - moved(-1e-5)) / 2e-5 : 0;
        expect(Math.abs((inFactor[3 * i + j] as number) - expected)).toBeLessThan(1e-4 * (1 + Math.abs(expected)));
      });
    });
  });

  it('has KL divergences to and from every normal', () => {
    const kl = (p: Distribution, q: Distribution): number => klDivergence(p, q).arraySync() as number;
    const identity = [0, 1, 2].map((i) => [0, 1, 2].map((j) => (i === j ? 1 : 0)));
    const scales = [0.5, 2, 1.5];
    const diagonal = identity.map((row, i) => row.map((value) => value * (scales[i] as number)));
    const diag = diagNormal({ mean: tf.tensor1d(OTHER.mean), scale: tf.tensor1d(scales) });
    const standard = standardNormal({ eventShape: [3] });
    const cases: [Distribution, Distribution, number][] = [
      [p3(), q3(), klOnHost(MEAN, FACTOR, OTHER.mean, OTHER.factor)],
      [q3(), p3(), klOnHost(OTHER.mean, OTHER.factor, MEAN, FACTOR)],
      [p3(), diag, klOnHost(MEAN, FACTOR, OTHER.mean, diagonal)],
      [diag, p3(), klOnHost(OTHER.mean, diagonal, MEAN, FACTOR)],
      [p3(), standard, klOnHost(MEAN, FACTOR, [0, 0, 0], identity)],
      [standard, p3(), klOnHost([0, 0, 0], identity, MEAN, FACTOR)],
      [p3(), diagNormal({ mean: 0.5, logScale: 0, eventShape: [3] }), klOnHost(MEAN, FACTOR, [0.5, 0.5, 0.5], identity)],
    ];
    for (const [p, q, expected] of cases) {
      expect(kl(p, q) / expected).toBeCloseTo(1, 5);
    }
    expect(kl(p3(), p3())).toBe(0);
    // Small ones do not cancel: d^2 of one scale.
    const near = fullNormal({ mean: tf.tensor1d([0]), scaleTril: tf.tensor2d([[1 + 2 ** -10]]) });
    const d = Math.log1p(2 ** -10);
    expect(kl(near, standardNormal({ eventShape: [1] })) / (0.5 * (Math.expm1(2 * d) - 2 * d))).toBeCloseTo(1, 3);
    const other = logistic({ location: tf.zeros([3]), scale: 1 });
    expect(() => kl(p3(), other)).toThrow("no formula is known for KL('fullNormal' || 'logistic')");
    const { family: _, ...nameless } = standard;
    expect(() => kl(p3(), nameless)).toThrow('no formula is known');
    expect(() => kl(logistic({ location: tf.zeros([3]), scale: 1 }), p3())).toThrow('no formula is known');
    const some = mixture({ logits: tf.zeros([1]), components: [p3()] });
    expect(() => kl(diag, some)).toThrow('no formula is known');
  });

  it('differentiates divergences in both, and not where frozen', () => {
    const values = [tf.tensor1d(MEAN), tf.tensor2d(FACTOR), tf.tensor1d(OTHER.mean), tf.tensor2d(OTHER.factor)];
    const kl = (frozen: boolean) => (m: tf.Tensor, l: tf.Tensor, m2: tf.Tensor, l2: tf.Tensor) =>
      klDivergence(fullNormal({ mean: m, scaleTril: l }), fullNormal({ mean: m2, scaleTril: l2 }), { frozen });
    const [inMean, inFactor, inMean2, inFactor2] = tf.grads(kl(false))(values).map(numbers) as [
      number[],
      number[],
      number[],
      number[],
    ];
    const slope = (at: (by: number) => number): number => (at(1e-5) - at(-1e-5)) / 2e-5;
    const put = (v: number[], i: number, by: number): number[] => v.map((value, j) => (i === j ? value + by : value));
    const putIn = (m: number[][], i: number, j: number, by: number): number[][] =>
      m.map((row, r) => (r === i ? put(row, j, by) : row));
    const check = (found: number, expected: number): void =>
      expect(Math.abs(found - expected)).toBeLessThan(1e-4 * (1 + Math.abs(expected)));
    for (const i of [0, 1, 2]) {
      check(
        inMean[i] as number,
        slope((by) => klOnHost(put(MEAN, i, by), FACTOR, OTHER.mean, OTHER.factor)),
      );
      check(
        inMean2[i] as number,
        slope((by) => klOnHost(MEAN, FACTOR, put(OTHER.mean, i, by), OTHER.factor)),
      );
      for (const j of [0, 1, 2]) {
        const at = 3 * i + j;
        check(
          inFactor[at] as number,
          slope((by) => klOnHost(MEAN, putIn(FACTOR, i, j, by), OTHER.mean, OTHER.factor)),
        );
        check(
          inFactor2[at] as number,
          slope((by) => klOnHost(MEAN, FACTOR, OTHER.mean, putIn(OTHER.factor, i, j, by))),
        );
      }
    }
    expect(() => tf.grads(kl(true))(values)).toThrow('Cannot compute gradient');
    const fromDiag = (m: tf.Tensor) =>
      klDivergence(diagNormal({ mean: tf.zeros([3]), scale: 1 }), fullNormal({ mean: m, scaleTril: tf.eye(3) }), {
        frozen: true,
      });
    expect(() => tf.grad(fromDiag)(tf.ones([3]))).toThrow('Cannot compute gradient');
  });

  it('has divergences from and to normals whose parameters are numbers, and none from or to others', () => {
    const p = fullNormal({ mean: tf.tensor1d(MEAN), scaleTril: tf.tensor2d(FACTOR) });
    const [numbered, spelt] = [
      diagNormal({ mean: 0.5, scale: 2, eventShape: [3] }),
      diagNormal({ mean: tf.fill([3], 0.5), scale: tf.fill([3], 2) }),
    ];
    expect(klDivergence(numbered, p).arraySync()).toBeCloseTo(klDivergence(spelt, p).arraySync() as number, 5);
    expect(klDivergence(p, numbered).arraySync()).toBeCloseTo(klDivergence(p, spelt).arraySync() as number, 5);
    const other = laplace({ location: tf.zeros([3]), scale: 1 });
    expect(() => klDivergence(p, other)).toThrow("no formula is known for KL('fullNormal' || 'laplace')");
    expect(() => klDivergence(other, p)).toThrow("no formula is known for KL('laplace' || 'fullNormal')");
  });

  it('batches means, factors, or both', async () => {
    const rng = createRng(2);
    const means = rng.normal([4, 1, 3]);
    const factors = tf.add(rng.normal([2, 3, 3]), tf.mul(tf.eye(3), 3));
    const p = fullNormal({ mean: means, scaleTril: factors });
    expect([p.eventShape, p.batchShape?.()]).toEqual([[3], [4, 2]]);
    expect([p.sample({ shape: [5] }).shape, p.sample().shape, p.mean?.().shape, p.entropy?.().shape]).toEqual([
      [5, 4, 2, 3],
      [4, 2, 3],
      [4, 2, 3],
      [4, 2],
    ]);
    const x = rng.normal([6, 1, 1, 3]);
    const logProb = p.logProb(x);
    const kl = klDivergence(p, fullNormal({ mean: tf.zeros([3]), scaleTril: tf.eye(3) }));
    expect([logProb.shape, p.logProb(tf.ones([3])).shape, kl.shape]).toEqual([
      [6, 4, 2],
      [4, 2],
      [4, 2],
    ]);
    expect(klDivergence(diagNormal({ mean: tf.zeros([2, 3]), scale: 1 }), p).shape).toEqual([4, 2]);
    const alone = fullNormal({
      mean: tf.reshape(tf.slice(means, [3, 0, 0], [1, 1, 3]), [3]),
      scaleTril: tf.reshape(tf.slice(factors, [1, 0, 0], [1, 3, 3]), [3, 3]),
    });
    const each = numbers(alone.logProb(tf.reshape(x, [6, 3])));
    each.forEach((value, n) => {
      expect((logProb.arraySync() as number[][][])[n]?.[3]?.[1]).toBeCloseTo(value, 4);
    });
    expect((kl.arraySync() as number[][])[3]?.[1]).toBeCloseTo(
      klDivergence(alone, standardNormal({ eventShape: [3] })).arraySync() as number,
      4,
    );
    // Draws of one example have its moments.
    const draws = tf.squeeze(tf.slice(p.sample({ shape: [20000], rng }), [0, 3, 1, 0], [-1, 1, 1, -1]));
    const centred = tf.sub(draws, alone.mean?.() as tf.Tensor);
    const covariance = numbers(tf.div(tf.matMul(centred, centred, true), 20000));
    const factor = lower(tf.reshape(tf.slice(factors, [1, 0, 0], [1, 3, 3]), [3, 3]).arraySync() as number[][]);
    covariance.forEach((value, at) => {
      const [i, j] = [Math.floor(at / 3), at % 3] as [number, number];
      const entry = (a: number, b: number): number =>
        (factor[a] as number[]).reduce((sum, l, k) => sum + l * (factor[b]?.[k] as number), 0);
      const error = Math.sqrt((entry(i, i) * entry(j, j) + entry(i, j) ** 2) / 20000);
      expect(Math.abs(value - entry(i, j))).toBeLessThan(5 * error);
    });
    const many = fullNormal({ mean: tf.zeros([1, 3]), scaleTril: tf.eye(3, 3, [1]) });
    expect([many.batchShape?.(), many.logProb(tf.ones([3])).shape, many.entropy?.().shape]).toEqual([[1], [1], [1]]);
    await expectNoLeak(() => [
      p.sample(),
      p.logProb(x),
      ...p.sampleAndLogProb(),
      p.mean?.(),
      p.mode?.(),
      p.entropy?.(),
      klDivergence(p, p),
    ]);
  });

  it('is a prior with an analytic divergence, constant where the call is frozen', () => {
    const rng = createRng(1);
    const factor = tf.variable(
      tf.tensor2d([
        [1, 0],
        [0.5, 2],
      ]),
    );
    const model = vae({
      encoder: mlp({ inputDim: 3, hidden: [4], outputDim: 4, rng }),
      decoder: mlp({ inputDim: 2, hidden: [4], outputDim: 3, rng }),
      prior: fullNormal({ mean: tf.tensor1d([0.5, -0.25]), scaleTril: factor }),
    });
    const x = tf.ones([5, 3]);
    const kl = (frozen: boolean) =>
      tf.sum(elbo({ model, kl: 'analytic' }).terms(x, { rng: createRng(2), frozen }).kl) as tf.Scalar;
    const expected = tf.sum(klDivergence(model.posterior(x), model.prior));
    expect(kl(false).arraySync()).toBeCloseTo(expected.arraySync() as number, 4);
    const { grads } = tf.variableGrads(() => kl(false), [factor]);
    expect(numbers(grads[factor.name]).filter((slope) => slope !== 0).length).toBe(3);
    expect(kl(true).arraySync()).toBeCloseTo(expected.arraySync() as number, 4);
    expect(() => tf.variableGrads(() => kl(true), [factor])).toThrow('Cannot find a connection');
  });

  it('names what is wrong', () => {
    const [mean, scaleTril] = [tf.zeros([3]), tf.eye(3)];
    type Options = Parameters<typeof fullNormal>[0];
    const cases: [() => unknown, string][] = [
      [
        () => fullNormal({ scaleTril } as unknown as Options),
        'fullNormal: options.mean should be a float32 tensor of shape [...batch, ?], but got nothing.',
      ],
      [
        () => fullNormal({ mean } as unknown as Options),
        'fullNormal: options.scaleTril should be a float32 tensor of shape [...batch, 3, 3], but got nothing.',
      ],
      [
        () => fullNormal({ mean: tf.scalar(0), scaleTril }),
        'fullNormal: options.mean should be a float32 tensor of shape [...batch, ?]',
      ],
      [
        () => fullNormal({ mean, scaleTril: tf.eye(2) }),
        'fullNormal: options.scaleTril should be a float32 tensor of shape [...batch, 3, 3]',
      ],
      [
        () => fullNormal({ mean, scaleTril: tf.zeros([3]) }),
        'fullNormal: options.scaleTril should be a float32 tensor of shape [...batch, 3, 3]',
      ],
      [
        () => fullNormal({ mean: tf.zeros([4, 3]), scaleTril: tf.zeros([5, 3, 3]) }),
        'fullNormal: shapes [4] and [5] do not broadcast.',
      ],
      [() => fullNormal({ mean, scaleTril, covariance: 1 } as unknown as Options), "fullNormal: unknown option 'covariance'"],
      [() => fullNormal({ mean, scaleTril }).logProb(tf.zeros([2])), 'fullNormal.logProb: value should be'],
    ];
    for (const [call, message] of cases) {
      expect(call).toThrow(message);
    }
  });
});
