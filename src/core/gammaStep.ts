import type { Tensor } from '@tensorflow/tfjs-core';
import { add, div, log, mul, reciprocal, square, sub } from '@tensorflow/tfjs-core';

/** Steps of the recurrence before the series, whose terms beyond the last one here are then below float32's rounding of the whole. */
const STEPS = 4;

/**
 * log Gamma(a + 1/2) - log Gamma(a) - log(a) / 2 for a > 0: between -infinity at 0 and 0 at infinity.
 *
 * The difference of two log-gammas would lose all digits to cancellation where a is large. Here it is the series in 1 / x at
 * x = a + 4, and the recurrence back to a, each factor (a + k)(a + k + 1) / (a + k + 1/2)^2 of which is near 1 where a is large.
 *
 * Source: Tricomi and Erdelyi 1951, "The asymptotic expansion of a ratio of gamma functions".
 */
export function logGammaStep(a: Tensor): Tensor {
  const r = reciprocal(add(a, STEPS));
  const t = square(r);
  // -1/8 r + 1/192 r^3 - 1/640 r^5
  const series = mul(r, add(mul(t, add(mul(t, -1 / 640), 1 / 192)), -1 / 8));
  const product = steps((k) => {
    const middle = add(a, k + 0.5);
    return mul(div(add(a, k), middle), div(add(a, k + 1), middle));
  }).reduce((total, factor) => mul(total, factor));
  return add(series, mul(log(product), 0.5));
}

/** digamma(a + 1/2) - digamma(a) for a > 0, likewise: terms of one sign. */
export function digammaStep(a: Tensor): Tensor {
  const r = reciprocal(add(a, STEPS));
  const t = square(r);
  // 1/2 r + 1/8 r^2 - 1/64 r^4 + 1/128 r^6
  const series = add(mul(r, 0.5), mul(t, add(mul(t, sub(mul(t, 1 / 128), 1 / 64)), 1 / 8)));
  return steps((k) => div(0.5, mul(add(a, k), add(a, k + 0.5)))).reduce((total, term) => add(total, term), series);
}

const steps = (term: (k: number) => Tensor): Tensor[] => Array.from({ length: STEPS }, (_, k) => term(k));
