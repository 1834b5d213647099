import type { Bijector } from './bijector.js';
import type { Distribution } from './distribution.js';
import { invalid } from './errors.js';

/** Throws unless `value` has the methods of a bijector: whoever made it, and whichever copy of the library. */
export function checkBijectorLike(where: string, argument: string, value: unknown): asserts value is Bijector {
  if (!hasMethods(value, ['forward', 'inverse', 'forwardAndLogDet', 'inverseAndLogDet'])) {
    throw invalid(where, argument, 'a bijector', value);
  }
}

/** Throws unless `value` has the methods of a distribution. */
export function checkDistributionLike(where: string, argument: string, value: unknown): asserts value is Distribution {
  if (!hasMethods(value, ['sample', 'logProb', 'sampleAndLogProb'])) {
    throw invalid(where, argument, 'a distribution', value);
  }
}

function hasMethods(value: unknown, names: readonly string[]): boolean {
  return names.every((name) => typeof Object(value)[name] === 'function');
}
