// Every example of the documentation is type-checked and run, and prints what it says.
import { afterAll, describe, expect, it } from 'vitest';
import type { Fence } from './fences.js';
import { bundle, documentedFiles, prepare, readFences, typeCheck } from './fences.js';

const fences: Fence[] = documentedFiles().flatMap(readFences);
const name = (fence: Fence): string => `${fence.file}:${fence.line}`;

describe('examples of the documentation', async () => {
  const typeErrors = typeCheck(fences);
  const problems = new Map(fences.map((fence) => [fence, [...(typeErrors.get(fence) ?? []), ...prepare(fence).problems]]));
  const onlyChecked = fences.filter((fence) => fence.noRun !== undefined);
  const runner = await bundle(fences.filter((fence) => fence.noRun === undefined && problems.get(fence)?.length === 0));

  afterAll(() => {
    runner.dispose();
    console.log(`Examples: ${fences.length - onlyChecked.length} run, ${onlyChecked.length} only type-checked.`);
    for (const fence of onlyChecked) {
      console.log(`  ${name(fence)}: ${fence.noRun}`);
    }
  });

  it.each(fences.map((fence) => [name(fence), fence] as const))('%s', async (_, fence) => {
    expect(problems.get(fence)).toEqual([]);
    if (fence.noRun === undefined) {
      expect(await runner.run(fence)).toEqual([]);
    }
  });
});
