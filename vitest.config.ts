import { fileURLToPath } from 'node:url';
import { playwright } from '@vitest/browser-playwright';
import type { TestProjectConfiguration, ViteUserConfig } from 'vitest/config';
import { defineConfig } from 'vitest/config';
import { dawnEnvironment, findChromium } from './scripts/machine.mjs';

/** Suites that every backend setting runs. */
const EVERY_BACKEND = ['test/conformance/**/*.test.ts', 'test/backends/**/*.test.ts'];

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The library as source, under the names that users import. */
const alias = [
  { find: /^tfjs-flows$/, replacement: at('src/index.ts') },
  { find: /^tfjs-flows\/testing\/fast-check$/, replacement: at('src/testing/fast-check.ts') },
  { find: /^tfjs-flows\/([a-z]+)$/, replacement: at('src/$1/index.ts') },
];

/** A test reads results by `await t.data()`, and compiling shaders for a software GPU takes its time. */
const common = { testTimeout: 300_000, hookTimeout: 120_000, alias };

function inNode(backend: 'cpu' | 'wasm' | 'webgpu', name: string, include: string[]): TestProjectConfiguration {
  return {
    test: {
      ...common,
      name,
      include,
      exclude: ['test/package/**', '**/node_modules/**'],
      environment: 'node',
      pool: 'forks',
      // Loading TensorFlow.js takes longer than most files of tests, so one process runs many of them; the suites compare
      // memory before and after, never with zero.
      isolate: false,
      provide: { backend },
      setupFiles: ['test/setup/backend.ts'],
      // One device in one process; else every core, where the default would leave one idle.
      ...(backend === 'webgpu' ? { maxWorkers: 1, env: dawnEnvironment() } : { maxWorkers: '100%' }),
    },
  };
}

function inBrowser(backend: 'webgl' | 'webgpu', args: string[]): TestProjectConfiguration {
  const executablePath = findChromium();
  return {
    // Two copies of tfjs-core would each load half of the kernels.
    resolve: { dedupe: ['@tensorflow/tfjs-core'] },
    optimizeDeps: {
      include: [
        '@tensorflow/tfjs',
        '@tensorflow/tfjs-core',
        '@tensorflow/tfjs-core/dist/register_all_gradients.js',
        '@tensorflow/tfjs-backend-cpu',
        '@tensorflow/tfjs-backend-wasm',
        '@tensorflow/tfjs-backend-webgl',
        '@tensorflow/tfjs-backend-webgpu',
        'fast-check',
      ],
    },
    cacheDir: `node_modules/.vite/${backend}`,
    test: {
      ...common,
      name: backend,
      include: EVERY_BACKEND,
      provide: { backend },
      setupFiles: ['test/setup/backend.ts'],
      // One page for all files: a fresh one would compile every shader again.
      isolate: false,
      fileParallelism: false,
      browser: {
        enabled: true,
        headless: true,
        screenshotFailures: false,
        instances: [{ browser: 'chromium' }],
        provider: playwright({
          launchOptions: {
            ...(executablePath === undefined ? {} : { executablePath }),
            args: [
              '--no-sandbox',
              '--disable-background-networking',
              '--disable-component-update',
              '--disable-default-apps',
              '--disable-sync',
              '--disable-dev-shm-usage',
              '--no-first-run',
              '--no-default-browser-check',
              ...args,
            ],
          },
        }),
      },
    },
  };
}

const config: ViteUserConfig = defineConfig({
  test: {
    projects: [
      inNode('cpu', 'cpu', ['src/**/*.test.ts', 'test/!(memory)/**/*.test.ts']),
      inNode('wasm', 'wasm', [...EVERY_BACKEND, 'test/golden/golden.test.ts', 'test/memory/**/*.test.ts']),
      inNode('webgpu', 'webgpu-node', EVERY_BACKEND),
      inBrowser('webgl', ['--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist']),
      inBrowser('webgpu', ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader']),
    ],
  },
});

export default config;
