import type { GoldenCase } from '../cases.js';
import type { Check } from '../check.js';

/** Builds our component from a case and compares it with what is expected. `folder` holds the case file. */
export type Adapter = (golden: GoldenCase, check: Check, folder: string) => Promise<void>;

/** For cases of components that do not exist yet: pending until they are exported, then a failure that asks for the adapter. */
export function awaiting(...components: string[]): Adapter {
  return async (_, check) => {
    if (check.has(components)) {
      throw new Error(`the library exports ${components.join(', ')} now, but the adapter is missing`);
    }
  };
}

/** A setting of a case that the adapter does not know. */
export function unknown(what: string, value: unknown): Error {
  return new Error(`this adapter knows no ${what} ${JSON.stringify(value)}`);
}
