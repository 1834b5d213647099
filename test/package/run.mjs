// Tests the packed tarball: what is in it, that every entry can be imported everywhere without side effects, that backends
// start from it, and the sizes of bundles. `--imports` leaves out the sizes, `--no-build` takes dist/ as it is.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { dawnEnvironment, dawnProblem } from '../../scripts/machine.mjs';
import { testBackends } from './backends.mjs';
import { packedApplication } from './pack.mjs';
import { testSizes } from './sizes.mjs';

const flags = new Set(process.argv.slice(2));
const probe = fileURLToPath(new URL('probe.cjs', import.meta.url));
let passed = 0;
let failed = 0;

/** Runs one check; it fails where `body` throws or gives a reason. */
async function check(title, body) {
  try {
    const reason = await body();
    if (reason === undefined) {
      passed += 1;
      console.log(`ok    ${title}`);
      return;
    }
    console.log(`FAIL  ${title}: ${reason}`);
  } catch (error) {
    console.log(`FAIL  ${title}: ${error.stack ?? error}`);
  }
  failed += 1;
}

console.log(`Package test on Node ${process.version}`);
const packed = packedApplication({ build: !flags.has('--no-build') });
const { manifest } = packed;
const entries = Object.keys(manifest.exports).filter((key) => key !== './package.json');

await check('the tarball holds what it should, and nothing else', () => {
  const allowed = /^(dist\/.+|src\/.+\.ts|package\.json|README\.md|LICENSE|CHANGELOG\.md)$/;
  const strange = packed.files.filter((file) => !allowed.test(file) || /\.test\.ts$/.test(file));
  const lacking = ['README.md', 'LICENSE', 'CHANGELOG.md'].filter((file) => !packed.has(file));
  return strange.length + lacking.length === 0 ? undefined : `strange: ${strange.join(', ')}; lacking: ${lacking.join(', ')}`;
});
await check('every entry that is built can be imported', () => {
  const built = packed.files.filter((file) => /^dist\/(.*\/)?(index|fast-check)\.js$/.test(file));
  const exported = entries.map((entry) => manifest.exports[entry].import.default.slice(2));
  const hidden = built.filter((file) => !exported.includes(file));
  return hidden.length === 0 ? undefined : `not in exports: ${hidden.join(', ')}`;
});
for (const entry of entries) {
  await check(`every file of the entry ${entry} is there`, () => {
    const { import: esm, require: cjs } = manifest.exports[entry];
    const lacking = [...Object.values(esm), ...Object.values(cjs)].filter((file) => !packed.has(file));
    return lacking.length === 0 ? undefined : `lacking ${lacking.join(', ')}`;
  });
}

const bare = packed.withPeers('bare', ['@tensorflow/tfjs-core', 'fast-check']);
const names = {};
for (const entry of entries) {
  const specifier = entry.replace('.', manifest.name);
  for (const how of ['import', 'require']) {
    for (const where of ['process', 'worker']) {
      await check(`${how} ${specifier} in a bare ${where}`, async () => {
        const job = { app: bare, entry: specifier, how };
        const found = where === 'process' ? inProcess(job) : await inWorker(job);
        names[entry] ??= found.exports.join();
        if (found.changed.length > 0) return `the import changed ${found.changed.join(', ')}`;
        if (found.natives.length > 0) return `the import loaded ${found.natives.join(', ')}`;
        if (found.window !== 'undefined') return 'there was a window';
        if (found.exports.length === 0) return 'nothing is exported';
        if (found.exports.join() !== names[entry]) return `exports differ: ${found.exports.join()} against ${names[entry]}`;
        return undefined;
      });
    }
  }
}

await testBackends(check, packed, { dawn: dawnProblem(), dawnEnvironment: dawnEnvironment() });
if (!flags.has('--imports')) {
  await testSizes(check, packed);
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function inProcess(job) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [probe, JSON.stringify(job)], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (status !== 0 || stderr !== '') {
    throw new Error(`exit ${status}: ${stderr}`);
  }
  return JSON.parse(stdout);
}

function inWorker(job) {
  return new Promise((resolve, reject) => {
    let result;
    const worker = new Worker(probe, { workerData: job });
    worker.on('message', (message) => {
      result = message;
    });
    worker.on('error', reject);
    worker.on('exit', (code) =>
      code === 0 && result !== undefined ? resolve(result) : reject(new Error(`worker exit ${code}`)),
    );
  });
}
