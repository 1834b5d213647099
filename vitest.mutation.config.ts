// What the mutation check runs for each mutant: the unit tests first, for they are quick, then the laws in few draws.
import type { ViteUserConfig } from 'vitest/config';
import { defineConfig } from 'vitest/config';
import type { TestSpecification } from 'vitest/node';
import { BaseSequencer } from 'vitest/node';
import base from './vitest.config.js';

class UnitTestsFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const late = (file: TestSpecification): number => (file.moduleId.includes('/test/') ? 1 : 0);
    return [...files].sort((a, b) => late(a) - late(b) || a.moduleId.localeCompare(b.moduleId));
  }
}

const [cpu] = base.test?.projects as [ViteUserConfig];

const config: ViteUserConfig = defineConfig({
  test: {
    ...cpu.test,
    include: [
      'src/{backends,bijectors,conditioners,core,dequantizers,distributions,kernels,metrics,objectives,transformers}/**/*.test.ts',
      'test/{backends,conformance,errors,golden}/*.test.ts',
    ],
    setupFiles: [...[cpu.test?.setupFiles ?? []].flat(), 'test/mutation/reached.ts', 'test/mutation/afresh.ts'],
    provide: { backend: 'cpu', runs: 2, gradients: 'joint' },
    sequence: { sequencer: UnitTestsFirst },
    maxWorkers: '100%',
    testTimeout: 120_000,
  },
});

export default config;
