import type { DataId, Tensor, Variable } from '@tensorflow/tfjs-core';
import { add, reshape, tensor1d, transpose } from '@tensorflow/tfjs-core';
import { canReadSync } from '../core/canReadSync.js';
import type { AutoregressiveConditioner } from '../core/conditioner.js';
import { checkInteger, checkOptions, invalid } from '../core/errors.js';
import { buffer, defineModule } from '../core/module.js';
import { randomPermutation } from '../core/randomPermutation.js';
import type { Rng } from '../core/rng.js';
import { createRng } from '../core/rng.js';
import { inversePermutation, rearrange } from '../kernels/rearrange/rearrange.js';
import type { Activation } from './activation.js';
import { activationFunction, saturates } from './activation.js';
import { checkHidden, defineConditioner } from './defineConditioner.js';
import type { Linear, LinearOptions } from './linear.js';
import { applyLayers, linear } from './linear.js';
import type { MaskedSteps } from './maskedSteps.js';
import { maskedSteps } from './maskedSteps.js';

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
  /** What it is called in errors. Default 'made'. */
  readonly name?: string;
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
 * leaves. Masks of other degrees, as weights from elsewhere may bring, are obeyed; only with our own can the network be evaluated input
 * by input, which the sequential direction of `autoregressive` does.
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
  const { residual = false, zeroOutput = false, rng = createRng(), name = 'made' } = options;
  checkInteger(name, 'options.dim', dim, 1);
  checkInteger(name, 'options.parameterSize', parameterSize, 1);
  checkInteger(name, 'options.contextDim', contextDim, 0);
  checkHidden(name, hidden, residual ? 2 : 0);
  if (residual && hidden.some((size) => size !== hidden[0])) {
    throw invalid(name, 'options.hidden', 'of equal sizes where options.residual is true', hidden);
  }
  if (contextLayers !== 'first' && contextLayers !== 'all') {
    throw invalid(name, 'options.contextLayers', "'first' or 'all'", contextLayers);
  }
  const act = activationFunction(name, activation);
  const ranks = ranksOf(name, dim, options.order ?? 'natural', rng);
  const order = buffer(() => tensor1d([...ranks], 'int32'));
  const degrees = degreesOf(dim, hidden, contextDim > 0);
  const init = saturates(activation) ? 'glorot' : 'he';

  const layers: Layer[] = [];
  const layer = (from: readonly number[], to: readonly number[], settings: Pick<LinearOptions, 'contextDim' | 'init'>): Layer => {
    const mask = maskOf(from, to);
    const made: Layer = { from, to, linear: linear({ inputs: from.length, outputs: to.length, mask, rng, ...settings }) };
    layers.push(made);
    return made;
  };
  const contextDimOf = (i: number): number => (i === 0 || contextLayers === 'all' ? contextDim : 0);
  const parts: Record<string, Linear> = {};
  const network: Part[] = [];
  hidden.forEach((_, i) => {
    const [from, to] = [degrees[i - 1] ?? ranks, degrees[i] as readonly number[]];
    const first = layer(from, to, { contextDim: contextDimOf(i), init });
    if (!residual || i === 0) {
      parts[`hidden${i}`] = first.linear;
      network.push(residual ? (h, run) => run(first, h) : (h, run) => run(first, h, activation));
      return;
    }
    const second = layer(to, to, { contextDim: 0, init: 'glorot' });
    parts[`hidden${i}.inner`] = first.linear;
    parts[`hidden${i}.outer`] = second.linear;
    network.push((h, run) => {
      const change = run(second, run(first, h && act(h), activation));
      // The blocks have units of the same degrees.
      return h && change && add(h, change);
    });
  });
  const output = layer(degrees[hidden.length - 1] ?? ranks, knownTo(ranks, parameterSize), {
    contextDim: hidden.length === 0 ? contextDim : 0,
    init: zeroOutput ? 'zero' : 'glorot',
  });
  network.push((h, run) => run(output, h));
  const through = (x: Units, run: Run): Tensor => network.reduce((h, part) => part(h, run), x) as Tensor;
  return {
    ...defineConditioner({
      name,
      inputDim: dim,
      outputDim: dim * parameterSize,
      contextDim,
      parts: { ...parts, output: output.linear, '': defineModule({ buffers: { order } }) },
      apply: (x, call) =>
        residual
          ? through(x, ({ linear }, h, activation) => linear.apply(h as Tensor, call, activation))
          : applyLayers(
              x,
              layers.map((layer) => [layer.linear, layer === output ? undefined : activation]),
              call,
            ),
    }),
    order,
    stepwise: stepByStep(layers, order, through),
  };
}

