import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import {
  add,
  cast,
  equal,
  exp,
  expandDims,
  greater,
  mul,
  neg,
  range,
  reshape,
  squeeze,
  sub,
  tensor1d,
  tensor2d,
  transpose,
  zeros,
} from '@tensorflow/tfjs-core';
import type { Bijector, CallOptions } from '../core/bijector.js';
import { defineBijector } from '../core/bijector.js';
import { buffer, parameter } from '../core/module.js';
import type { Plu } from '../core/randomRotation.js';
import { own } from '../core/stopGradient.js';
import { sumLogDerivative } from '../core/sumLogDerivative.js';
import { multiply } from '../kernels/dense/multiply.js';
import { triangularSolve } from '../kernels/triangularSolve/triangularSolve.js';

/** What `pluBijector` takes. */
export interface PluBijectorSpec {
  readonly name: string;
  /** Size of the last axis. */
  readonly dim: number;
  /** Trailing axes that form one event; the matrix acts along the last. */
  readonly eventRank: number;
  readonly bias: boolean;
  /** Initial factors, with a permutation. Default: the identity, without one. */
  readonly initial?: Plu;
}

/**
 * y = P L U x + b along the last axis: what `lowerUpper` and `invertibleConv1x1` share.
 *
 * Parameters `lower` and `upper` [D, D], of which the entries below and above the diagonal count, `logScale` [D] and `bias` [D]
 * where there is one; buffers `sign` [D] and, where there are initial factors, `permutation` [D, D]. L has ones on its diagonal and
 * U sign exp(logScale). The inverse matrix is formed once a call, by one substitution a row.
 */
export function pluBijector({ name, dim, eventRank, bias, initial }: PluBijectorSpec): Bijector {
  const matrix = (rows?: readonly (readonly number[])[]): Tensor =>
    rows === undefined ? zeros([dim, dim]) : tensor2d(rows as number[][], [dim, dim]);
  const lower = parameter(() => matrix(initial?.lower));
  const upper = parameter(() => matrix(initial?.upper));
  const scales = initial?.scales ?? Array.from({ length: dim }, () => 1);
  const logScale = parameter(() => tensor1d(scales.map((scale) => Math.log(Math.abs(scale)))));
  const shift = bias ? parameter(() => zeros([dim])) : undefined;
  const sign = buffer(() => tensor1d(scales.map(Math.sign), 'float32'));
  const permutation = initial === undefined ? undefined : buffer(() => matrix(initial.permutation));

  const factors = (call: CallOptions): Factors => {
    const rows = reshape(range(0, dim), [dim, 1]);
    const columns = range(0, dim);
    const below = mul(own(lower, call), cast(greater(rows, columns), 'float32'));
    const above = mul(own(upper, call), cast(greater(columns, rows), 'float32'));
    return { below, above, identity: cast(equal(rows, columns), 'float32'), logScale: own(logScale, call) };
  };
  const forwardMatrix = ({ below, above, identity, logScale }: Factors): Tensor => {
    const product = multiply(add(below, identity), add(above, mul(identity, mul(sign, exp(logScale)))));
    return permutation === undefined ? product : multiply(permutation, product);
  };
  const inverseMatrix = ({ below, above, identity, logScale }: Factors): Tensor => {
    // U = (I + above / s) s with s along its columns, so its inverse has rows divided by s.
    const inverseScale = mul(sign, exp(neg(logScale)));
    const unit = transpose(inverseOfUnitLower(transpose(mul(above, inverseScale)), identity));
    const inverseOfUpper = mul(unit, reshape(inverseScale, [dim, 1]));
    const product = multiply(inverseOfUpper, inverseOfUnitLower(below, identity));
    return permutation === undefined ? product : multiply(product, transpose(permutation));
  };

  return defineBijector({
    name,
    forwardEvent: [...Array(eventRank - 1).fill(null), dim],
    parameters: { lower, upper, logScale, ...(shift === undefined ? {} : { bias: shift }) } as Record<string, Variable>,
    buffers: { sign, ...(permutation === undefined ? {} : { permutation }) } as Record<string, Variable>,
    forwardAndLogDet: (x, call) => {
      const all = factors(call);
      const y = multiply(x, transpose(forwardMatrix(all)), shift === undefined ? undefined : own(shift, call));
      return [y, sumLogDerivative(all.logScale, x, eventRank)];
    },
    inverseAndLogDet: (y, call) => {
      const all = factors(call);
      // By rows: on WebGPU the difference of a tensor of five axes and a vector came out wrong in tests.
      const rows = reshape(y, [-1, dim]);
      const moved = shift === undefined ? rows : sub(rows, own(shift, call));
      return [
        reshape(multiply(moved, transpose(inverseMatrix(all))), y.shape),
        sumLogDerivative(neg(all.logScale), y, eventRank),
      ];
    },
  });
}

interface Factors {
  /** L - I. */
  readonly below: Tensor;
  /** U without its diagonal. */
  readonly above: Tensor;
  readonly identity: Tensor;
  readonly logScale: Tensor;
}

/** (I + below)^-1: the rows of the identity solved for are its columns. */
function inverseOfUnitLower(below: Tensor, identity: Tensor): Tensor {
  const solved = triangularSolve(expandDims(add(below, identity), 0), expandDims(identity, 0));
  return transpose(squeeze(solved, [0]));
}
