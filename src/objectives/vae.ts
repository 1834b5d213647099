import type { Tensor } from '@tensorflow/tfjs-core';
import { dispose, slice, tidy } from '@tensorflow/tfjs-core';
import { invert } from '../bijectors/invert.js';
import type { Bijector, CallOptions } from '../core/bijector.js';
import type { Conditioner } from '../core/conditioner.js';
import type { Distribution, SampleOptions } from '../core/distribution.js';
import { checkDrawShape } from '../core/drawShape.js';
import { checkCall, checkOptions, invalid } from '../core/errors.js';
import { softBound } from '../core/math.js';
import type { Module } from '../core/module.js';
import { defineModule } from '../core/module.js';
import { createRng } from '../core/rng.js';
import { checkBijectorLike, checkDistributionLike } from '../core/structural.js';
import { bernoulli } from '../distributions/bernoulli.js';
import { diagNormal } from '../distributions/diagNormal.js';
import { flow } from '../distributions/flow.js';
import { standardNormal } from '../distributions/standardNormal.js';
import type { LatentVariableModel } from './latentVariableModel.js';

/** What `vae` takes. */
export interface VaeOptions {
  /** x -> the parameters of q(z | x): [mean L, raw log-scale L, context C], unless `posterior` says otherwise. */
  readonly encoder: Conditioner;
  /** z -> the parameters of p(x | z): Bernoulli logits, unless `likelihood` says otherwise. Its inputDim is L. */
  readonly decoder: Conditioner;
  /** p(z), over events [L]: any distribution, a flow included. Default: standard normal. */
  readonly prior?: Distribution;
  /** Takes the Gaussian draw to z in its forward direction; the encoder's last C outputs are its context. */
  readonly posteriorFlow?: Bijector;
  /** q(z | x) from the encoder's output, [...batch, outputDim], instead of the Gaussian and its flow. */
  readonly posterior?: (parameters: Tensor) => Distribution;
  /** A flow of the latents, from noise to what the decoder takes in its forward direction: see `flowIn`. */
  readonly latentFlow?: Bijector;
  /**
   * Where `latentFlow` is put. 'prior' (default): the code is what the decoder takes, and p(z) the flow over `prior`. 'posterior': the
   * code is the noise, with `prior` as it stands, q the flow's inverse over q(z | x), and the decoder behind the flow.
   */
  readonly flowIn?: 'prior' | 'posterior';
  /** p(x | z) from the decoder's output, [...batch, outputDim]. Default: Bernoulli with these logits. */
  readonly likelihood?: (parameters: Tensor) => Distribution;
}

/** A variational autoencoder: what `elbo`, `betaElbo`, `iwae` and `elboSurgery` take. */
export interface Vae extends LatentVariableModel, Module {
  readonly encoder: Conditioner;
  readonly decoder: Conditioner;
  /** L. */
  readonly latentDim: number;
  /** Draws x ~ p(x | z) with z ~ p(z): [...shape, ...batch, ...event], the batch being that of the context, if there is one. */
  sample(options?: SampleOptions): Tensor;
}

/** exp of it is the largest scale of a posterior, and the inverse of the smallest. */
const LARGEST_LOG_SCALE = Math.log(1000);