/** A layer, and the ranks or degrees of its inputs and outputs. */
interface Layer {
  readonly from: readonly number[];
  readonly to: readonly number[];
  readonly linear: Linear;
}

/** Units of a layer; undefined where there are none of the degree that a step is at. */
type Units = Tensor | undefined;
/** What it is to apply a layer, and an activation if one follows: to all units, or to those of one degree. */
type Run = (layer: Layer, h: Units, activation?: Activation) => Units;
type Part = (h: Units, run: Run) => Units;
type Stepwise = NonNullable<AutoregressiveConditioner['stepwise']>;

/** The network, of which each step computes the units of one degree: those that the next output sees and no earlier one does. */
function stepByStep(layers: readonly Layer[], order: Variable, through: (x: Units, run: Run) => Tensor): Stepwise {
  // Where no unit sees an input, steps would use none of the first kernel, and it would have no gradient, not even zero.
  const worthwhile = layers[0]?.to.some((degree) => degree >= 0);
  const masksAreOurs = maskCheck(layers, order);
  return (batch, call) => {
    if (!worthwhile || !masksAreOurs()) {
      return undefined;
    }
    // Degrees are sorted, and ranks become so: which input has which is the device's knowledge.
    const inverse = inversePermutation(order);
    const outputsByRank = (x: Tensor): Tensor => reshape(rearrange(reshape(x, [order.size, -1]), inverse, order, 0), x.shape);
    const begin = (layer: Layer, i: number): MaskedSteps => {
      const [from, to] = [layer.from, layer.to].map((degrees) => [...degrees].sort((a, b) => a - b)) as [number[], number[]];
      const { kernel: weights, offset } = layer.linear.columns(batch, call);
      const rows = transpose(weights);
      const kernel = i === 0 ? rearrange(rows, inverse, order, 1) : rows;
      return i < layers.length - 1
        ? maskedSteps({ kernel, offset, from, to })
        : maskedSteps({ kernel: outputsByRank(kernel), offset: outputsByRank(offset), from, to });
    };
    const begun = new Map(layers.map((layer, i) => [layer, begin(layer, i)]));
    let degree = -1;
    return (entry) => {
      const rows = through(entry && reshape(entry, [1, -1]), (layer, h, activation) => {
        const units = begun.get(layer)?.next(degree, h);
        return units && activation ? activationFunction('made', activation)(units) : units;
      });
      degree += 1;
      return reshape(transpose(rows), [...batch, -1]);
    };
  };
}

/**
 * Whether the masks are those of our degrees and the order: weights from elsewhere may bring others.
 *
 * As long as nothing was assigned to them they are. Else they are read back, once; where the backend cannot do so at once the answer
 * is no, and all of the network is evaluated at each step.
 */
function maskCheck(layers: readonly Layer[], order: Variable): () => boolean {
  const masks = layers.map(({ linear }) => linear.buffers.mask as Variable);
  const values = (): DataId[] => [order, ...masks].map(({ dataId }) => dataId);
  const compare = (): boolean => {
    const ranks = Array.from(order.dataSync());
    return layers.every(({ from, to }, i) => {
      const known = i === layers.length - 1 ? knownTo(ranks, to.length / ranks.length) : to;
      const expected = maskOf(i === 0 ? ranks : from, known).flat();
      return (masks[i] as Variable).dataSync().every((value, k) => value === expected[k]);
    });
  };
  let seen = values();
  let ours = true;
  return () => {
    const now = values();
    if (now.some((id, i) => id !== seen[i])) {
      seen = now;
      ours = canReadSync() && compare();
    }
    return ours;
  };
}

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
  'name',
] as const;

/** 1 where what carries `from` may reach what may know up to `to`. */
const maskOf = (from: readonly number[], to: readonly number[]): number[][] =>
  from.map((low) => to.map((high) => (low <= high ? 1 : 0)));

/**
 * Up to which rank each output knows the inputs. Strictly below its own: an output must not see its own input. Ranks are integers,
 * so that is rank - 1 and up to it.
 */
const knownTo = (ranks: readonly number[], parameterSize: number): number[] =>
  ranks.flatMap((rank) => Array.from({ length: parameterSize }, () => rank - 1));

function ranksOf(where: string, dim: number, order: AutoregressiveOrder, rng: Rng): readonly number[] {
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
    throw invalid(where, 'options.order', `'natural', 'reversed', 'random' or a permutation of 0 ... ${dim - 1}`, order);
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
