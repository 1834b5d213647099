import { afterEach, beforeEach, vi } from 'vitest';

declare global {
  /** Read by the sources that scripts/opMutants.mjs made. */
  var mutant: number | undefined;
  /** Read by those that Stryker made, each time that the mutant is run. */
  var __stryker__: { activeMutant: string; hitCount: number; readonly hitLimit: number } | undefined;
}

/** Milliseconds that a test may take before a loop that runs the mutant counts as one that does not end. */
const LIMIT = 30_000;

/** Makes the sources imported from now on behave as that mutant, and the tests stop at the first that fails. */
export function activate(number: number): void {
  globalThis.mutant = number;
  let began = performance.now();
  globalThis.__stryker__ = {
    activeMutant: String(number),
    hitCount: 0,
    get hitLimit() {
      return performance.now() - began > LIMIT ? 0 : Number.POSITIVE_INFINITY;
    },
  };
  vi.resetModules();
  let killed = false;
  beforeEach((context) => {
    context.skip(killed);
    began = performance.now();
  });
  afterEach(({ task }) => {
    killed ||= task.result?.state === 'fail';
  });
}
