// Sizes of bundles of the packed library, apart from tfjs-core. Prints the README's table; `--write` puts it there.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { fixtures } from './fixtures.mjs';
import { packedApplication, root } from './pack.mjs';

const README = join(root, 'README.md');
const TABLE = /(?<=<!-- sizes -->\n)[\s\S]*?(?=<!-- \/sizes -->)/;

/** Checks each fixture against its ceiling and the names that it must not have, and the README's table. */
export async function testSizes(check, packed) {
  const app = packed.withPeers('sizes', ['@tensorflow/tfjs-core']);
  const sizes = [];
  for (const { source, limit, absent } of fixtures) {
    await check(`\`${source}\` stays under ${limit} bytes and alone`, async () => {
      const { bytes, text } = await bundle(app, source);
      sizes.push({ source, bytes });
      const dragged = absent.filter((name) => new RegExp(`\\bfunction ${name}\\(`).test(text));
      if (dragged.length > 0) return `the bundle has ${dragged.join(', ')}`;
      return bytes < limit ? undefined : `${bytes} bytes`;
    });
  }
  await check("the README's table of sizes is what was measured, to 0.1 kB (else: npm run sizes -- --write)", () => {
    const [shown] = readFileSync(README, 'utf8').match(TABLE) ?? ['no table between <!-- sizes --> and <!-- /sizes -->'];
    return near(shown, sizes) ? undefined : `it shows\n${shown}\nbut it should be\n${table(sizes)}`;
  });
}

/** Gzipped bytes of the minified bundle, and its text before minification. */
async function bundle(app, source) {
  const options = {
    stdin: { contents: source.replace(/^import/, 'export'), resolveDir: app },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    external: ['@tensorflow/*'],
    legalComments: 'none',
    logLevel: 'silent',
  };
  const [readable, minified] = await Promise.all([build(options), build({ ...options, minify: true })]);
  return { bytes: gzipSync(minified.outputFiles[0].contents, { level: 9 }).length, text: readable.outputFiles[0].text };
}

/** Whether a table has a row for each import, and sizes within 100 bytes: compilers and compressors differ a little. */
function near(shown, sizes) {
  const rows = [...shown.matchAll(/^\| `(.*)` \| ([\d.]+) kB \|$/gm)];
  const agrees = ({ source, bytes }, i) => rows[i]?.[1] === source && Math.abs(Number(rows[i][2]) * 1000 - bytes) <= 100;
  return rows.length === sizes.length && sizes.every(agrees);
}

function table(sizes) {
  const rows = sizes.map(({ source, bytes }) => `| \`${source}\` | ${(bytes / 1000).toFixed(2)} kB |`);
  return `${['| import | gzip, apart from tfjs-core |', '|---|---|', ...rows].join('\n')}\n`;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const app = packedApplication().withPeers('sizes', ['@tensorflow/tfjs-core']);
  const sizes = await Promise.all(fixtures.map(async ({ source }) => ({ source, bytes: (await bundle(app, source)).bytes })));
  console.log(table(sizes));
  if (process.argv.includes('--write')) {
    writeFileSync(
      README,
      readFileSync(README, 'utf8').replace(TABLE, () => table(sizes)),
    );
  }
}
