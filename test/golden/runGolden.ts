import { engine } from '@tensorflow/tfjs-core';
import { adapterFor } from './adapters/index.js';
import type { GoldenFile } from './cases.js';
import type { CaseResult } from './check.js';
import { runCase } from './check.js';

/** What became of a file. */
export interface FileResult {
  readonly name: string;
  readonly cases: readonly CaseResult[];
  readonly passed: number;
  readonly failed: number;
  readonly pending: number;
}

/** Runs every case of a file. A file that no adapter knows fails as a whole. */
export async function runGolden(file: GoldenFile): Promise<FileResult> {
  const cases: CaseResult[] = [];
  const adapter = adapterFor(file.name);
  for (const golden of file.cases) {
    engine().startScope();
    try {
      cases.push(
        await runCase(golden, async (one, check) => {
          if (adapter === undefined) {
            throw new Error(`no adapter for ${file.name}`);
          }
          await adapter(one, check, file.folder);
        }),
      );
    } finally {
      engine().endScope();
    }
  }
  return {
    name: file.name,
    cases,
    passed: cases.filter(({ compared, failures }) => compared > 0 && failures.length === 0).length,
    failed: cases.filter(({ failures }) => failures.length > 0).length,
    pending: cases.reduce((total, { pending }) => total + pending.length, 0),
  };
}

/** The report of a file: one line, then its failed cases and what is pending, a line each. */
export function describeResult({ name, cases, passed, failed, pending }: FileResult): string {
  return [
    `${name}  ${passed} passed, ${failed} failed, ${pending} pending`,
    ...cases.filter(({ failures }) => failures.length > 0).map((one) => `  failed   ${one.name}: ${one.failures.join('; ')}`),
    ...cases.flatMap((one) => one.pending).map((part) => `  pending  ${part.name} (needs ${part.needs.join(', ')})`),
  ].join('\n');
}
