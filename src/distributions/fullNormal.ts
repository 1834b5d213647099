import type { Tensor } from '@tensorflow/tfjs-core';
import {
  abs,
  add,
  broadcastTo,
  concat,
  exp,
  expandDims,
  eye,
  log,
  matMul,
  mul,
  reshape,
  slice,
  square,
  sub,
  sum,
  transpose,
  zeros,
} from '@tensorflow/tfjs-core';
import type { CallOptions } from '../core/bijector.js';
import { defineDistribution } from '../core/defineDistribution.js';
import type { Distribution, DistributionFamily } from '../core/distribution.js';
import { checkOptions } from '../core/errors.js';
import { LOG_TWO_PI } from '../core/math.js';
import { parameterAt } from '../core/parameterShapes.js';
import { batchShapeOf, broadcastShapes, checkEvent, sizeOf } from '../core/shapes.js';
import { diagonalOf, lowerTriangle, triangularSolve } from '../kernels/triangularSolve/triangularSolve.js';
import type { NormalParameters } from './normalFamily.js';
import { scaleKl } from './normalFamily.js';

/** What `fullNormal` takes. */
export interface FullNormalOptions {
  /** [...batch, D]; batch axes broadcast with those of the factor. */
  readonly mean: Tensor;
  /**
   * L, a Cholesky factor of the covariance L L^T: [...batch, D, D], of which the lower triangle counts, with no zero on its diagonal (not
   * checked, since that would mean reading it).
   */
  readonly scaleTril: Tensor;
}

/**
 * Normal with any covariance, by its Cholesky factor: x = mean + L z, z ~ N(0, I).
 *
 * log p(x) = -|L^-1 (x - mean)|^2 / 2 - sum log|L_ii| - D log(2 pi) / 2, in nats; entropy sum log|L_ii| + D (1 + log(2 pi)) / 2. Mean and
 * mode are `mean`. `klDivergence` to and from other normals, `diagNormal` and `standardNormal` among them, is analytic. L^-1 is never
 * formed: the system is solved by D steps of substitution on the device.
 *
 * Shapes: draws [...shape, ...batch, D], log-probabilities [...batch]. Draws are reparameterised. Given tensors stay the caller's. For a
 * full covariance that is trained, take a `flow` of a standard normal by `lowerUpper`, or make L of a network's output with a diagonal
 * kept positive.
 *
 * @throws where mean or factor is missing, is no float32 tensor, where the factor is not square or not as large as the mean, where
 * batch axes do not broadcast, for an unknown option.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { fullNormal, klDivergence, standardNormal } from 'tfjs-flows';
 *
 * const p = fullNormal({ mean: tf.tensor1d([1, 2]), scaleTril: tf.tensor2d([[1, 0], [2, 3]]) });
 * console.log(p.logProb(tf.tensor1d([2, 7])).dataSync()[0]!.toFixed(4)); // => -3.9365
 * console.log(klDivergence(p, standardNormal({ eventShape: [2] })).dataSync()[0]!.toFixed(4)); // => 7.4014
 * ```
 */
export function fullNormal(options: FullNormalOptions): Distribution {
  checkOptions('fullNormal', options, ['mean', 'scaleTril']);
  const { mean, scaleTril } = options;
  checkEvent('fullNormal', 'options.mean', mean, [null]);
  const size = mean.shape.at(-1) as number;
  checkEvent('fullNormal', 'options.scaleTril', scaleTril, [size, size]);
  const batchShape = broadcastShapes('fullNormal', batchShapeOf(mean, 1), batchShapeOf(scaleTril, 2));
  const at = (call: CallOptions): FullNormalParameters => ({
    mean: parameterAt('fullNormal', mean, call),
    scaleTril: parameterAt('fullNormal', scaleTril, call),
  });
  const center = (call: CallOptions): Tensor => broadcastTo(at(call).mean, [...batchShape, size]);
  const family: DistributionFamily = {
    name: 'fullNormal',
    parameters: (call = {}) => ({ ...at(call) }),
    klFrom: (p, call = {}) => {
      const parameters = parametersOf(p, call, size);
      return parameters && kl(parameters, at(call));
    },
  };
  const density = (z: Tensor, { scaleTril: l }: FullNormalParameters): Tensor =>
    sub(sub(mul(sum(square(z), -1), -0.5), logDiagonal(l)), 0.5 * size * LOG_TWO_PI);

  return defineDistribution({
    name: 'fullNormal',
    eventShape: [size],
    batchShape: () => batchShape,
    sample: (shape, { rng, ...call }) => move(rng.normal(shape), at(call)),
    logProb: (value, call) => {
      const parameters = at(call);
      return density(perMatrix(parameters.scaleTril, sub(value, parameters.mean), triangularSolve), parameters);
    },
    sampleAndLogProb: (shape, { rng, ...call }) => {
      const [z, parameters] = [rng.normal(shape), at(call)];
      return [move(z, parameters), density(z, parameters)];
    },
    mean: center,
    mode: center,
    entropy: (call) => add(broadcastTo(logDiagonal(at(call).scaleTril), batchShape), 0.5 * size * (1 + LOG_TWO_PI)),
    family,
    klTo: (other, call = {}) => {
      const parameters = other.family && parametersOf(other.family, call, size);
      return parameters && kl(at(call), parameters);
    },
  });
}

