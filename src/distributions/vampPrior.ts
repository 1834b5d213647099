import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { clone, matMul, reshape, sub, tensor2d } from '@tensorflow/tfjs-core';
import type { CallOptions } from '../core/bijector.js';
import { defineDistribution } from '../core/defineDistribution.js';
import type { Distribution } from '../core/distribution.js';
import { checkOptions, invalid, isTensorLike } from '../core/errors.js';
import { logSumExp } from '../core/math.js';
import { parameter } from '../core/module.js';
import { checkEventShape } from '../core/parameterShapes.js';
import { batchShapeOf, sizeOf } from '../core/shapes.js';
import { spreadTo } from '../core/spreadTo.js';
import { own } from '../core/stopGradient.js';

/** What `vampPrior` takes. */
export interface VampPriorOptions {
  /** q(z | u) of pseudo-inputs u [K, ...data]: that of the model, which the prior does not own. It is first called when drawn from. */
  readonly posterior: (pseudoInputs: Tensor, options?: CallOptions) => Distribution;
  /** Where the K pseudo-inputs start, float32 [K, ...data]: data points, say. It stays the caller's. */
  readonly pseudoInputs: Tensor;
  /** Shape of an event of z. */
  readonly eventShape: readonly number[];
}

/**
 * The variational mixture of posteriors: a prior that is the model's own posterior, averaged over learnt pseudo-inputs,
 *
 *   p(z) = 1/K sum_k q(z | u_k),
 *
 * the optimal prior of an ELBO with the data in the place of the u_k. Its one parameter is `pseudoInputs`, [K, ...data]; gradients
 * also flow into what the posterior depends on.
 *
 * Shapes: draws [...shape, ...event], log-probabilities [...batch]. A log-probability costs K posterior densities. The gradient of a
 * draw is that of the component which it came from, not of the mixture's weights, which are fixed. A context is not passed on. For
 * data within bounds have `posterior` clip or squash its argument.
 *
 * @throws where there is no posterior, no pseudo-inputs, a wrong eventShape, an unknown option; at a call where the posterior's
 * batch is not that of its argument, or its events are of another shape.
 * Source: Tomczak and Welling 2018, "VAE with a VampPrior", equations 9 and 10.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import type { Vae } from 'tfjs-flows';
 * import { createRng, elbo, mlp, vae, vampPrior } from 'tfjs-flows';
 *
 * const rng = createRng(0);
 * const data = rng.uniform([20, 6]);
 * const model: Vae = vae({
 *   encoder: mlp({ inputDim: 6, hidden: [8], outputDim: 4, rng }),
 *   decoder: mlp({ inputDim: 2, hidden: [8], outputDim: 6, rng }),
 *   prior: vampPrior({
 *     posterior: (u, call) => model.posterior(u, call),
 *     pseudoInputs: tf.slice(data, 0, 5),
 *     eventShape: [2],
 *   }),
 * });
 * console.log(elbo({ model })(data, { rng }).shape, model.sample({ shape: [3], rng }).shape); // => [ 20 ] [ 3, 6 ]
 * console.log(model.parameters['prior.pseudoInputs']!.shape); // => [ 5, 6 ]
 * ```
 */
export function vampPrior(options: VampPriorOptions): Distribution {
  checkOptions('vampPrior', options, ['posterior', 'pseudoInputs', 'eventShape']);
  const { posterior, pseudoInputs: given, eventShape } = options;
  if (typeof posterior !== 'function') {
    throw invalid('vampPrior', 'options.posterior', 'a function from pseudo-inputs to a distribution', posterior);
  }
  if (
    !isTensorLike(given) ||
    given.dtype !== 'float32' ||
    given.isDisposed ||
    given.shape.length < 1 ||
    given.shape.includes(0)
  ) {
    throw invalid('vampPrior', 'options.pseudoInputs', 'a float32 tensor of shape [K, ...data]', given);
  }
  checkEventShape('vampPrior', eventShape);
  const [count, ...dataShape] = given.shape as [number, ...number[]];
  const pseudoInputs = parameter(() => clone(given));

  const posteriorAt = (inputs: Tensor, call: CallOptions): Distribution => {
    const distribution = posterior(inputs, call);
    const [batch, event] = [distribution.batchShape?.() ?? [], distribution.eventShape];
    if (`${batch}` !== `${inputs.shape[0]}` || `${event}` !== `${eventShape}`) {
      const expected = `a batch of ${inputs.shape[0]} distributions over events of shape [${eventShape.join(', ')}]`;
      throw invalid('vampPrior', 'what options.posterior returns', expected, { batchShape: batch, eventShape: event });
    }
    return distribution;
  };

  return defineDistribution({
    name: 'vampPrior',
    eventShape,
    parameters: { pseudoInputs },
    sample: (size, { shape: _, context: __, ...call }) => {
      const words = call.rng.bits(sizeOf(size) / sizeOf(eventShape));
      // A product picks the rows: the gradient of a gather lacks a kernel on WASM.
      const picks = new Float32Array(words.length * count);
      words.forEach((word, i) => {
        picks[i * count + (word % count)] = 1;
      });
      const inputs = reshape(own(pseudoInputs, call), [count, -1]) as Tensor2D;
      const rows = reshape(matMul(tensor2d(picks, [words.length, count]), inputs), [words.length, ...dataShape]);
      return reshape(posteriorAt(rows, call).sample(call), [...size]);
    },
    logProb: (value, { context: _, ...call }) => {
      const batch = batchShapeOf(value, eventShape.length);
      // One batch axis, whatever there are: arithmetic that broadcasts ends at four on some backends.
      const each = spreadTo(reshape(value, [-1, 1, ...eventShape]), [sizeOf(batch), count, ...eventShape]);
      const logProbs = posteriorAt(own(pseudoInputs, call), call).logProb(each, call);
      return reshape(sub(logSumExp(logProbs), Math.log(count)), batch);
    },
  });
}
