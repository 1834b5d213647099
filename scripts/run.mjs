// Runs a TypeScript program of this repository: `node scripts/run.mjs examples/density2d.ts --help`. The library is read from
// its source, so there is nothing to build before.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { sourceAlias } from './bundle.mjs';

const [program, ...args] = process.argv.slice(2);
if (program === undefined) {
  console.error('usage: node scripts/run.mjs PROGRAM.ts [ARGUMENTS]');
  process.exit(2);
}

// Inside node_modules, where Node finds the packages.
const cache = fileURLToPath(new URL('../node_modules/.cache', import.meta.url));
mkdirSync(cache, { recursive: true });
const folder = mkdtempSync(join(cache, 'run-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

const outfile = join(folder, 'program.mjs');
await build({
  entryPoints: [program],
  outfile,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  sourcemap: 'inline',
  logLevel: 'warning',
  plugins: [sourceAlias],
});
process.setSourceMapsEnabled(true);
process.argv = [process.execPath, program, ...args];
try {
  await import(pathToFileURL(outfile).href);
} catch (error) {
  // Uncaught, it would pass through the WASM backend's own handler, which prints the whole of its source before it.
  console.error(error);
  process.exit(1);
}
