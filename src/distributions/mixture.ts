import type { Tensor } from '@tensorflow/tfjs-core';
import {
  add,
  clone,
  equal,
  expandDims,
  fill,
  greaterEqual,
  max,
  maximum,
  mul,
  range,
  reshape,
  softmax,
  stack,
  sum,
  zerosLike,
} from '@tensorflow/tfjs-core';
import type { CallOptions } from '../core/bijector.js';
import { defineDistribution } from '../core/defineDistribution.js';
import type { Distribution, SampleOptions } from '../core/distribution.js';
import { checkOptions, invalid } from '../core/errors.js';
import { logSoftmax, logSumExp } from '../core/math.js';
import type { Module } from '../core/module.js';
import { parameter } from '../core/module.js';
import { parameterAt } from '../core/parameterShapes.js';
import { select } from '../core/select.js';
import { broadcastShapes, checkEvent } from '../core/shapes.js';
import { spreadTo } from '../core/spreadTo.js';
import { untaped } from '../core/stopGradient.js';
import { checkDistributionLike } from '../core/structural.js';
import { drawClass } from './classes.js';

/** What `mixture` takes. */
export interface MixtureOptions {
  /** Unnormalised log-weights, [...batch, K]; finite. */
  readonly logits: Tensor;
  /**
   * One distribution whose last batch axis has the K components, [...batch, K]; or a list of K, of any kinds, with the same batch and
   * event shapes. The batch axes before K are those of the logits, or none, which are then shared.
   */
  readonly components: Distribution | readonly Distribution[];
  /** Makes an own parameter `logits` that starts from the given ones. Default false: they stay the caller's. */
  readonly trainable?: boolean;
}

/**
 * Mixture of K distributions: log p(x) = log sum_k w_k p_k(x), w = softmax(logits), in nats, by a log-sum-exp. The mean is the weighted
 * one, where all components have one. No formula is known for the entropy, nor for the KL divergence.
 *
 * Shapes: draws [...shape, ...batch, ...event], log-probabilities [...batch]. A draw is made by every component, and one of them
 * is taken. Draws are reparameterised within the component, as far as it is, and NOT in the choice: no gradient flows through
 * them into the logits, and so the gradient of an expectation over draws lacks that part. Those of log-probabilities are whole.
 *
 * A list gives components that learn, flows among them; their parameters are named `components.k....`, those of a single
 * distribution `components....`, and `dispose` frees them. A context goes to every component.
 *
 * @throws where the logits are no float32 tensor, components are none or not as many as the logits say, with event or batch shapes
 * that differ, for an unknown option.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { createRng, diagNormal, mixture } from 'tfjs-flows';
 *
 * const components = diagNormal({ mean: tf.tensor2d([[0, 0], [4, 4], [-4, 4]]), scale: 1 }); // three of them over the plane
 * const p = mixture({ logits: tf.tensor1d([0, 1, 1]), components });
 * console.log(p.logProb(tf.tensor1d([4, 4])).dataSync()[0]!.toFixed(4)); // => -2.6999
 * console.log(p.sample({ shape: [5], rng: createRng(0) }).shape); // => [ 5, 2 ]
 * ```
 */
export function mixture(options: MixtureOptions): Distribution {
  checkOptions('mixture', options, ['logits', 'components', 'trainable']);
  const { logits: given, trainable = false } = options;
  checkEvent('mixture', 'options.logits', given, [null]);
  if (typeof trainable !== 'boolean') {
    throw invalid('mixture', 'options.trainable', 'true or false', trainable);
  }
  const count = given.shape.at(-1) as number;
  const components = Array.isArray(options.components)
    ? listed(options.components, count)
    : batched(options.components as Distribution, count);
  const { eventShape } = components;

  /** Batch axes, and those of them that the components lack. */
  const axes = (call: CallOptions): { batch: number[]; missing: number[] } => {
    const inner = components.batchShape(call);
    const batch = broadcastShapes('mixture', given.shape.slice(0, -1), inner);
    const missing = batch.slice(0, batch.length - inner.length);
    if (`${[...missing, ...inner]}` !== `${batch}`) {
      throw invalid('mixture', 'options.components', `of batch axes that end those of the mixture, [${batch.join(', ')}]`, inner);
    }
    return { batch, missing };
  };
  axes({});
  const logits = trainable ? parameter(() => clone(given)) : given;
  const logitsAt = (call: CallOptions): Tensor => parameterAt('mixture', logits, call);

  return defineDistribution({
    name: 'mixture',
    eventShape,
    batchShape: (call) => axes(call).batch,
    parameters: trainable ? { logits: logits as ReturnType<typeof parameter> } : {},
    parts: components.parts,
    sample: (size, draw) => {
      const axis = size.length - eventShape.length;
      const chosen = drawClass(logitsAt({}), size.slice(0, axis), draw.rng);
      // Every batch axis gets draws of its own.
      const all = components.sample({ ...draw, shape: [...draw.shape, ...axes(draw).missing] });
      const mask = equal(expandDims(chosen, -1), range(0, count));
      const spread = spreadTo(reshape(mask, [...mask.shape, ...eventShape.map(() => 1)]), all.shape);
      // Not a product, in which what another component has lost to overflow would make NaN of all.
      return sum(select(spread, all, zerosLike(all)), axis);
    },
    logProb: (value, call) => logSum(add(logSoftmax(logitsAt(call)), components.logProb(value, call))),
    ...(components.mean === undefined
      ? {}
      : {
          mean: (call: CallOptions) => {
            const weights = softmax(logitsAt(call));
            const means = (components.mean as (call: CallOptions) => Tensor)(call);
            const weighted = mul(reshape(weights, [...weights.shape, ...eventShape.map(() => 1)]), means);
            return sum(weighted, weighted.rank - eventShape.length - 1);
          },
        }),
  });
}

