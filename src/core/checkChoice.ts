import { invalid } from './errors.js';

/** Throws unless `value` is one of the choices. */
export function checkChoice(where: string, argument: string, value: unknown, choices: readonly string[]): void {
  if (!choices.some((choice) => choice === value)) {
    throw invalid(where, argument, choices.map((choice) => `'${choice}'`).join(' or '), value);
  }
}
