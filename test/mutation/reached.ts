// Notes for each test which of the sources under mutation it reaches; scripts/mutation.mjs reads it.
import { afterEach, beforeEach } from 'vitest';

declare module 'vitest' {
  interface TaskMeta {
    reached?: string[];
  }
}

declare global {
  var reached: Set<string> | undefined;
}

globalThis.reached = new Set();
/** By what is made before the tests, and serves all of them. */
let shared: Set<string> | undefined;

beforeEach(() => {
  shared ??= globalThis.reached;
  globalThis.reached = new Set(shared);
});

afterEach(({ task }) => {
  task.meta.reached = [...(globalThis.reached ?? [])];
});
