// Runs the package test's imports and backends on other versions of Node, whose binaries come from npm. Needs a built dist/.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const VERSIONS = ['22', '24'];
const root = fileURLToPath(new URL('..', import.meta.url));

const results = VERSIONS.map((version) => {
  console.log(`\n== Node ${version}`);
  const binary = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}@${version}`;
  const { status } = spawnSync('npx', ['--yes', '--package', binary, 'node', 'test/package/run.mjs', '--imports', '--no-build'], {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  return { version, ok: status === 0 };
});

console.log();
for (const { version, ok } of results) {
  console.log(`${ok ? 'ok  ' : 'FAIL'}  Node ${version}`);
}
const failed = results.filter(({ ok }) => !ok).length;
console.log(`${results.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
