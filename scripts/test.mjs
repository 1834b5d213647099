// Runs the tests on every backend setting that this machine can run, one after the other, and says what it leaves out and why.
// Where CI is set, leaving anything out is a failure. Arguments are passed on to vitest: `npm test -- test/conformance`.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromiumProblem, dawnProblem } from './machine.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const strict = Boolean(process.env.CI) && process.env.CI !== 'false';
const filters = process.argv.slice(2);
const browserProblem = chromiumProblem();

const settings = [
  { project: 'cpu', what: 'JavaScript in Node, unit tests and cross-cutting suites' },
  { project: 'wasm', what: 'WebAssembly in Node' },
  { project: 'webgpu-node', what: 'WebGPU in Node (Dawn)', problem: dawnProblem() },
  { project: 'webgl', what: 'WebGL in Chromium', problem: browserProblem },
  { project: 'webgpu', what: 'WebGPU in Chromium', problem: browserProblem },
];

console.log('Backend settings on this machine:');
for (const { project, what, problem } of settings) {
  console.log(
    `  ${problem === undefined ? 'run ' : 'SKIP'}  ${project.padEnd(12)} ${what}${problem === undefined ? '' : `: ${problem}`}`,
  );
}

const folder = mkdtempSync(join(tmpdir(), 'tfjs-flows-test-'));
const results = settings.map((setting) =>
  setting.problem === undefined ? { ...setting, ...runProject(setting.project) } : setting,
);
rmSync(folder, { recursive: true });

console.log('\nproject        passed  failed  skipped  pending   seconds');
const total = { passed: 0, failed: 0, skipped: 0, pending: 0 };
for (const result of results) {
  if (result.problem !== undefined) {
    console.log(`${result.project.padEnd(12)}  not run: ${result.problem}`);
    continue;
  }
  const columns = [result.passed, result.failed, result.skipped, result.pending].map((count) => String(count).padStart(8));
  console.log(`${result.project.padEnd(13)}${columns.join('')}  ${result.seconds.toFixed(1).padStart(8)}`);
  for (const key of Object.keys(total)) {
    total[key] += result[key];
  }
}

const left = results.filter((result) => result.problem !== undefined).length;
if (strict && left > 0) {
  console.log(`CI is set, so the ${left} settings that did not run count as failed.`);
  total.failed += left;
}
if (strict && total.skipped > 0) {
  console.log(`CI is set, so the ${total.skipped} skipped tests count as failed.`);
  total.failed += total.skipped;
}
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed === 0 ? 0 : 1);

/** Counts and seconds of one project. A file that could not be loaded counts as one failure. */
function runProject(project) {
  const report = join(folder, `${project}.json`);
  const started = performance.now();
  console.log(`\n== ${project}`);
  const { status } = spawnSync(
    process.execPath,
    [
      join(root, 'node_modules/vitest/vitest.mjs'),
      'run',
      ...['--project', project, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
      // A filter may leave a project without files.
      ...(filters.length > 0 ? ['--passWithNoTests', ...filters] : []),
    ],
    { cwd: root, stdio: 'inherit' },
  );
  const seconds = (performance.now() - started) / 1000;
  const counts = { passed: 0, failed: 0, skipped: 0, pending: 0 };
  try {
    const key = { passed: 'passed', failed: 'failed', todo: 'pending' };
    for (const file of JSON.parse(readFileSync(report, 'utf8')).testResults) {
      for (const { status: outcome } of file.assertionResults) {
        counts[key[outcome] ?? 'skipped'] += 1;
      }
      if (file.status === 'failed' && !file.assertionResults.some(({ status: outcome }) => outcome === 'failed')) {
        counts.failed += 1;
      }
    }
  } catch (error) {
    console.log(`No report from vitest: ${error.message}`);
  }
  if (status !== 0 && counts.failed === 0) {
    counts.failed = 1; // an error outside of any test, or a crash
  }
  return { ...counts, seconds };
}