/** log sum exp over the last axis. Where all terms are -Infinity so is the sum, with the gradient 0 in place of NaN. */
function logSum(terms: Tensor): Tensor {
  const nothing = untaped(() => {
    const top = max(terms, -1);
    return select(greaterEqual(top, LEAST), zerosLike(top), fill(top.shape, Number.NEGATIVE_INFINITY));
  });
  return add(logSumExp(maximum(terms, LEAST)), nothing);
}

/** e to it is 0. */
const LEAST = -1e38;

/** K distributions as one, whose K axis is the last of the batch. */
interface Components {
  readonly eventShape: readonly number[];
  readonly parts: Readonly<Record<string, Module>>;
  /** Without K. */
  batchShape(call: CallOptions): number[];
  /** [...shape, ...batch, K, ...event]. */
  sample(draw: SampleOptions): Tensor;
  /** [...batch, K]. */
  logProb(value: Tensor, call: CallOptions): Tensor;
  /** [...batch, K, ...event]. */
  mean?(call: CallOptions): Tensor;
}

function batched(components: Distribution, count: number): Components {
  checkDistributionLike('mixture', 'options.components', components);
  const { eventShape } = components;
  return {
    eventShape,
    parts: { components },
    batchShape: (call) => {
      const all = components.batchShape?.(call) ?? [];
      if (all.at(-1) !== count) {
        throw invalid('mixture', 'options.components', `a list of ${count}, or a batch [..., ${count}] of distributions`, all);
      }
      return all.slice(0, -1);
    },
    sample: (draw) => components.sample(draw),
    logProb: (value, call) => components.logProb(expandDims(value, value.rank - eventShape.length), call),
    ...(components.mean === undefined ? {} : { mean: components.mean }),
  };
}

function listed(components: readonly Distribution[], count: number): Components {
  if (components.length !== count) {
    throw invalid('mixture', 'options.components', `${count}, as the logits have it`, components.length);
  }
  components.forEach((component, k) => {
    checkDistributionLike('mixture', `options.components[${k}]`, component);
  });
  const { eventShape } = components[0] as Distribution;
  const rank = eventShape.length;
  const same = (argument: string, shapes: (readonly number[])[]): number[] => {
    const [first, ...others] = shapes as [number[], ...number[][]];
    const other = others.findIndex((shape) => `${shape}` !== `${first}`) + 1;
    if (other > 0) {
      throw invalid(
        'mixture',
        `options.components[${other}].${argument}`,
        `[${first.join(', ')}], as the first has it`,
        shapes[other],
      );
    }
    return first;
  };
  same(
    'eventShape',
    components.map((component) => component.eventShape),
  );
  /** Of [...any, ...event], with a new axis before the event's. */
  const join = (tensors: Tensor[]): Tensor => stack(tensors, (tensors[0] as Tensor).rank - rank);
  const means = components.map(({ mean }) => mean);
  return {
    eventShape,
    parts: Object.fromEntries(components.map((component, k) => [`components.${k}`, component])),
    batchShape: (call) =>
      same(
        'batchShape',
        components.map((component) => component.batchShape?.(call) ?? []),
      ),
    sample: (draw) => join(components.map((component) => component.sample(draw))),
    logProb: (value, call) => {
      const each = components.map((component) => component.logProb(value, call));
      return stack(each, (each[0] as Tensor).rank);
    },
    ...(means.includes(undefined)
      ? {}
      : { mean: (call: CallOptions) => join(components.map((component) => component.mean?.(call) as Tensor)) }),
  };
}
