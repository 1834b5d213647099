// The library as source, under the names that users import, for whatever runs TypeScript through esbuild.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A plugin for esbuild: `tfjs-flows` and its entries are read from src/, every other package is left to Node. */
export const sourceAlias = {
  name: 'tfjs-flows from source',
  setup: (build) => {
    build.onResolve({ filter: /^tfjs-flows(\/|$)/ }, ({ path }) => {
      const entry = path.slice('tfjs-flows'.length);
      const file = [`../src${entry}/index.ts`, `../src${entry}.ts`]
        .map((name) => fileURLToPath(new URL(name, import.meta.url)))
        .find((name) => existsSync(name));
      return file === undefined ? { errors: [{ text: `there is no entry '${path}'` }] } : { path: file };
    });
    build.onResolve({ filter: /^[^./]/ }, ({ path, kind }) => (kind === 'entry-point' ? undefined : { path, external: true }));
  },
};
