// README and changelog name what there is: every value that an entry exports, and nothing by a name that no entry has.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from './fences.js';

const entries = {
  'tfjs-flows': await import('tfjs-flows'),
  'tfjs-flows/backends': await import('tfjs-flows/backends'),
  'tfjs-flows/io': await import('tfjs-flows/io'),
  'tfjs-flows/metrics': await import('tfjs-flows/metrics'),
  'tfjs-flows/models': await import('tfjs-flows/models'),
  'tfjs-flows/testing': await import('tfjs-flows/testing'),
  'tfjs-flows/testing/fast-check': await import('tfjs-flows/testing/fast-check'),
  'tfjs-flows/training': await import('tfjs-flows/training'),
};
const exported = Object.values(entries).flatMap((entry) => Object.keys(entry));

describe.each(['README.md', 'CHANGELOG.md'])('%s', (page) => {
  const text = readFileSync(join(ROOT, page), 'utf8');

  it('names every export', () => {
    expect(exported.filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
  });
});

it('README lists no component that does not exist', () => {
  const text = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const [, table = ''] = /## What there is\n([\s\S]*?)\n## /.exec(text) ?? [];
  const named = [...table.matchAll(/`(\w+)`/g)].map(([, name]) => name as string);
  expect(named.length).toBeGreaterThan(50);
  expect(named.filter((name) => !exported.includes(name))).toEqual([]);
});
