import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import { add, tensor1d } from '@tensorflow/tfjs-core';
import type { CallOptions } from '../core/bijector.js';
import type { AutoregressiveConditioner } from '../core/conditioner.js';
import { checkInteger, checkOptions, invalid } from '../core/errors.js';
import { buffer, defineModule } from '../core/module.js';
import { randomPermutation } from '../core/randomPermutation.js';
import type { Rng } from '../core/rng.js';
import { createRng } from '../core/rng.js';
import type { Activation } from './activation.js';
import { activationFunction, saturates } from './activation.js';
import { checkHidden, defineConditioner } from './defineConditioner.js';
import type { Linear } from './linear.js';
import { linear } from './linear.js';

/** What `made` takes. */
export interface MadeOptions {
  /** D: inputs. */
  readonly dim: number;
  /** P: outputs for each input. */
  readonly parameterSize: number;
  /** Default 0: takes no context. */
  readonly contextDim?: number;
  /** Where the context enters: at the first layer (default), or at every hidden layer. */
  readonly contextLayers?: 'first' | 'all';
  /** Sizes of the hidden layers. With `residual` they are equal, and each after the first is a residual block. */
  readonly hidden: readonly number[];
  /** Default 'relu'. */
  readonly activation?: Activation;
  /**
   * Which input comes first: 'natural' (default), 'reversed', 'random', or the rank of each input, from 0. It is saved with
   * the weights, so a random one comes back with them.
   */
  readonly order?: AutoregressiveOrder;
  /** Default false: feed-forward. */
  readonly residual?: boolean;
  /** Whether the output layer starts at zero, so that a flow starts as the identity. Default false. */
  readonly zeroOutput?: boolean;
  /** Draws the initial values, and a random order. */
  readonly rng?: Rng;
}

/** An order of the inputs; a list holds the rank of each, a permutation of 0 ... D - 1. */
export type AutoregressiveOrder = 'natural' | 'reversed' | 'random' | readonly number[];

/** A masked autoencoder, whose order is one of its buffers. */
export interface Made extends AutoregressiveConditioner {
  /** int32 [D]: the rank of each input. */
  readonly order: Variable;
}

/**
 * Masked autoencoder: a network whose outputs d P ... d P + P - 1 depend, of x, on the inputs of lower rank than input d alone.
 *
 * Kernels are multiplied by masks. A hidden unit of degree m sees what has rank or degree up to m, and output d sees hidden units
 * of degree below rank(d). Degrees are spread evenly, and only over those that the next layer can use, so no unit is wasted. Where
 * there is a context, or D = 1, the degrees start at -1: such units see the context alone, and let the input of rank 0 depend on
 * it. The context is not masked.
 *
 * Feed-forward: h_i = act(h_i-1 (W_i M_i) + b_i), output h (W M) + b. Residual: h_0 affine without activation, then blocks
 * h + outer(act(inner(act(h)))), output affine. Parameters `hidden0.kernel` [in, out], `hidden0.bias`, `hidden0.context`,
 * `hidden1.kernel` ... (residual: `hidden1.inner.kernel`, `hidden1.outer.kernel` ...), `output.kernel`, `output.bias`; buffers
 * `hidden0.mask` ..., `output.mask` and `order`, saved with the weights. Initial values as of `mlp`, with the fan-in that the mask
 * leaves.
 *
 * Shapes: x [...batch, D], context [...batch, contextDim] (leading axes may broadcast), output [...batch, D P].
 *
 * @throws for sizes that are no positive integers, an order that is no permutation, unequal sizes with `residual`, an unknown
 * option or activation, and at a call for a wrong shape.
 * Source: Germain et al. 2015, "MADE: masked autoencoder for distribution estimation"; residual blocks as in nflows.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { createRng, made } from 'tfjs-flows';
 *
 * const network = made({ dim: 3, parameterSize: 1, hidden: [16], rng: createRng(0) });
 * const first = tf.grad((x) => network.apply(x).slice([0], [1]).sum())(tf.ones([3]));
 * console.log(Array.from(first.dataSync())); // => [ 0, 0, 0 ]
 * console.log(Array.from(network.order.dataSync())); // => [ 0, 1, 2 ]
 * ```
 */
