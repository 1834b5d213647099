import type { Tensor } from '@tensorflow/tfjs-core';
import { abs, add, exp, greaterEqual, log, mul, neg, pow } from '@tensorflow/tfjs-core';
import type { Bijector } from '../core/bijector.js';
import { checkNumber, checkOptions, invalid } from '../core/errors.js';
import { select } from '../core/select.js';
import { elementwise } from './elementwise.js';

/** What `powerBijector` takes. */
export interface PowerBijectorOptions {
  /** p: not 0; on the whole line above 0. */
  readonly power: number;
  /** 'positive' (default): y = x^p of positive numbers. 'odd': y = sign(x) |x|^p of the whole line. */
  readonly domain?: 'positive' | 'odd';
  /** Trailing axes that form one event. Default 0: each element is its own. */
  readonly eventRank?: number;
}

/**
 * A power: y = x^p of the positive numbers, or y = sign(x) |x|^p of the whole line.
 *
 * log|dy/dx| = log|p| + (p - 1) log|x|, summed over the event; the inverse is the power 1 / p.
 *
 * Shapes: x and y [...batch, ...event], log-det [...batch].
 *
 * Of the positive numbers p may be negative, and a negative x gives NaN, whatever p. On the whole line the derivative at 0 is 0
 * or infinite save where p = 1: there the log-det is an infinity, and gradients are not finite.
 *
 * @throws for a power of 0, one below 0 on the whole line, an unknown domain, a wrong eventRank, an unknown option; at a call for
 * a wrong rank or dtype.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { powerBijector } from 'tfjs-flows';
 *
 * const [y, logDet] = powerBijector({ power: 3, domain: 'odd' }).forwardAndLogDet(tf.tensor1d([2, -1]));
 * console.log(Array.from(y.dataSync(), (value) => value.toFixed(3))); // => [ '8.000', '-1.000' ]
 * console.log(Array.from(logDet.dataSync(), (value) => value.toFixed(3))); // => [ '2.485', '1.099' ]
 * ```
 */
export function powerBijector(options: PowerBijectorOptions): Bijector {
  checkOptions('powerBijector', options, ['power', 'domain', 'eventRank']);
  const { power, domain = 'positive', ...rest } = options;
  if (domain !== 'positive' && domain !== 'odd') {
    throw invalid('powerBijector', 'options.domain', "'positive' or 'odd'", domain);
  }
  checkNumber('powerBijector', 'options.power', power, domain === 'odd' ? { above: 0 } : {});
  if (power === 0) {
    throw invalid('powerBijector', 'options.power', 'other than zero', power);
  }
  const raise = domain === 'odd' ? oddPower : positivePower;
  return elementwise({
    ...rest,
    name: 'powerBijector',
    forward: raise(power),
    inverse: raise(1 / power),
    logDerivative: (x) => add(mul(log(abs(x)), power - 1), Math.log(Math.abs(power))),
  });
}

type Power = (p: number) => (x: Tensor) => Tensor;

/** Through the logarithm: `pow` would take whole powers of negative numbers on some backends. */
const positivePower: Power = (p) => (x) => exp(mul(log(x), p));

const oddPower: Power = (p) => (x) => {
  const size = pow(abs(x), p);
  return select(greaterEqual(x, 0), size, neg(size));
};