/**
 * Variational autoencoder: p(x, z) = p(x | decoder(z)) p(z) and q(z | x) of the encoder's output.
 *
 * The encoder gives [mean L, raw L, context C], L = decoder.inputDim, and
 *
 *   z_0 ~ N(mean, logScale^2),  log scale = raw / (1 + |raw| / log 1000),  z = posteriorFlow.forward(z_0, context),
 *
 * so that scales stay between 1/1000 and 1000 with a gradient everywhere. Without a flow, z = z_0 and C must be 0.
 *
 * A `latentFlow` g makes one model that can be seen in two ways. In the prior, z = g(noise) has the density of the flow, and
 * q(z | x) is as above. In the posterior, the noise itself is the code, and q of it is what g^-1 makes of q(z | x). Bounds, draws
 * and gradients are the same, weight by weight: log p_g(z) - log q(z | x) = log p(g^-1(z)) - log q_g(g^-1(z) | x). An
 * autoregressive flow as prior (`maf`, whose inverse is parallel) is thus an inverse autoregressive flow as posterior, at the same
 * cost, and a more expressive decoder. Leave it in the prior, but where diagnostics or another decoder need the noise as code:
 * there the decoder has to run g forward. The weights have the same names in both.
 *
 * Shapes: x [...batch, encoder.inputDim] and z [...batch, L]. Parameters: those of `encoder`, `decoder`, `latentFlow`, `prior` and
 * `posteriorFlow` under these names; a variable that two of them share is listed once. `dispose` frees them all. A context in a
 * call is passed to encoder and decoder.
 *
 * `posterior(x)` and `likelihood(z)` are distributions made of the networks' outputs: call them inside `tf.tidy`, or free them
 * with their own `dispose`, which leaves the model's parameters alone.
 *
 * @throws for an unknown option, networks whose sizes do not fit each other, parts that are none; at a call for a wrong shape, and for a
 * flow of another size than the latents.
 * Source: Kingma and Welling 2014, "Auto-encoding variational Bayes"; Kingma et al. 2016, "Improving variational inference
 * with inverse autoregressive flow", algorithm 1, for the flow and its context; Chen et al. 2017, "Variational lossy autoencoder",
 * section 3.2, for the flow in the prior.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { createRng, mlp, planar, vae } from 'tfjs-flows';
 *
 * const rng = createRng(0);
 * const model = vae({
 *   encoder: mlp({ inputDim: 6, hidden: [8], outputDim: 2 + 2 + 3, rng }),
 *   decoder: mlp({ inputDim: 2, hidden: [8], outputDim: 6, rng }),
 *   posteriorFlow: planar({ dim: 2, contextDim: 3, rng }),
 * });
 * const z = tf.tidy(() => model.posterior(tf.ones([5, 6])).sample({ rng }));
 * console.log(z.shape); // => [ 5, 2 ]
 * console.log(model.sample({ shape: [4], rng }).shape); // => [ 4, 6 ]
 * console.log(Object.keys(model.parameters).includes('posteriorFlow.kernel')); // => true
 * ```
 */
export function vae(options: VaeOptions): Vae {
  checkOptions('vae', options, OPTIONS);
  const { encoder, decoder, posteriorFlow, latentFlow, flowIn = 'prior' } = options;
  checkNetwork('options.encoder', encoder);
  checkNetwork('options.decoder', decoder);
  const latentDim = decoder.inputDim;
  const { prior = standardNormal({ eventShape: [latentDim] }), likelihood = (logits: Tensor) => bernoulli({ logits }) } = options;
  checkDistributionLike('vae', 'options.prior', prior);
  if (prior.eventShape.length !== 1 || prior.eventShape[0] !== latentDim) {
    throw invalid('vae', 'options.prior.eventShape', `[${latentDim}], as the decoder takes it`, prior.eventShape);
  }
  if (typeof likelihood !== 'function') {
    throw invalid('vae', 'options.likelihood', 'a function from the decoder output to a distribution', likelihood);
  }
  const posterior = posteriorOf(options, latentDim);
  checkLatentFlow(options);
  const [priorFlow, codeFlow] = flowIn === 'prior' ? [latentFlow, undefined] : [undefined, latentFlow];

  const model: Vae = {
    ...defineModule({
      parts: {
        encoder,
        decoder,
        ...(latentFlow === undefined ? {} : { latentFlow }),
        prior,
        ...(posteriorFlow === undefined ? {} : { posteriorFlow }),
      },
    }),
    encoder,
    decoder,
    latentDim,
    prior: priorFlow === undefined ? prior : flow({ base: prior, bijector: priorFlow }),
    posterior: (x, call = {}) => {
      const raw = encoder.apply(x, call);
      const [distribution, made] = posterior(raw, call);
      const q = codeFlow === undefined ? distribution : flowOver(distribution, invert(codeFlow), call, call.context);
      return releasing(q, [raw, ...made]);
    },
    likelihood: (z, call = {}) => {
      const code = codeFlow === undefined ? [] : [codeFlow.forward(z, call)];
      const raw = decoder.apply(code[0] ?? z, call);
      return releasing(likelihood(raw), [raw, ...code]);
    },
    sample: (options = {}) => {
      checkCall('vae.sample', options, 'shape');
      const { rng = createRng(), shape = [], ...call } = options;
      checkDrawShape('vae.sample', shape);
      return tidy(() => {
        // Each example of a context has a code of its own, also where the prior does not look at it.
        const [whole, own] = [call.context?.shape?.slice(0, -1) ?? [], model.prior.batchShape?.(call) ?? []];
        const missing = whole.slice(0, Math.max(0, whole.length - own.length));
        const z = model.prior.sample({ ...call, shape: [...shape, ...missing], rng });
        return model.likelihood(z, call).sample({ rng });
      });
    },
  };
  return model;
}