export function made(options: MadeOptions): Made {
  checkOptions('made', options, OPTIONS);
  const { dim, parameterSize, contextDim = 0, contextLayers = 'first', hidden, activation = 'relu' } = options;
  const { residual = false, zeroOutput = false, rng = createRng() } = options;
  checkInteger('made', 'options.dim', dim, 1);
  checkInteger('made', 'options.parameterSize', parameterSize, 1);
  checkInteger('made', 'options.contextDim', contextDim, 0);
  checkHidden('made', hidden, residual ? 2 : 0);
  if (residual && hidden.some((size) => size !== hidden[0])) {
    throw invalid('made', 'options.hidden', 'of equal sizes where options.residual is true', hidden);
  }
  if (contextLayers !== 'first' && contextLayers !== 'all') {
    throw invalid('made', 'options.contextLayers', "'first' or 'all'", contextLayers);
  }
  const act = activationFunction('made', activation);
  const ranks = ranksOf(dim, options.order ?? 'natural', rng);
  const order = buffer(() => tensor1d([...ranks], 'int32'));
  const degrees = degreesOf(dim, hidden, contextDim > 0);
  const init = saturates(activation) ? 'glorot' : 'he';

  const masked = (from: readonly number[], to: readonly number[], layer: number): Linear =>
    linear({
      inputs: from.length,
      outputs: to.length,
      contextDim: layer === 0 || contextLayers === 'all' ? contextDim : 0,
      mask: maskOf(from, to),
      init,
      rng,
    });
  const parts: Record<string, Linear> = {};
  const steps: Step[] = [];
  hidden.forEach((_, i) => {
    const [from, to] = [degrees[i - 1] ?? ranks, degrees[i] as readonly number[]];
    if (!residual || i === 0) {
      const layer = masked(from, to, i);
      parts[`hidden${i}`] = layer;
      steps.push(residual ? layer.apply : (h, call) => act(layer.apply(h, call)));
      return;
    }
    const inner = masked(from, to, i);
    const outer = linear({ inputs: to.length, outputs: to.length, contextDim: 0, mask: maskOf(to, to), init: 'glorot', rng });
    parts[`hidden${i}.inner`] = inner;
    parts[`hidden${i}.outer`] = outer;
    steps.push((h, call) => add(h, outer.apply(act(inner.apply(act(h), call)), call)));
  });
  // Strictly below: an output must not see its own input. Ranks are integers, so that is rank - 1 and up to it.
  const known = ranks.flatMap((rank) => Array.from({ length: parameterSize }, () => rank - 1));
  const last = degrees[hidden.length - 1] ?? ranks;
  const output = linear({
    inputs: last.length,
    outputs: known.length,
    contextDim: hidden.length === 0 ? contextDim : 0,
    mask: maskOf(last, known),
    init: zeroOutput ? 'zero' : 'glorot',
    rng,
  });
  return {
    ...defineConditioner({
      name: 'made',
      inputDim: dim,
      outputDim: dim * parameterSize,
      contextDim,
      parts: { ...parts, output, '': defineModule({ buffers: { order } }) },
      apply: (x, call) =>
        output.apply(
          steps.reduce((h, step) => step(h, call), x),
          call,
        ),
    }),
    order,
  };
}

type Step = (h: Tensor, call: CallOptions) => Tensor;

const OPTIONS = [
  'dim',
  'parameterSize',
  'contextDim',
  'contextLayers',
  'hidden',
  'activation',
  'order',
  'residual',
  'zeroOutput',
  'rng',
] as const;

/** 1 where what carries `from` may reach what may know up to `to`. */
const maskOf = (from: readonly number[], to: readonly number[]): number[][] =>
  from.map((low) => to.map((high) => (low <= high ? 1 : 0)));

function ranksOf(dim: number, order: AutoregressiveOrder, rng: Rng): readonly number[] {
  const natural = Array.from({ length: dim }, (_, d) => d);
  if (order === 'natural') {
    return natural;
  }
  if (order === 'reversed') {
    return natural.reverse();
  }
  if (order === 'random') {
    return Array.from(randomPermutation(rng, dim));
  }
  if (!Array.isArray(order) || order.length !== dim || !natural.every((rank) => order.includes(rank))) {
    throw invalid('made', 'options.order', `'natural', 'reversed', 'random' or a permutation of 0 ... ${dim - 1}`, order);
  }
  return [...order];
}

/** Degrees of the units of each hidden layer, from the last to the first: each uses only degrees that its successor has. */
function degreesOf(dim: number, hidden: readonly number[], hasContext: boolean): number[][] {
  const lowest = hasContext || dim === 1 ? -1 : 0;
  let usable = Array.from({ length: dim - 1 - lowest }, (_, i) => lowest + i);
  const layers: number[][] = [];
  for (const size of [...hidden].reverse()) {
    const count = usable.length;
    const choose = (unit: number): number =>
      size >= count ? Math.floor((unit * count) / size) : Math.round((unit * (count - 1)) / Math.max(1, size - 1));
    const degrees = Array.from({ length: size }, (_, unit) => usable[choose(unit)] as number);
    layers.unshift(degrees);
    usable = [...new Set(degrees)];
  }
  return layers;
}