interface FullNormalParameters {
  readonly mean: Tensor;
  readonly scaleTril: Tensor;
}

/** mean + L z. */
const move = (z: Tensor, { mean, scaleTril }: FullNormalParameters): Tensor =>
  add(
    mean,
    perMatrix(scaleTril, z, (l, rows) => matMul(rows, transpose(lowerTriangle(l, true), [0, 2, 1]))),
  );

/** sum log|L_ii|: [...batch, D, D] -> [...batch]. */
const logDiagonal = (scaleTril: Tensor): Tensor => sum(log(abs(diagonalOf(scaleTril))), -1);

/** f of matrices [M, D, D] and the vectors [M, N, D] that belong to each, from [...a, D, D] and [...b, D] that broadcast. */
function perMatrix(matrix: Tensor, vectors: Tensor, f: (matrices: Tensor, rows: Tensor) => Tensor): Tensor {
  const size = vectors.shape.at(-1) as number;
  const [own, theirs] = [batchShapeOf(matrix, 2), batchShapeOf(vectors, 1)];
  const batch = broadcastShapes('fullNormal', own, theirs);
  const result =
    sizeOf(own) === 1
      ? f(reshape(matrix, [1, size, size]), reshape(vectors, [1, -1, size]))
      : f(spread(matrix, 2, batch, [size, size]), spread(vectors, 1, batch, [1, size]));
  return reshape(result, [...batch, size]);
}

/** Over the whole batch, which becomes one axis before those of the event. As few axes as can be on the way: some backends end at four. */
function spread(x: Tensor, eventRank: number, batch: readonly number[], event: readonly number[]): Tensor {
  const size = sizeOf(event);
  const flat = reshape(x, [...batchShapeOf(x, eventRank), size]);
  return reshape(broadcastTo(flat, [...batch, size]), [-1, ...event]);
}

/** Mean and factor of a normal of either family; undefined for others. */
function parametersOf(family: DistributionFamily, call: CallOptions, size: number): FullNormalParameters | undefined {
  if (family.name === 'normal') {
    const { mean, logScale } = family.parameters(call) as unknown as NormalParameters;
    // Both may be numbers that stand for vectors.
    const vector = (x: Tensor): Tensor => add(x, zeros([size]));
    return { mean: vector(mean), scaleTril: mul(expandDims(exp(vector(logScale)), -1), eye(size)) };
  }
  return family.name === 'fullNormal' ? (family.parameters(call) as unknown as FullNormalParameters) : undefined;
}

/**
 * With A = L'^-1 L lower triangular and d_i = log A_ii: the sum of what the scales add, (e^(2d) - 1 - 2d) / 2, and half the squares of A
 * below its diagonal and of L'^-1 (m - m'). Nothing cancels where the two are close.
 */
function kl(p: FullNormalParameters, q: FullNormalParameters): Tensor {
  const size = p.mean.shape.at(-1) as number;
  const batch = [p.mean, q.mean]
    .map((mean) => batchShapeOf(mean, 1))
    .concat([p.scaleTril, q.scaleTril].map((matrix) => batchShapeOf(matrix, 2)))
    .reduce((a, b) => broadcastShapes('klDivergence', a, b));
  const [l, m] = [p, q].map(({ scaleTril }) => lowerTriangle(spread(scaleTril, 2, batch, [size, size]), true)) as [
    Tensor,
    Tensor,
  ];
  const distance = spread(sub(p.mean, q.mean), 1, batch, [1, size]);
  // Columns of L, and the distance of the means as one more.
  const solved = triangularSolve(m, concat([transpose(l, [0, 2, 1]), distance], 1));
  const [columns, moved] = [slice(solved, [0, 0, 0], [-1, size, -1]), slice(solved, [0, size, 0], [-1, 1, -1])];
  const below = lowerTriangle(transpose(columns, [0, 2, 1]), false);
  const squares = add(sum(square(below), [1, 2]), sum(square(moved), [1, 2]));
  const ratios = sub(log(abs(diagonalOf(l))), log(abs(diagonalOf(m))));
  return reshape(add(mul(squares, 0.5), sum(scaleKl(ratios), -1)), batch);
}
