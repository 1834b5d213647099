import type { Tensor } from '@tensorflow/tfjs-core';
import { div, mean, mul, sub, tidy } from '@tensorflow/tfjs-core';
import { checkChoice } from '../core/checkChoice.js';
import type { Dequantizer } from '../core/dequantizer.js';
import type { Distribution } from '../core/distribution.js';
import { checkCall, checkInteger, checkNumber, checkOptions, invalid } from '../core/errors.js';
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
  /**
   * 'elbo' (default) averages the S log-weights; 'importance' takes the logarithm of the mean weight, which is tighter; 'renyi' is
   * between them, or looser than either, as `alpha` says.
   */
  readonly bound?: 'elbo' | 'importance' | 'renyi';
  /** The order of the Renyi bound, with 'renyi' and only there: at least 0, which is 'importance'; 1 is 'elbo'. */
  readonly alpha?: number;
}

/**
 * The lower bound of the log-probability of discrete data under a continuous density:
 *
 *   'elbo':       1/S sum_s log w_s  <=  log P(x) = log of the integral of p over the unit cube above x,
 *   'importance': log 1/S sum_s w_s, in expectation between the two, and growing with S,
 *   'renyi':      1/(1 - alpha) log 1/S sum_s w_s^(1 - alpha), falling as alpha grows,
 *
 * with w_s = p(x + u_s) / q(u_s | x). Each is in expectation at most log P(x); the gap of the first is KL(q(u | x) || p(u | x)). An
 * alpha below 0 would be no bound and is refused; next to 1, where the formula divides by 1 - alpha, float32 leaves an error
 * of about 1e-7 / |1 - alpha| nats.
 *
 * Shapes: x [...batch, ...event] -> [...batch], nats. Gradients flow into the distribution and into the dequantizer.
 * `bitsPerDim` turns the result into bits. A context is passed to both.
 *
 * @throws for an unknown option, parts that are no distribution and dequantizer of the same event rank, a bound that is none, an
 * alpha below 0, missing or not asked for; at a call for an unknown option and for whatever the parts refuse: x outside the levels,
 * a wrong shape.
 * Source: Ho et al. 2019, "Flow++", section 3.1; Hoogeboom, Cohen and Tomczak 2020, "Learning discrete distributions by
 * dequantization", for the importance-weighted and Renyi bounds; Li and Turner 2016, "Renyi divergence variational inference",
 * sections 3 and 4.1.
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
  checkOptions(where, options, ['distribution', 'dequantizer', 'samples', 'bound', 'alpha']);
  const { distribution, dequantizer, samples = 1 } = options;
  checkDistributionLike(where, 'options.distribution', distribution);
  if (typeof dequantizer?.sampleAndLogProb !== 'function' || typeof dequantizer.quantize !== 'function') {
    throw invalid(where, 'options.dequantizer', 'a dequantizer', dequantizer);
  }
  if (dequantizer.eventRank !== distribution.eventShape.length) {
    const expected = `that of the distribution, ${distribution.eventShape.length} (its events are [${distribution.eventShape}])`;
    throw invalid(where, 'options.dequantizer.eventRank', expected, dequantizer.eventRank);
  }
  checkInteger(where, 'options.samples', samples, 1);
  const order = orderOf(options);

  return (x: Tensor, options = {}) => {
    checkCall(where, options);
    return tidy(() => {
      const call = { ...options, rng: options.rng ?? createRng() };
      const [y, logQ] = dequantizer.sampleAndLogProb(x, { ...call, shape: samples === 1 ? [] : [samples] });
      const logWeights = sub(distribution.logProb(y, call), logQ);
      if (samples === 1) {
        return logWeights;
      }
      return order === 1 ? mean(logWeights, 0) : div(logMeanExp(mul(logWeights, 1 - order)), 1 - order);
    });
  };
}

/** The order of each bound as a Renyi bound. */
function orderOf({ bound = 'elbo', alpha }: DequantizedLogProbOptions): number {
  checkChoice('dequantizedLogProb', 'options.bound', bound, ['elbo', 'importance', 'renyi']);
  if (bound === 'renyi') {
    checkNumber('dequantizedLogProb', 'options.alpha', alpha, { least: 0 });
    return alpha;
  }
  if (alpha !== undefined) {
    throw invalid('dequantizedLogProb', 'options.alpha', "left out where options.bound is not 'renyi'", alpha);
  }
  return bound === 'elbo' ? 1 : 0;
}
