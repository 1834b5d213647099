import type { Tensor } from '@tensorflow/tfjs-core';
import { add, mul, reshape, sub } from '@tensorflow/tfjs-core';
import type { CallOptions } from '../core/bijector.js';
import type { Conditioner } from '../core/conditioner.js';
import type { Distribution } from '../core/distribution.js';
import { checkOptions, invalid } from '../core/errors.js';
import { batchShapeOf, checkEvent } from '../core/shapes.js';
import { sigmoidMap } from '../core/sigmoidMap.js';
import { checkDistributionLike } from '../core/structural.js';
import type { CheckingDequantizer, LevelsOptions } from './defineDequantizer.js';
import { defineDequantizer } from './defineDequantizer.js';

/** What `variationalDequantizer` takes. */
export interface VariationalDequantizerOptions extends LevelsOptions {
  /** q(v | x) over all numbers, with events of the shape of those of x: any distribution, usually a flow that takes a context. */
  readonly flow: Distribution;
  /** A network from what `context` makes to the context of the flow. Default: none, what `context` makes is that itself. */
  readonly encoder?: Conditioner;
  /**
   * From x, float32 [...batch, ...event], to [...batch, size]. Default: x as one vector, spread evenly between -1 and 1,
   * (2 x + 1) / levels - 1. Where it has parameters of its own, make it an `encoder`: of a function none are known.
   */
  readonly context?: (x: Tensor, options: CallOptions) => Tensor;
}

/**
 * Variational dequantization: y = x + u with u = sigmoid(v), v ~ q(v | x) of a flow, and so
 *
 *   log q(u | x) = log q(v | x) + sum over the event of (softplus(v) + softplus(-v)).
 *
 * With it E_q (log p(x + u) - log q(u | x)) is a lower bound of log P(x) that is tight where q(u | x) = p(u | x); trained together
 * with p, it lets p be smooth. A flow over standard logistic noise holds the uniform dequantizer as its identity.
 *
 * Shapes: x [...batch, ...event], of dtype float32 or int32, gives y [...shape, ...batch, ...event] in x units and log q
 * [...shape, ...batch] in nats. floor(y) = x always, as for `uniformDequantizer`; log q is worked out from v, so that it stays
 * right where u is next to 0 or 1. Draws are reparameterised: gradients of both results flow into the flow and the encoder.
 *
 * The flow's context comes from x alone; a context in the call goes to `encoder` and `context`. Where the flow is a batch of
 * distributions, that batch has to end the batch axes of x. Parameters are named `flow....` and `encoder....`; `dispose` frees both.
 *
 * @throws for levels that are no integer of 2 ... 65536, a flow or an encoder that is none, an unknown option; at a call for an x of
 * the wrong dtype or shape, a context of the wrong size and, as `validate` says, for a value that is none of the levels.
 * Source: Ho et al. 2019, "Flow++", section 3.1.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { affineCoupling, createRng, flow, logistic, mlp, variationalDequantizer } from 'tfjs-flows';
 *
 * const rng = createRng(0);
 * const dequantizer = variationalDequantizer({
 *   levels: 256,
 *   flow: flow({
 *     base: logistic({ location: 0, scale: 1, eventShape: [3] }),
 *     bijector: affineCoupling({ dim: 3, contextDim: 4, hidden: [8], rng }),
 *   }),
 *   encoder: mlp({ inputDim: 3, hidden: [8], outputDim: 4, rng }),
 * });
 * const [y, logQ] = dequantizer.sampleAndLogProb(tf.tensor2d([[0, 128, 255]]), { rng });
 * console.log(dequantizer.quantize(y).dataSync().join(), logQ.shape); // => 0,128,255 [ 1 ]
 * ```
 */
export function variationalDequantizer(options: VariationalDequantizerOptions): CheckingDequantizer {
  const name = 'variationalDequantizer';
  checkOptions(name, options, ['levels', 'flow', 'encoder', 'context', 'validate']);
  const { flow, encoder, levels } = options;
  checkDistributionLike(name, 'options.flow', flow);
  if (encoder !== undefined && typeof encoder?.apply !== 'function') {
    throw invalid(name, 'options.encoder', 'a conditioner', encoder);
  }
  const rank = flow.eventShape.length;
  const asVector = (x: Tensor): Tensor => reshape(sub(mul(add(x, 0.5), 2 / levels), 1), [...batchShapeOf(x, rank), -1]);
  const { context = asVector } = options;
  if (typeof context !== 'function') {
    throw invalid(name, 'options.context', 'a function from x to a tensor', context);
  }
  const squash = sigmoidMap(name, { eventRank: rank }).fromLine;

  return defineDequantizer({
    ...options,
    name,
    event: flow.eventShape,
    parts: { flow, ...(encoder === undefined ? {} : { encoder }) },
    noise: (x, { shape, ...call }) => {
      const made = context(x, call);
      const given = encoder === undefined ? made : encoder.apply(made, call);
      checkEvent(name, 'the context', given, [null]);
      const batch = batchShapeOf(x, rank);
      const own = flow.batchShape?.({ context: given }) ?? [];
      if (`${batch.slice(batch.length - own.length)}` !== `${own}`) {
        throw invalid(`${name}.sampleAndLogProb`, 'x', `of batch axes that end with those of the flow, [${own.join(', ')}]`, x);
      }
      const missing = batch.slice(0, batch.length - own.length);
      const [v, logProb] = flow.sampleAndLogProb({ ...call, context: given, shape: [...shape, ...missing] });
      const [u, logDet] = squash(v);
      return [u, sub(logProb, logDet)];
    },
  });
}
