import type { Tensor } from '@tensorflow/tfjs-core';
import { mean, sub, tidy } from '@tensorflow/tfjs-core';
import type { Dequantizer } from '../core/dequantizer.js';
import type { Distribution } from '../core/distribution.js';
import { checkInteger, checkOptions, invalid } from '../core/errors.js';
import type { Objective } from '../core/objective.js';
import { createRng } from '../core/rng.js';
import { checkDistributionLike } from '../core/structural.js';
import { logMeanExp } from './logMeanExp.js';

/** What `dequantizedLogProb` takes. */
export interface DequantizedLogProbOptions {
  /** The density p of y = x + u, in the units of x: over [0, levels) an element. */
  readonly distribution: Distribution;
  readonly dequantizer: Dequantizer;
  /** Draws of u an example, S. Default 1. */
  readonly samples?: number;
  /** 'elbo' (default) averages the S log-weights; 'importance' takes the logarithm of the mean weight, which is tighter. */
  readonly bound?: 'elbo' | 'importance';
}

/**
 * The lower bound of the log-probability of discrete data under a continuous density:
 *
 *   'elbo':       1/S sum_s (log p(x + u_s) - log q(u_s | x))  <=  log P(x) = log of the integral of p over the unit cube above x,
 *   'importance': log 1/S sum_s p(x + u_s) / q(u_s | x), in expectation between the two, and growing with S.
 *
 * Shapes: x [...batch, ...event] -> [...batch], nats. Gradients flow into the distribution and into the dequantizer.
 * `bitsPerDim` turns the result into bits. A context is passed to both.
 *
 * @throws for an unknown option, parts that are no distribution and dequantizer of the same event rank, and at a call for
 * whatever the parts refuse: x outside the levels, a wrong shape.
 * Source: Ho et al. 2019, "Flow++", section 3.1; Hoogeboom, Cohen and Tomczak 2020, "Learning discrete distributions by
 * dequantization", for the importance-weighted bound.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { bitsPerDim, createRng, dequantizedLogProb, logistic, uniformDequantizer } from 'tfjs-flows';
 *
 * const density = logistic({ location: tf.tensor1d([128, 128]), scale: 30 });
 * const objective = dequantizedLogProb({ distribution: density, dequantizer: uniformDequantizer({ levels: 256 }), samples: 8 });
 * const logProb = objective(tf.tensor2d([[120, 131], [0, 255]]), { rng: createRng(0) });
 * console.log(Array.from(bitsPerDim({ logProb, dim: 2 }).dataSync(), (bits) => bits.toFixed(1))); // => [ '6.9', '11.1' ]
 * ```
 */
export function dequantizedLogProb(options: DequantizedLogProbOptions): Objective {
  const where = 'dequantizedLogProb';
  checkOptions(where, options, ['distribution', 'dequantizer', 'samples', 'bound']);
  const { distribution, dequantizer, samples = 1, bound = 'elbo' } = options;
  checkDistributionLike(where, 'options.distribution', distribution);
  if (typeof dequantizer?.sampleAndLogProb !== 'function' || typeof dequantizer.quantize !== 'function') {
    throw invalid(where, 'options.dequantizer', 'a dequantizer', dequantizer);
  }
  if (dequantizer.eventRank !== distribution.eventShape.length) {
    const expected = `that of the distribution, ${distribution.eventShape.length} (its events are [${distribution.eventShape}])`;
    throw invalid(where, 'options.dequantizer.eventRank', expected, dequantizer.eventRank);
  }
  checkInteger(where, 'options.samples', samples, 1);
  if (bound !== 'elbo' && bound !== 'importance') {
    throw invalid(where, 'options.bound', "'elbo' or 'importance'", bound);
  }

  return (x: Tensor, { rng = createRng(), ...call } = {}) =>
    tidy(() => {
      const [y, logQ] = dequantizer.sampleAndLogProb(x, { ...call, rng, shape: [samples] });
      const logWeights = sub(distribution.logProb(y, { ...call, rng }), logQ);
      return bound === 'elbo' ? mean(logWeights, 0) : logMeanExp(logWeights);
    });
}
