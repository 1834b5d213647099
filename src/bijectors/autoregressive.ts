import type { Tensor } from '@tensorflow/tfjs-core';
import {
  add,
  cast,
  clipByValue,
  equal,
  expandDims,
  greaterEqual,
  mul,
  reshape,
  stack,
  sum,
  tensor1d,
  transpose,
  zeros,
} from '@tensorflow/tfjs-core';
import type { Bijector, CallOptions, Cost } from '../core/bijector.js';
import { defineBijector } from '../core/bijector.js';
import type { AutoregressiveConditioner } from '../core/conditioner.js';
import { checkInteger, checkOptions, invalid, isTensorLike } from '../core/errors.js';
import { oneBatchAxis } from '../core/oneBatchAxis.js';
import { select } from '../core/select.js';
import type { Transformer } from '../core/transformer.js';
import { withShape } from '../core/withShape.js';
import { inversePermutation, rearrange } from '../kernels/rearrange/rearrange.js';
import { splitRows } from '../kernels/splitRows/splitRows.js';
import type { TransformerMethod } from '../kernels/transformRows.js';
import { transformAll } from '../kernels/transformRows.js';
import { checkSizes } from './coupling.js';

/** The sizes that an autoregressive bijector's conditioner must have: D inputs, D P outputs. */
export interface AutoregressiveSizes {
  readonly dim: number;
  readonly parameterSize: number;
  readonly contextDim: number;
}

/** What `autoregressive` takes. */
export interface AutoregressiveOptions {
  /** D: size of an event. */
  readonly dim: number;
  readonly transformer: Transformer;
  /** Makes the conditioner, which the bijector then owns, of the needed sizes. */
  readonly conditioner: (sizes: AutoregressiveSizes) => AutoregressiveConditioner;
  /** Which direction takes one pass: 'forward' conditions on x, as in IAF, 'inverse' on y, as in MAF. */
  readonly parallel: 'forward' | 'inverse';
  /** Default 0: takes no context. */
  readonly contextDim?: number;
  /** What it is called in errors. Default 'autoregressive'. */
  readonly name?: string;
}

/**
 * Autoregressive bijector: y_d = T(x_d; theta_d), where theta_d depends on the entries of lower rank than d.
 *
 * With `parallel: 'forward'` these are entries of x: `forward` runs the conditioner once, `inverse` finds an entry at a time in the
 * conditioner's order. With `parallel: 'inverse'` they are entries of y, and it is the other way round. The transformer runs forward
 * from base to data in both. log|det| is the sum of its log-derivatives. The slow direction is differentiable like the fast one,
 * through all of its steps; entries that leave +-1e18 on the way are held there.
 *
 * A conditioner that offers `stepwise`, as `made` does, takes the multiplications of one evaluation for all D steps together, though
 * in D times as many operations; any other is evaluated D times.
 *
 * Shapes: x and y [...batch, D], log-det [...batch], context [...batch, contextDim]. Costs: one direction parallel, the other
 * sequential; iterative where the transformer's is. Parameters are the conditioner's: `conditioner.hidden0.kernel` ...
 *
 * @throws for a conditioner of other sizes than asked for or whose order is no permutation, an unknown option, and at a call
 * for a wrong shape.
 * Source: Kingma et al. 2016 (IAF); Papamakarios et al. 2017 (MAF).
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { affineTransformer, autoregressive, createRng, made } from 'tfjs-flows';
 *
 * const flow = autoregressive({
 *   dim: 3,
 *   transformer: affineTransformer(),
 *   conditioner: (sizes) => made({ ...sizes, hidden: [16], rng: createRng(0) }),
 *   parallel: 'inverse',
 * });
 * const y = tf.tensor2d([[1, -1, 2]]);
 * console.log(flow.forwardCost, flow.inverseCost); // => sequential parallel
 * console.log(tf.max(tf.abs(tf.sub(flow.forward(flow.inverse(y)), y))).dataSync()[0]! < 1e-5); // => true
 * ```
 */
