import { describe, expect, test } from 'vitest';
import { goldenFolder, readGoldenFiles } from './cases.js';
import { runGolden } from './runGolden.js';

// The cases run while tests are collected: what is pending is known then, and is listed as work to do, not as skipped.
for (const file of readGoldenFiles(goldenFolder())) {
  const { cases } = await runGolden(file);
  describe(file.name, () => {
    for (const { name, compared, failures, pending } of cases) {
      if (compared > 0 || failures.length > 0) {
        test(name, () => expect(failures).toEqual([]));
      }
      for (const part of pending) {
        test.todo(`${part.name} (needs ${part.needs.join(', ')})`);
      }
    }
  });
}
