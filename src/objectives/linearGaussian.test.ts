// A linear-Gaussian model has everything in closed form: z ~ N(0, I), x = W z + b + noise, q(z | x) = N(A x + a, diag s^2).
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { A, b, linearGaussian, NOISE, s, W } from '../../test/setup/linearGaussian.js';
import { createRng } from '../core/rng.js';
import { elbo } from './elbo.js';
import { estimateLogLikelihood } from './estimateLogLikelihood.js';
import { iwae } from './iwae.js';

const a = [0.1, -0.2];
const model = linearGaussian(a);
const times = (matrix: number[][], x: number[], shift: number[]): number[] =>
  matrix.map((row, i) => row.reduce((sum, w, j) => sum + w * x[j]!, shift[i]!));

/** The exact posterior N(m, S) and log p(x), by the 2 x 2 precision P = I + W'W / noise^2. */
function exact(x: number[]): { m: number[]; S: number[][]; evidence: number } {
  const v = NOISE ** 2;
  const P = [0, 1].map((i) => [0, 1].map((j) => (i === j ? 1 : 0) + W.reduce((sum, row) => sum + row[i]! * row[j]!, 0) / v));
  const det = P[0]![0]! * P[1]![1]! - P[0]![1]! * P[1]![0]!;
  const S = [
    [P[1]![1]! / det, -P[0]![1]! / det],
    [-P[1]![0]! / det, P[0]![0]! / det],
  ];
  const rest = x.map((value, i) => value - b[i]!);
  const h = [0, 1].map((j) => rest.reduce((sum, r, i) => sum + (W[i]![j]! * r) / v, 0));
  const m = times(S, h, [0, 0]);
  // log N(x; b, WW' + v I) by the Woodbury identity and the determinant lemma.
  const quadratic = rest.reduce((sum, r) => sum + r * r, 0) / v - h.reduce((sum, value, j) => sum + value * m[j]!, 0);
  const evidence = -0.5 * (3 * Math.log(2 * Math.PI) + 3 * Math.log(v) + Math.log(det) + quadratic);
  return { m, S, evidence };
}

/** KL(q || exact posterior), the gap of the ELBO. */
function gap(x: number[]): number {
  const { m, S } = exact(x);
  const mean = times(A, x, a);
  const d = mean.map((value, j) => value - m[j]!);
  const det = S[0]![0]! * S[1]![1]! - S[0]![1]! * S[1]![0]!;
  const P = [
    [S[1]![1]! / det, -S[0]![1]! / det],
    [-S[1]![0]! / det, S[0]![0]! / det],
  ];
  const trace = P[0]![0]! * s[0]! ** 2 + P[1]![1]! * s[1]! ** 2;
  const quadratic = d.reduce((sum, value, i) => sum + value * (P[i]![0]! * d[0]! + P[i]![1]! * d[1]!), 0);
  return 0.5 * (trace + quadratic - 2 + Math.log(det) - 2 * Math.log(s[0]! * s[1]!));
}

const points = [
  [0.4, -0.3, 1.1],
  [-1.5, 0.9, 0.2],
];
const ROWS = 20_000;
const summary = (t: tf.Tensor): { mean: number; error: number } => {
  const { mean, variance } = tf.moments(t);
  return { mean: mean.dataSync()[0]!, error: Math.sqrt(variance.dataSync()[0]! / t.size) };
};

describe.each(points.map((point) => [point]))('a linear-Gaussian model at %j', (point) => {
  const x = tf.tile(tf.tensor2d([point]), [ROWS, 1]);
  const { evidence } = exact(point);

  it('the ELBO is the evidence less the KL to the exact posterior, within Monte Carlo error', () => {
    expect(gap(point)).toBeGreaterThan(0.1);
    for (const kl of ['analytic', 'monteCarlo'] as const) {
      const { mean, error } = summary(elbo({ model, kl })(x, { rng: createRng(1) }));
      expect(Math.abs(mean - (evidence - gap(point)))).toBeLessThan(4 * error);
      expect(error).toBeLessThan(0.03);
    }
  });

  it('reconstruction and KL are each what they should be', () => {
    const { reconstruction, kl } = elbo({ model }).terms(x, { rng: createRng(2) });
    const mean = times(A, point, a);
    const exactKl = mean.reduce((sum, m, j) => sum + 0.5 * (m ** 2 + s[j]! ** 2 - 1) - Math.log(s[j]!), 0);
    expect(summary(kl).mean).toBeCloseTo(exactKl, 4);
    const found = summary(reconstruction);
    expect(Math.abs(found.mean - (evidence - gap(point) + exactKl))).toBeLessThan(4 * found.error);
  });

  it('importance weights average to the evidence, and bounds close in on it', async () => {
    const { mean, error } = summary(tf.exp(tf.sub(iwae({ model }).logWeights(x, { rng: createRng(3) }), evidence)));
    expect(Math.abs(mean - 1)).toBeLessThan(4 * error);
    const bounds = [1, 5, 25].map((samples) => {
      const part = tf.slice(x, 0, ROWS / samples);
      return summary(iwae({ model, samples })(part, { rng: createRng(4) }));
    });
    expect(bounds[0]!.mean + 4 * bounds[0]!.error).toBeLessThan(bounds[1]!.mean);
    expect(bounds[1]!.mean + bounds[1]!.error).toBeLessThan(bounds[2]!.mean);
    expect(bounds[2]!.mean).toBeLessThan(evidence + 4 * bounds[2]!.error);
    const report = await estimateLogLikelihood({
      model,
      data: tf.tensor2d([point]),
      samples: 20_000,
      chunk: 5000,
      rng: createRng(5),
    });
    expect(Math.abs(report.perExample[0]! - evidence)).toBeLessThan(4 * report.perExampleErrors[0]!);
    expect(report.perExampleErrors[0]).toBeLessThan(0.05);
  });
});
