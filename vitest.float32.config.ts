// The measurements behind docs/float32.md on every backend setting, and once more in float64.
import type { ViteUserConfig } from 'vitest/config';
import { defineConfig } from 'vitest/config';
import base from './vitest.config.js';

const include = ['test/float32/measure.ts'];
const projects = (base.test?.projects as ViteUserConfig[]).map((project) => ({
  ...project,
  // The tests may be running beside.
  cacheDir: `node_modules/.vite/float32-${project.test?.name}`,
  test: { ...project.test, include },
}));
const cpu = projects.find(({ test }) => test.name === 'cpu') as ViteUserConfig;
const reference = {
  ...cpu,
  test: {
    ...cpu.test,
    name: 'float64',
    setupFiles: ['test/float32/float64.ts', ...[cpu.test?.setupFiles ?? []].flat()],
    sequence: { setupFiles: 'list' },
  },
};

const config: ViteUserConfig = defineConfig({ test: { projects: [...projects, reference] as never } });

export default config;