export function autoregressive(options: AutoregressiveOptions): Bijector {
  checkOptions('autoregressive', options, ['dim', 'transformer', 'conditioner', 'parallel', 'contextDim', 'name']);
  const { dim, transformer, parallel, contextDim = 0, name = 'autoregressive' } = options;
  checkInteger(name, 'options.dim', dim, 1);
  checkInteger(name, 'options.contextDim', contextDim, 0);
  if (parallel !== 'forward' && parallel !== 'inverse') {
    throw invalid(name, 'options.parallel', "'forward' or 'inverse'", parallel);
  }
  const size = transformer.parameterSize;
  const conditioner = options.conditioner({ dim, parameterSize: size, contextDim });
  checkSizes(name, conditioner, { inputDim: dim, outputDim: dim * size, contextDim });
  checkOrder(name, conditioner.order, dim);

  /** What is given is what the conditioner reads. */
  const inOnePass = (method: TransformerMethod, x: Tensor, call: CallOptions): [Tensor, Tensor] => {
    const rows = withShape(x, [x.size / dim, dim]);
    const parameters = withShape(conditioner.apply(x, call), [x.size / dim, dim * size]);
    const [y, logDet] = transformAll(transformer, method, rows, parameters);
    return [withShape(y, x.shape), withShape(logDet, x.shape.slice(0, -1))];
  };
  /** What comes out is what the conditioner reads, in the order of the ranks. */
  const entryByEntry = (method: TransformerMethod, x: Tensor, call: CallOptions): [Tensor, Tensor] => {
    const batch = x.shape.slice(0, -1);
    // The order stays on the device, where weights that are loaded bring their own.
    const order = isTensorLike(conditioner.order) ? conditioner.order : tensor1d([...conditioner.order], 'int32');
    const inverse = inversePermutation(order);
    const ranked = rearrange(transpose(reshape(x, [-1, dim])), inverse, order, 0);
    const step = conditioner.stepwise?.(batch, call) ?? anew(conditioner, order, size, batch, call);
    const found: Tensor[] = [];
    const logDerivatives: Tensor[] = [];
    for (const row of splitRows(ranked, new Array(dim).fill(1))) {
      const [far, logDerivative] = transformer[method](reshape(row, batch), step(found.at(-1)));
      // An entry that overflows would make all of those after it NaN. One that is NaN stays so: clipped on WASM it would not.
      found.push(select(greaterEqual(far, far), clipByValue(far, -FARTHEST, FARTHEST), far));
      logDerivatives.push(logDerivative);
    }
    const known = rearrange(reshape(stack(found), [dim, -1]), order, inverse, 0);
    return [reshape(transpose(known), x.shape), sum(stack(logDerivatives), 0)];
  };

  const cost = (direction: 'forward' | 'inverse'): Cost => {
    const own = transformer[`${direction}Cost`];
    return direction === parallel || own === 'iterative' ? own : 'sequential';
  };
  const run =
    (direction: 'forward' | 'inverse') =>
    (x: Tensor, call: CallOptions): [Tensor, Tensor] =>
      (direction === parallel ? inOnePass : entryByEntry)(`${direction}AndLogDerivative`, x, call);
  return defineBijector(
    oneBatchAxis({
      name,
      forwardEvent: [dim],
      forwardCost: cost('forward'),
      inverseCost: cost('inverse'),
      contextDim,
      parts: { conditioner },
      forwardAndLogDet: run('forward'),
      inverseAndLogDet: run('inverse'),
    }),
  );
}

/** Its square, and what a network makes of it, are finite in float32; a density there is 0. */
const FARTHEST = 1e18;

/** For each entry a whole evaluation: those not yet known count as 0, which no masked output sees. */
function anew(
  conditioner: AutoregressiveConditioner,
  order: Tensor,
  size: number,
  batch: readonly number[],
  call: CallOptions,
): (entry?: Tensor) => Tensor {
  const dim = conditioner.inputDim;
  let known: Tensor = zeros([...batch, dim]);
  let here: Tensor;
  let rank = 0;
  return (entry) => {
    known = entry === undefined ? known : add(known, mul(expandDims(entry, -1), here));
    // 1 at the entry of this rank.
    here = cast(equal(order, rank), 'float32');
    rank += 1;
    const all = reshape(conditioner.apply(known, call), [...batch, dim, size]);
    return sum(mul(all, expandDims(here, 1)), -2);
  };
}

function checkOrder(where: string, order: unknown, dim: number): void {
  const ranks = Array.from({ length: dim }, (_, rank) => rank);
  const holds = isTensorLike(order)
    ? order.dtype === 'int32' && order.shape.join() === `${dim}`
    : Array.isArray(order) && order.length === dim && ranks.every((rank) => order.includes(rank));
  if (!holds) {
    const expected = `a permutation of 0 ... ${dim - 1}, or an int32 tensor of shape [${dim}]`;
    throw invalid(where, 'options.conditioner(...).order', expected, order);
  }
}
