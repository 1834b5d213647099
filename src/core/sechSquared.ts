import type { Tensor } from '@tensorflow/tfjs-core';
import { mul, neg, sigmoid } from '@tensorflow/tfjs-core';

/** sech^2(x) = 4 sigmoid(2x) sigmoid(-2x): no cancellation, where 1 - tanh^2 loses all beyond |x| of 9. */
export function sechSquared(x: Tensor): Tensor {
  const twice = mul(x, 2);
  return mul(mul(sigmoid(twice), 4), sigmoid(neg(twice)));
}
