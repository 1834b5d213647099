// A linear-Gaussian model has all terms of surgery in closed form: z ~ N(0, I), x = W z + b + noise, q(z | x) = N(A x + a, diag s^2),
// so that over x ~ p(x) the aggregated posterior is the normal N(A b + a, A Cov(x) A' + diag s^2).
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { A, b, linear, linearGaussian, NOISE, s, W } from '../../test/setup/linearGaussian.js';
import { createRng } from '../core/rng.js';
import { diagNormal } from '../distributions/diagNormal.js';
import { standardNormal } from '../distributions/standardNormal.js';
import type { LatentVariableModel } from '../objectives/latentVariableModel.js';
import { elboSurgery } from './elboSurgery.js';
import { totalCorrelation } from './totalCorrelation.js';

type Matrix = readonly (readonly number[])[];
const product = (p: Matrix, q: Matrix): Matrix =>
  p.map((row) => q[0]!.map((_, j) => row.reduce((sum, value, k) => sum + value * q[k]![j]!, 0)));
const transposed = (p: Matrix): Matrix => p[0]!.map((_, j) => p.map((row) => row[j]!));
const plus = (p: Matrix, q: Matrix, factor = 1): Matrix => p.map((row, i) => row.map((value, j) => value + factor * q[i]![j]!));
const diagonal = (values: readonly number[]): Matrix => values.map((value, i) => values.map((_, j) => (i === j ? value : 0)));
const trace = (p: Matrix): number => p.reduce((sum, row, i) => sum + row[i]!, 0);
const column = (values: readonly number[]): Matrix => values.map((value) => [value]);
const squares = (p: Matrix): number => p.flat().reduce((sum, value) => sum + value ** 2, 0);

const a = [0.1, -0.4];
const model = linearGaussian(a);

/** Over x ~ p(x), in float64. */
function closedForms() {
  const covX = plus(product(W, transposed(W)), diagonal([1, 1, 1]), NOISE ** 2);
  const noise = diagonal(s.map((scale) => scale ** 2));
  const cov = plus(product(product(A, covX), transposed(A)), noise);
  const mean = plus(product(A, column(b)), column(a));
  const determinant = cov[0]![0]! * cov[1]![1]! - cov[0]![1]! * cov[1]![0]!;
  const mutualInformation = 0.5 * Math.log(determinant) - Math.log(s[0]! * s[1]!);
  const marginalKl = 0.5 * (trace(cov) + squares(mean) - 2 - Math.log(determinant));
  const independent = 0.5 * Math.log((cov[0]![0]! * cov[1]![1]!) / determinant);
  // x - W z - b = (1 - W A) x - W a - b - W s e.
  const rest = plus(diagonal([1, 1, 1]), product(W, A), -1);
  const centre = plus(plus(product(rest, column(b)), product(W, column(a)), -1), column(b), -1);
  const spread = trace(product(product(rest, covX), transposed(rest))) + trace(product(product(W, noise), transposed(W)));
  const reconstruction = -1.5 * Math.log(2 * Math.PI * NOISE ** 2) - (0.5 * (squares(centre) + spread)) / NOISE ** 2;
  const averageKl = mutualInformation + marginalKl;
  return {
    surgery: { reconstruction, averageKl, mutualInformation, marginalKl, elbo: reconstruction - averageKl },
    parts: { mutualInformation, marginalKl, averageKl, totalCorrelation: independent, dimensionWiseKl: marginalKl - independent },
  };
}

describe('a linear-Gaussian model', () => {
  it('has the closed forms of all terms, over many data points', async () => {
    const n = 2500;
    const rng = createRng(3);
    const data = tf.add(linear(rng.normal([n, 2]), W, b), tf.mul(rng.normal([n, 3]), NOISE));
    const { surgery, parts } = closedForms();
    expect(Math.min(surgery.mutualInformation, surgery.marginalKl, parts.totalCorrelation)).toBeGreaterThan(0.02);
    const report = await elboSurgery({ model, data, rng: createRng(4) });
    const split = await totalCorrelation({ model, data, rng: createRng(5) });
    const check = (found: number, error: number, expected: number): void => {
      expect(Math.abs(found - expected)).toBeLessThan(4 * error);
      expect(error).toBeLessThan(0.06);
    };
    for (const [key, expected] of Object.entries(surgery)) {
      check(report[key as keyof typeof surgery], report.standardErrors[key as keyof typeof surgery], expected);
    }
    for (const [key, expected] of Object.entries(parts)) {
      check(split[key as keyof typeof parts], split.standardErrors[key as keyof typeof parts], expected);
    }
  });

  it('has the exact terms of few data points too, by quadrature in one dimension', async () => {
    const points = [-1.7, -0.4, 0.1, 0.9, 2.3];
    const [slope, shift, scale, gain, offset, noise] = [0.6, 0.2, 0.35, 1.3, -0.2, 0.8];
    const n = points.length;
    const density = (z: number, x: number): number =>
      Math.exp(-0.5 * ((z - slope * x - shift) / scale) ** 2) / scale / Math.sqrt(2 * Math.PI);
    const exact = { reconstruction: 0, mutualInformation: 0, marginalKl: 0 };
    const step = 1e-3;
    for (let z = -8; z < 8; z += step) {
      const each = points.map((x) => density(z, x));
      const aggregate = each.reduce((sum, value) => sum + value, 0) / n;
      for (const [i, value] of each.entries()) {
        const residual = (points[i]! - gain * z - offset) / noise;
        const weight = (value / n) * step;
        exact.reconstruction -= weight * (0.5 * residual ** 2 + Math.log(noise) + 0.5 * Math.log(2 * Math.PI));
        exact.mutualInformation += weight > 0 ? weight * Math.log(value / aggregate) : 0;
        exact.marginalKl += weight > 0 ? weight * (Math.log(aggregate) + 0.5 * z ** 2 + 0.5 * Math.log(2 * Math.PI)) : 0;
      }
    }
    // The average KL is in closed form.
    const kl = (x: number): number => 0.5 * ((slope * x + shift) ** 2 + scale ** 2 - 1) - Math.log(scale);
    expect(exact.mutualInformation + exact.marginalKl).toBeCloseTo(points.reduce((sum, x) => sum + kl(x), 0) / n, 8);

    const small: LatentVariableModel = {
      prior: standardNormal({ eventShape: [1] }),
      posterior: (x) => diagNormal({ mean: tf.add(tf.mul(x, slope), shift), scale }),
      likelihood: (z) => diagNormal({ mean: tf.add(tf.mul(z, gain), offset), scale: noise }),
    };
    // The spread of runs is the Monte Carlo error: the data points are all there are.
    const runs: Record<string, number>[] = [];
    for (let seed = 0; seed < 10; seed++) {
      const { standardErrors: _, ...report } = await elboSurgery({
        model: small,
        data: tf.tensor2d(points, [n, 1]),
        samples: 2000,
        beta: 2.5,
        rng: createRng(seed),
      });
      runs.push(report as unknown as Record<string, number>);
    }
    const elbo = exact.reconstruction - 2.5 * (exact.mutualInformation + exact.marginalKl);
    for (const [key, expected] of Object.entries({ ...exact, elbo })) {
      const values = runs.map((run) => run[key]!);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const error = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1) / values.length);
      expect(Math.abs(mean - expected)).toBeLessThan(4 * error);
      expect(error).toBeLessThan(0.015);
    }
  });
});
