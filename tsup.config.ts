import type { Options } from 'tsup';
import { defineConfig } from 'tsup';

const entry = {
  index: 'src/index.ts',
  testing: 'src/testing/index.ts',
  'testing/fast-check': 'src/testing/fast-check.ts',
  training: 'src/training/index.ts',
  io: 'src/io/index.ts',
  backends: 'src/backends/index.ts',
  models: 'src/models/index.ts',
};

type Config = ReturnType<typeof defineConfig>;

const options: Options = {
  entry,
  format: ['esm', 'cjs'],
  target: 'es2022',
  platform: 'neutral',
  dts: true,
  splitting: true,
  sourcemap: true,
  treeshake: true,
  clean: true,
  // Never a copy of these inside: their registries are shared with the application.
  external: [/^@tensorflow\//, 'webgpu', 'fast-check', /^node:/],
};

const config: Config = defineConfig(options);

export default config;
