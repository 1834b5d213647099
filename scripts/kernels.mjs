// Compiles the kernels for WASM, src/**/*.as.ts, to src/kernels/wasm/binary.ts. With --check it only says whether that is up to date.
import { readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import asc from 'assemblyscript/asc';

const TARGET = new URL('../src/kernels/wasm/binary.ts', import.meta.url);
/** Where a kernel's mathematics is written for any kind of numbers, WASM's are vectors of four. */
const REPLACED = { 'src/kernels/lanes.ts': "export * from './wasm/lanes.as';" };

async function compile(extra) {
  let binary;
  const { error, stderr } = await asc.main(
    [
      'src/kernels/wasm/main.as.ts',
      '--outFile',
      'kernels.wasm',
      '-O3',
      '--converge',
      '--noAssert',
      '--runtime',
      'stub',
      '--importMemory',
      '--maximumMemory',
      '65536',
      '--enable',
      'simd',
      '--disableWarning',
      ...extra,
    ],
    {
      readFile: (name) => {
        const path = name.replace(/^\.\//, '');
        try {
          const text = REPLACED[path] ?? readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
          // TypeScript's way of importing, which AssemblyScript does not know, and a decorator, which TypeScript does not.
          return text
            .replace(/^import type /gm, 'import ')
            .replace(/^(import .* from '.*)\.js';/gm, "$1';")
            .replace(/^\/\/ @inline\n/gm, '@inline ');
        } catch {
          return null;
        }
      },
      writeFile: (_, contents) => {
        binary = contents;
      },
      listFiles: () => [],
    },
  );
  if (error) {
    throw new Error(`${error.message}\n${stderr.toString()}`);
  }
  return Buffer.from(binary);
}

/** A module that works in another's memory must not put data of its own there. */
function checkNoData(binary) {
  let at = 8;
  while (at < binary.length) {
    const id = binary[at];
    let size = 0;
    let shift = 0;
    do {
      at += 1;
      size |= (binary[at] & 127) << shift;
      shift += 7;
    } while (binary[at] & 128);
    if (id === 11) {
      throw new Error('a kernel has static data: pass scratch memory instead');
    }
    at += 1 + size;
  }
}

const binaries = { BINARY: await compile([]), RELAXED_BINARY: await compile(['--enable', 'relaxed-simd']) };
Object.values(binaries).forEach(checkNoData);
const source = [
  '// Made by `npm run kernels` of the files *.as.ts: WASM, in base64.',
  ...Object.entries(binaries).map(([name, binary]) => `export const ${name} =\n  '${binary.toString('base64')}';`),
  '',
].join('\n');
const sizes = Object.entries(binaries).map(
  ([name, binary]) => `${name} ${binary.length} bytes, ${gzipSync(binary).length} gzipped`,
);
if (process.argv.includes('--check')) {
  if (readFileSync(TARGET, 'utf8') !== source) {
    console.error('src/kernels/wasm/binary.ts is out of date: run `npm run kernels`.');
    process.exit(1);
  }
} else {
  writeFileSync(TARGET, source);
}
console.log(sizes.join('; '));
