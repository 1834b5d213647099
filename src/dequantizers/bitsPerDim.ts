import type { Tensor } from '@tensorflow/tfjs-core';
import { add, mul, tidy } from '@tensorflow/tfjs-core';
import { checkInteger, checkOptions, invalid, isTensorLike } from '../core/errors.js';
import { checkLevelCount } from './levels.js';

/** What `bitsPerDim` takes. */
export interface BitsPerDimOptions<LogProb extends number | Tensor = number | Tensor> {
  /** log P(x) of whole examples, or a bound of it, in nats: a number, or a float32 tensor of any shape. */
  readonly logProb: LogProb;
  /** D: how many numbers an example has; all of them, channels included. */
  readonly dim: number;
  /**
   * How many values each can take, where `logProb` is the density of x / levels in the unit cube: it then owes D log(levels),
   * which is added. Leave it out where `logProb` is already that of x in its own units.
   */
  readonly levels?: number;
}

/**
 * Bits per dimension: -(log P(x)) / (D log 2), and with `levels` -(log p(x / levels) - D log(levels)) / (D log 2).
 *
 * A number for a number, in float64; a tensor of the same shape for a tensor, with the constant worked out on the host.
 *
 * @throws for a logProb that is neither (NaN is none), a dim or levels that are no positive integers, an unknown option.
 * Source: Theis, van den Oord and Bethge 2016, "A note on the evaluation of generative models", section 3.1.
 * @example
 * ```ts
 * import { bitsPerDim } from 'tfjs-flows';
 *
 * // A uniform model of bytes costs eight bits each, whichever way its density is told.
 * console.log(bitsPerDim({ logProb: 0, dim: 3072, levels: 256 })); // => 8
 * console.log(bitsPerDim({ logProb: -3072 * Math.log(256), dim: 3072 })); // => 8
 * ```
 */
export function bitsPerDim(options: BitsPerDimOptions<number>): number;
export function bitsPerDim(options: BitsPerDimOptions<Tensor>): Tensor;
export function bitsPerDim(options: BitsPerDimOptions): number | Tensor {
  checkOptions('bitsPerDim', options, ['logProb', 'dim', 'levels']);
  const { logProb, dim, levels } = options;
  checkInteger('bitsPerDim', 'options.dim', dim, 1);
  if (levels !== undefined) {
    checkLevelCount('bitsPerDim', levels);
  }
  const owed = levels === undefined ? 0 : Math.log2(levels);
  if (typeof logProb === 'number' && !Number.isNaN(logProb)) {
    return owed - logProb / (dim * Math.LN2);
  }
  if (!isTensorLike(logProb) || logProb.dtype !== 'float32' || logProb.isDisposed) {
    throw invalid('bitsPerDim', 'options.logProb', 'a number or a float32 tensor', logProb);
  }
  return tidy(() => add(mul(logProb, -1 / (dim * Math.LN2)), owed));
}
