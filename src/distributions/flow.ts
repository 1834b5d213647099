import type { Tensor } from '@tensorflow/tfjs-core';
import { add, sub, tidy, zeros } from '@tensorflow/tfjs-core';
import { addAll } from '../core/addAll.js';
import type { Bijector, CallOptions } from '../core/bijector.js';
import type { DrawOptions } from '../core/defineDistribution.js';
import { defineDistribution } from '../core/defineDistribution.js';
import type { Distribution, SampleOptions } from '../core/distribution.js';
import { checkOptions, invalid } from '../core/errors.js';
import { defineModule } from '../core/module.js';
import { batchShapeOf, broadcastShapes, checkEvent, sumTrailing } from '../core/shapes.js';
import { own } from '../core/stopGradient.js';
import { checkBijectorLike, checkDistributionLike } from '../core/structural.js';

/** What `flow` takes. */
export interface FlowOptions {
  /** p(z): any distribution, a flow or a conditional one included. */
  readonly base: Distribution;
  /** x = forward(z). */
  readonly bijector: Bijector;
  /** Shape of an event of x, where the bijector changes it. Default: that of the base. */
  readonly eventShape?: readonly number[];
}

/** A distribution that may depend on a context. */
export interface Flow extends Distribution {
  readonly base: Distribution;
  readonly bijector: Bijector;
  /**
   * The distribution for that context, [...batch, contextDim]: an ordinary one, with the context's batch axes as its own.
   *
   * It owns nothing: neither the context nor the flow's parameters, which `parameters` does not list. Where a call is `frozen`
   * the context counts as a constant too, since the distribution was built from it. A context in a call is overruled.
   *
   * @throws where the context is no float32 tensor with at least one axis.
   */
  given(context: Tensor): Distribution;
}

/**
 * The distribution of x = forward(z), z from the base:
 *
 *   log p(x) = log p(z) - log|det dx/dz|  with z = inverse(x), in nats.
 *
 * `sample` is one forward pass, `logProb` one inverse pass, and `sampleAndLogProb` one forward pass that does both. Where the
 * bijector's events have fewer axes than the base's, its log-dets are summed over the extra ones.
 *
 * Shapes: draws [...shape, ...batch, ...event], log-probabilities [...batch]; the batch is that of the base and of the context,
 * [...batch, contextDim], each example of which gets draws of its own. The context reaches base and bijector. With given tensors
 * in the bijector (one map an example), give the base the same batch axes.
 *
 * Parameters are named `base....` and `bijector....`; `dispose` frees both.
 *
 * @throws where base or bijector is none, the bijector's events have more axes than the base's, for a wrong eventShape or an
 * unknown option; at a call where the bijector makes another shape than `eventShape` says.
 * Source: Rezende and Mohamed 2015, "Variational inference with normalizing flows", equation 5.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { createRng, flow, scaleShift, standardNormal } from 'tfjs-flows';
 *
 * const p = flow({ base: standardNormal({ eventShape: [2] }), bijector: scaleShift({ scale: 2, shift: 1 }) });
 * console.log(p.logProb(tf.tensor1d([1, 1])).dataSync()[0]!.toFixed(4)); // => -3.2242
 * const [x, logProb] = p.sampleAndLogProb({ shape: [5], rng: createRng(0) });
 * console.log(x.shape, logProb.shape); // => [ 5, 2 ] [ 5 ]
 * ```
 */
export function flow(options: FlowOptions): Flow {
  checkOptions('flow', options, ['base', 'bijector', 'eventShape']);
  const { base, bijector } = options;
  checkDistributionLike('flow', 'options.base', base);
  checkBijectorLike('flow', 'options.bijector', bijector);
  const extra = base.eventShape.length - bijector.forwardEventRank;
  if (extra < 0) {
    const expected = `of at least ${bijector.forwardEventRank} axes, as the bijector takes`;
    throw invalid('flow', 'options.base.eventShape', expected, base.eventShape);
  }
  const { eventShape = base.eventShape } = options;
  const axes = bijector.inverseEventRank + extra;
  if (eventShape.length !== axes) {
    throw invalid('flow', 'options.eventShape', `of ${axes} axes, as the bijector makes`, eventShape);
  }

  const baseBatch = (call: { readonly context?: Tensor }): number[] => base.batchShape?.(call) ?? [];
  const batchShape = (call: { readonly context?: Tensor }): number[] =>
    broadcastShapes('flow', baseBatch(call), call.context?.shape?.slice(0, -1) ?? []);

  /** Adds the batch axes that the base does not have itself: each example gets noise of its own. */
  const baseDraw = (draw: DrawOptions): SampleOptions => {
    const [whole, own] = [batchShape(draw), baseBatch(draw)];
    const missing = whole.slice(0, whole.length - own.length);
    if (own.some((size, i) => size !== whole[missing.length + i])) {
      throw invalid('flow', 'options.context', `of batch axes that end with the base's, [${own.join(', ')}]`, draw.context);
    }
    return { ...draw, shape: [...draw.shape, ...missing] };
  };
  const checkMade = (x: Tensor, size: readonly number[]): Tensor => {
    if (`${x.shape}` !== `${size}`) {
      throw invalid('flow', 'options.bijector', `one that makes shape [${size.join(', ')}] (see eventShape)`, x);
    }
    return x;
  };

  const distribution = defineDistribution({
    name: 'flow',
    eventShape,
    batchShape,
    parts: { base, bijector },
    sample: (size, draw) => {
      const { shape: _, ...call } = draw;
      return checkMade(bijector.forward(base.sample(baseDraw(draw)), call), size);
    },
    logProb: (value, call) => {
      const shape = [...broadcastShapes('flow', batchShapeOf(value, eventShape.length), batchShape(call)), ...eventShape];
      // A context that has more batch axes than the value wants the value under each. `broadcastTo` has no gradient beyond four axes.
      const each = `${value.shape}` === `${shape}` ? value : add(value, zeros(shape));
      const [z, logDet] = bijector.inverseAndLogDet(each, call);
      return addAll([base.logProb(z, call), sumTrailing(logDet, extra)]);
    },
    sampleAndLogProb: (size, draw) => {
      const { shape: _, ...call } = draw;
      const [z, logProb] = base.sampleAndLogProb(baseDraw(draw));
      const [x, logDet] = bijector.forwardAndLogDet(z, call);
      return [checkMade(x, size), sub(logProb, sumTrailing(logDet, extra))];
    },
  });
  return { ...distribution, base, bijector, given: (context) => bind(distribution, context) };
}

function bind(distribution: Distribution, context: Tensor): Distribution {
  checkEvent('flow.given', 'context', context, [null]);
  const call = <Options extends CallOptions | SampleOptions>(options?: Options): Options & { context: Tensor } =>
    ({ ...options, context: own(context, options) }) as Options & { context: Tensor };
  return {
    ...distribution,
    ...defineModule({}),
    batchShape: () => distribution.batchShape?.({ context }) ?? [],
    sample: (options) => tidy(() => distribution.sample(call(options))),
    logProb: (value, options) => tidy(() => distribution.logProb(value, call(options))),
    sampleAndLogProb: (options) => tidy(() => distribution.sampleAndLogProb(call(options))),
  };
}
