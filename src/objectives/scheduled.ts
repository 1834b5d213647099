import { checkNumber, invalid } from '../core/errors.js';

/** A weight: a number of at least 0, or a function that is asked for one at every call, and is given the call's `step`. */
export type Scheduled = number | ((step: number) => number);

/** The weight by step, checked: a number at once, what a function returns at each call. */
export function scheduled(where: string, name: string, given: Scheduled): (step: number | undefined) => number {
  if (typeof given !== 'function') {
    checkNumber(where, `options.${name}`, given, { least: 0 });
    return () => given;
  }
  return (step) => {
    if (step === undefined && given.length > 0) {
      throw invalid(where, 'options.step of a call', `given where ${name} is a function of it`, step);
    }
    const value = given(step as number);
    checkNumber(where, `what options.${name} returns`, value, { least: 0 });
    return value;
  };
}
