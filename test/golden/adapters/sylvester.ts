import type { Tensor } from '@tensorflow/tfjs-core';
import { tensor } from '@tensorflow/tfjs-core';
import type { SylvesterOptions } from 'tfjs-flows';
import { sylvester } from 'tfjs-flows';
import type { GoldenCase } from '../cases.js';
import { arrayOf, tensorOf } from '../cases.js';
import { checkRoundTrip } from '../check.js';
import type { Adapter } from './adapter.js';
import { unknown } from './adapter.js';

const TOLERANCE = 1e-5;

/** Sylvester flows, a row of parameters for each example. */
export const sylvesterAdapter: Adapter = async (golden, check) => {
  const { inputs, expected } = golden;
  const flow = sylvester({ ...variantOf(golden), given: { ...triangular(golden), ...basisOf(golden) } });
  const [y, logDet] = flow.forwardAndLogDet(tensorOf(inputs, 'x'));
  await check.near('y', y, TOLERANCE);
  await check.near('logDet', logDet, TOLERANCE);
  await checkRoundTrip(check, flow, tensorOf(expected, 'y'), TOLERANCE);
};

function variantOf({ params }: GoldenCase): Pick<SylvesterOptions, 'dim' | 'variant' | 'bottleneck' | 'reflections' | 'reverse'> {
  const { kind, D, M, H, permutation } = params as { kind: string; D: number; M: number; H: number; permutation: string };
  switch (kind) {
    case 'orthogonal':
      return { dim: D, bottleneck: M };
    case 'householder':
      return { dim: D, variant: kind, reflections: H };
    case 'triangular':
      return { dim: D, variant: kind, reverse: permutation === 'reverse' };
    default:
      throw unknown('kind', kind);
  }
}

function basisOf({ inputs, params }: GoldenCase): { q?: Tensor; v?: Tensor } {
  const { kind } = params;
  return kind === 'orthogonal' ? { q: tensorOf(inputs, 'q_raw') } : kind === 'householder' ? { v: tensorOf(inputs, 'v') } : {};
}

/** R and its partner packed into one square, and what their diagonals are tanh of. */
function triangular({ inputs }: GoldenCase): { triangles: Tensor; diagonal: Tensor; diagonalTilde: Tensor; b: Tensor } {
  const { shape, data: r } = arrayOf(inputs, 'R');
  const { data: rTilde } = arrayOf(inputs, 'R_tilde');
  const [rows, size] = shape as [number, number, number];
  const at = (matrix: readonly number[], row: number, i: number, j: number): number =>
    matrix[(row * size + i) * size + j] as number;
  const diagonalOf = (matrix: readonly number[]): Tensor =>
    tensor(
      Array.from({ length: rows * size }, (_, k) => Math.atanh(at(matrix, Math.floor(k / size), k % size, k % size))),
      [rows, size],
    );
  const triangles = Array.from({ length: rows * size * size }, (_, k) => {
    const [row, i, j] = [Math.floor(k / size / size), Math.floor(k / size) % size, k % size];
    return i < j ? at(r, row, i, j) : at(rTilde, row, j, i);
  });
  return {
    triangles: tensor(triangles, [rows, size, size]),
    diagonal: diagonalOf(r),
    diagonalTilde: diagonalOf(rTilde),
    b: tensorOf(inputs, 'b'),
  };
}
