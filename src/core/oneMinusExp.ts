import type { Tensor } from '@tensorflow/tfjs-core';
import { div, exp, greaterEqual, maximum, minimum, mul, neg, scalar, sub } from '@tensorflow/tfjs-core';
import { select } from './select.js';

/** From here on 1 - e^-x has no cancellation to speak of; below, eight terms of the series do. */
const SERIES_END = 0.5;

/**
 * (1 - e^-x) / x for x >= 0, 1 at 0, to float32's relative accuracy, and with its gradient everywhere: some backends take the op
 * `expm1` as e^x - 1 of a rounded e^x.
 */
export function oneMinusExpRatio(x: Tensor): Tensor {
  const small = minimum(x, SERIES_END);
  const large = maximum(x, SERIES_END);
  // 1 - x/2 (1 - x/3 (1 - x/4 ...))
  const series = [9, 8, 7, 6, 5, 4, 3, 2].reduce((sum: Tensor, k) => sub(1, mul(div(small, k), sum)), scalar(1));
  const direct = div(sub(1, exp(neg(large))), large);
  return select(greaterEqual(x, SERIES_END), direct, series);
}
