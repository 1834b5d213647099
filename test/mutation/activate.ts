import { afterEach, beforeEach, vi } from 'vitest';

declare global {
  /** Read by the sources that scripts/opMutants.mjs made. */
  var mutant: number | undefined;
  /** Read by those that Stryker made; the limit is for loops that do not end. */
  var __stryker__: { activeMutant: string; hitCount: number; hitLimit: number } | undefined;
}

/** Makes the sources imported from now on behave as that mutant, and the tests stop at the first that fails. */
export function activate(number: number): void {
  globalThis.mutant = number;
  globalThis.__stryker__ = { activeMutant: String(number), hitCount: 0, hitLimit: 1_000_000 };
  vi.resetModules();
  let killed = false;
  beforeEach((context) => {
    context.skip(killed);
  });
  afterEach(({ task }) => {
    killed ||= task.result?.state === 'fail';
  });
}
