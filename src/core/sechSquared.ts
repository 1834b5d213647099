import type { Tensor } from '@tensorflow/tfjs-core';
import { abs, add, div, exp, mul, square } from '@tensorflow/tfjs-core';

/** sech^2(x) = 4 e / (1 + e)^2 with e = exp(-2|x|): no cancellation, where 1 - tanh^2 loses all beyond |x| of 9. */
export function sechSquared(x: Tensor): Tensor {
  const e = exp(mul(abs(x), -2));
  return div(mul(e, 4), square(add(e, 1)));
}
