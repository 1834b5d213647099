import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import { add, exp, mul, neg, reshape, sub } from '@tensorflow/tfjs-core';
import type { Bijector, BijectorSpec } from '../core/bijector.js';
import { defineBijector } from '../core/bijector.js';
import { own } from '../core/stopGradient.js';
import { sumLogDerivative } from '../core/sumLogDerivative.js';

/** What `channelAffine` takes. */
export interface ChannelAffineSpec extends Pick<BijectorSpec, 'name' | 'buffers' | 'initialize'> {
  readonly dim: number;
  readonly eventRank: number;
  /** [dim] */
  readonly logScale: Variable;
  /** [dim] */
  readonly shift: Variable;
}

/** y = exp(logScale) x + shift along the last axis: what `scaleShift({ dim })` and `actNorm` share. */
export function channelAffine({ dim, eventRank, logScale, shift, ...rest }: ChannelAffineSpec): Bijector {
  // WebGPU broadcasts over four axes at most, and an image with two batch axes has five.
  const rows = (value: Tensor): Tensor => reshape(value, [-1, dim]);
  return defineBijector({
    ...rest,
    forwardEvent: [...Array(eventRank - 1).fill(null), dim],
    parameters: { logScale, shift },
    forwardAndLogDet: (x, call): [Tensor, Tensor] => {
      const log = own(logScale, call);
      const y = add(mul(rows(x), exp(log)), own(shift, call));
      return [reshape(y, x.shape), sumLogDerivative(log, x, eventRank)];
    },
    inverseAndLogDet: (y, call): [Tensor, Tensor] => {
      const minusLog = neg(own(logScale, call));
      const x = mul(sub(rows(y), own(shift, call)), exp(minusLog));
      return [reshape(x, y.shape), sumLogDerivative(minusLog, y, eventRank)];
    },
  });
}
