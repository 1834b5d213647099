// In a process of its own, which nothing else grows.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const surgery = (...args: string[]): { status: number | null; lines: string[]; errors: string } => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/run.mjs', 'bench/surgery.ts', ...args], {
    cwd: root,
    encoding: 'utf8',
  });
  return { status, lines: stdout.trim().split('\n'), errors: stderr };
};

test('surgery of 10,000 posteriors in 32 dimensions grows the process by less than 300 MB', () => {
  const { status, lines } = surgery();
  console.log(lines.join('\n'));
  expect(lines.filter((line) => line.includes('10000 posteriors in 32 dimensions'))).toHaveLength(2);
  expect(lines).toHaveLength(3);
  expect(status).toBe(0);
}, 600_000);

test('more than it may be is a failure', () => {
  const { status, errors } = surgery('--posteriors=300', '--megabytes=-1000');
  expect(errors).toContain('The process grew by more than -1000 MB.');
  expect(status).toBe(1);
}, 120_000);
