import { invalid } from './errors.js';

/** Throws unless `value` is one of the choices. */
export function checkChoice(where: string, argument: string, value: unknown, choices: readonly string[]): void {
  if (!choices.includes(value as string)) {
    throw invalid(where, argument, choices.map((choice) => `'${choice}'`).join(' or '), value);
  }
}
