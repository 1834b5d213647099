import type { Lanes } from '../lanes.js';
import { softplus } from '../lanes.js';
import type { DenseActivation } from './dense.js';

/** act(x). */
export function activated<F>(o: Lanes<F>, x: F, activation: DenseActivation): F {
  const [zero, one] = [o.constant(0), o.constant(1)];
  switch (activation) {
    case 'linear':
      return x;
    case 'relu':
      return o.max(x, zero);
    case 'leakyRelu':
      return o.ifAtLeast(x, zero, x, o.mul(x, o.constant(0.2)));
    case 'elu':
      return o.ifAtLeast(x, zero, x, o.sub(o.exp(o.min(x, zero)), one));
    case 'tanh':
      return o.tanh(x);
    case 'sigmoid':
      return o.sigmoid(x);
    case 'softplus':
      return softplus(o, x);
  }
}

/** act'(x) where y = act(x). */
export function activationSlope<F>(o: Lanes<F>, y: F, activation: DenseActivation): F {
  const [zero, one] = [o.constant(0), o.constant(1)];
  switch (activation) {
    case 'linear':
      return one;
    case 'relu':
      return o.ifAtLeast(zero, y, zero, one);
    case 'leakyRelu':
      return o.ifAtLeast(zero, y, o.constant(0.2), one);
    case 'elu':
      return o.ifAtLeast(zero, y, o.add(y, one), one);
    case 'tanh':
      return o.sub(one, o.mul(y, y));
    case 'sigmoid':
      return o.mul(y, o.sub(one, y));
    case 'softplus':
      return o.sub(one, o.exp(o.neg(y)));
  }
}
