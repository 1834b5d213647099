import type { Options } from 'tsup';
import { defineConfig } from 'tsup';

const entry = {
  index: 'src/index.ts',
  'testing/index': 'src/testing/index.ts',
  'testing/fast-check': 'src/testing/fast-check.ts',
  'training/index': 'src/training/index.ts',
  'io/index': 'src/io/index.ts',
  'backends/index': 'src/backends/index.ts',
  'models/index': 'src/models/index.ts',
  'metrics/index': 'src/metrics/index.ts',
};

const common: Options = { target: 'es2022', platform: 'neutral', sourcemap: true };

// File by file, so that a bundler leaves out whole files, as `sideEffects: false` allows; within one file it has to keep what it
// cannot prove to be free of effects, a constant that is computed for one.
const modules: Options = {
  ...common,
  entry: ['src/**/*.ts', '!src/**/*.test.ts', '!src/**/*.as.ts', '!src/**/*.d.ts'],
  format: 'esm',
  bundle: false,
};

// One file an entry, what they share in chunks; and the declarations of both.
const commonJs: Options = {
  ...common,
  entry,
  format: 'cjs',
  splitting: true,
  treeshake: true,
  // Never a copy of these inside: their registries are shared with the application.
  external: [/^@tensorflow\//, 'webgpu', 'fast-check', /^node:/],
};

const declarations: Options = { ...common, entry, format: ['esm', 'cjs'], dts: { only: true } };

const config: ReturnType<typeof defineConfig> = defineConfig([modules, commonJs, declarations]);

export default config;
