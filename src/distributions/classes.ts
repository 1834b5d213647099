import type { Tensor } from '@tensorflow/tfjs-core';
import {
  add,
  argMax,
  cast,
  clipByValue,
  equal,
  exp,
  fill,
  floor,
  log,
  mul,
  neg,
  range,
  reshape,
  sub,
  sum,
  zerosLike,
} from '@tensorflow/tfjs-core';
import type { CallOptions } from '../core/bijector.js';
import type { DistributionSpec } from '../core/defineDistribution.js';
import { logSoftmax } from '../core/math.js';
import type { Rng } from '../core/rng.js';
import { select } from '../core/select.js';
import { sumTrailing } from '../core/shapes.js';
import { untaped } from '../core/stopGradient.js';
import { relatives } from './relatives.js';

/**
 * Draws of classes 0 ... K - 1, float32, of shape `size`, from logits [..., K] whose leading axes broadcast to it: the largest of
 * logits plus Gumbel noise. Constants: a choice has no gradient.
 *
 * By the distribution function it would take fewer numbers, but `cumsum` of TensorFlow.js 4.22 on WebGPU runs a shader that was
 * compiled for the number of classes of its first call.
 */
export function drawClass(logits: Tensor, size: readonly number[], rng: Rng): Tensor {
  return untaped(() => {
    const gumbel = neg(log(neg(log(rng.uniform([...size, logits.shape.at(-1) as number])))));
    return largest(add(logits, gumbel));
  });
}

/** Where the last axis is largest: [..., K] -> [...]. */
function largest(x: Tensor): Tensor {
  // Of one row, WebGPU in TensorFlow.js 4.22 makes a vector instead of a number.
  return reshape(cast(argMax(x, -1), 'float32'), x.shape.slice(0, -1));
}

/** What distributions over classes 0 ... K - 1 have in common, from their logits, [...batch, ...event, K]. */
export function classProperties(
  logits: (call: CallOptions) => Tensor,
  eventRank: number,
): Required<Pick<DistributionSpec, 'mode' | 'entropy' | 'family' | 'klTo'>> {
  return {
    mode: (call) => largest(logits(call)),
    entropy: (call) => {
      const logP = logSoftmax(logits(call));
      return neg(sumTrailing(mul(exp(logP), logP), eventRank + 1));
    },
    ...relatives(
      'categorical',
      (call) => ({ logits: logits(call) }),
      (p, q) => {
        if (p.logits.shape.at(-1) !== q.logits.shape.at(-1)) {
          return undefined;
        }
        const [logP, logQ] = [logSoftmax(p.logits), logSoftmax(q.logits)];
        return sumTrailing(mul(exp(logP), sub(logP, logQ)), eventRank + 1);
      },
    ),
  };
}

/** sum over classes of weight times class number: [..., K] -> [...]. */
export function meanClass(logits: Tensor): Tensor {
  return sum(mul(exp(logSoftmax(logits)), range(0, logits.shape.at(-1) as number)), -1);
}

/** 0 where `value` is one of the integers 0 ... count - 1, -Infinity elsewhere: log-probabilities add it. */
export function outsidePenalty(value: Tensor, count: number): Tensor {
  return untaped(() => {
    const known = equal(value, clipByValue(floor(value), 0, count - 1));
    return select(known, zerosLike(value), fill(value.shape, Number.NEGATIVE_INFINITY));
  });
}