const OPTIONS: readonly (keyof VaeOptions)[] = [
  'encoder',
  'decoder',
  'prior',
  'posteriorFlow',
  'posterior',
  'latentFlow',
  'flowIn',
  'likelihood',
];

function checkLatentFlow({ latentFlow, flowIn = 'prior' }: VaeOptions): void {
  if (flowIn !== 'prior' && flowIn !== 'posterior') {
    throw invalid('vae', 'options.flowIn', "'prior' or 'posterior'", flowIn);
  }
  if (latentFlow !== undefined) {
    checkBijectorLike('vae', 'options.latentFlow', latentFlow);
  } else if (flowIn === 'posterior') {
    throw invalid('vae', 'options.latentFlow', "a bijector where flowIn is 'posterior'", latentFlow);
  }
}

/** What the bijector makes of a distribution, with that context if there is one; its own parameters constant in a frozen call. */
function flowOver(base: Distribution, bijector: Bijector, { frozen }: CallOptions, context: Tensor | undefined): Distribution {
  const whole = flow({ base, bijector: frozen === true ? hold(bijector) : bijector });
  return context === undefined ? whole : whole.given(context);
}

/** q(z | x) from the encoder's output, and the tensors that were made for it. */
type PosteriorFactory = (parameters: Tensor, call: CallOptions) => [distribution: Distribution, made: Tensor[]];

function posteriorOf({ encoder, posterior, posteriorFlow }: VaeOptions, latentDim: number): PosteriorFactory {
  if (posterior !== undefined) {
    if (typeof posterior !== 'function') {
      throw invalid('vae', 'options.posterior', 'a function from the encoder output to a distribution', posterior);
    }
    if (posteriorFlow !== undefined) {
      throw invalid('vae', 'options.posteriorFlow', 'left out where a posterior is given', posteriorFlow);
    }
    return (parameters) => [posterior(parameters), []];
  }
  const contextDim = encoder.outputDim - 2 * latentDim;
  if (posteriorFlow === undefined) {
    if (contextDim !== 0) {
      const expected = `${2 * latentDim}: a mean and a log-scale for each of ${latentDim} latents`;
      throw invalid('vae', 'options.encoder.outputDim', expected, encoder.outputDim);
    }
  } else {
    checkBijectorLike('vae', 'options.posteriorFlow', posteriorFlow);
    if (contextDim < 0) {
      const expected = `at least ${2 * latentDim}: a mean and a log-scale for each of ${latentDim} latents, then the context`;
      throw invalid('vae', 'options.encoder.outputDim', expected, encoder.outputDim);
    }
  }

  return (parameters, call) => {
    const part = (start: number, size: number): Tensor => lastAxis(parameters, start, size);
    const mean = part(0, latentDim);
    const logScale = tidy(() => softBound(part(latentDim, latentDim), LARGEST_LOG_SCALE));
    const base = diagNormal({ mean, logScale });
    if (posteriorFlow === undefined) {
      return [base, [mean, logScale]];
    }
    const context = contextDim === 0 ? [] : [part(2 * latentDim, contextDim)];
    return [flowOver(base, posteriorFlow, call, context[0]), [mean, logScale, ...context]];
  };
}

const lastAxis = (x: Tensor, start: number, size: number): Tensor => {
  const batch = x.shape.slice(0, -1);
  return slice(x, [...batch.map(() => 0), start], [...batch, size]);
};

/** The same distribution, whose `dispose` frees the tensors that a call made for it, and nothing else. */
function releasing(distribution: Distribution, made: readonly Tensor[]): Distribution {
  return { ...distribution, dispose: () => dispose([...made]) };
}

/** The same bijector with constant parameters: what a frozen call of the model hands to its posterior. */
function hold(bijector: Bijector): Bijector {
  const frozen = (call?: CallOptions): CallOptions => ({ ...call, frozen: true });
  return {
    ...bijector,
    forward: (x, call) => bijector.forward(x, frozen(call)),
    inverse: (y, call) => bijector.inverse(y, frozen(call)),
    forwardAndLogDet: (x, call) => bijector.forwardAndLogDet(x, frozen(call)),
    inverseAndLogDet: (y, call) => bijector.inverseAndLogDet(y, frozen(call)),
  };
}

function checkNetwork(argument: string, value: unknown): void {
  const network = value as Partial<Conditioner> | null | undefined;
  if (typeof network?.apply !== 'function' || !Number.isInteger(network.inputDim) || !Number.isInteger(network.outputDim)) {
    throw invalid('vae', argument, 'a conditioner', value);
  }
}
