import { expect, test } from 'vitest';
import type { GoldenArray, GoldenCase, GoldenTree } from './cases.js';
import { goldenFolder, readGoldenFiles } from './cases.js';
import type { Check } from './check.js';
import { runCase } from './check.js';
import { describeResult, runGolden } from './runGolden.js';

const array = (...data: number[]): GoldenArray => ({ shape: [data.length], data });
const caseOf = (expected: GoldenTree): GoldenCase => ({ name: 'one', source: '', params: {}, inputs: {}, expected });
const run = (expected: GoldenTree, adapter: (check: Check) => void) =>
  runCase(caseOf(expected), async (_, check) => adapter(check));

test('a case passes where all that it expects is compared and near', async () => {
  const result = await run({ y: array(1, -3), nested: { z: array(0) } }, (check) => {
    check.nearNumbers('y', [1 + 1e-5, -3 - 3e-5], 1e-5);
    check.nearNumbers('nested.z', [0], 1e-5);
  });
  expect(result).toMatchObject({ compared: 2, failures: [], pending: [] });
});

test.each<[string, (check: Check) => void, RegExp]>([
  ['a wrong number', (check) => check.nearNumbers('y', [1, -3.001], 1e-5), /^y: error 0\.000250, tolerance 0\.00001$/],
  ['NaN', (check) => check.nearNumbers('y', [1, Number.NaN], 1e-5), /^y: error NaN/],
  ['too few numbers', (check) => check.nearNumbers('y', [1], 1e-5), /^y: 1 numbers, expected 2$/],
  ['a number outside its bound', (check) => check.within('y', [1, -2], [1, 0.5]), /^y: error 2/],
  ['what nobody looked at', () => {}, /^not compared: y$/],
  [
    'an error of the adapter',
    () =>
      void (() => {
        throw new Error('no such map');
      })(),
    /^no such map$/,
  ],
  ['a path that is not expected', (check) => check.nearNumbers('z', [1], 1e-5), /expects no 'z'/],
])('%s fails', async (_, adapter, message) => {
  const { failures } = await run({ y: array(1, -3) }, adapter);
  expect(failures).toHaveLength(1);
  expect(failures[0]).toMatch(message);
});

test('what needs a component that is not exported is pending, and never passed', async () => {
  const whole = await run({ y: array(1) }, (check) => {
    expect(check.has(['planar', 'noSuchFlow', 'metrics/noSuchScore'])).toBe(false);
  });
  expect(whole).toMatchObject({
    compared: 0,
    failures: [],
    pending: [{ name: 'one', needs: ['noSuchFlow', 'metrics/noSuchScore'] }],
  });
  const part = await run({ y: array(1), z: array(2) }, (check) => {
    check.nearNumbers('y', [1], 1e-5);
    expect(check.has(['noSuchFlow'], { name: 'the rest', paths: ['z'] })).toBe(false);
    expect(check.has(['planar', 'io/loadSafetensors'])).toBe(true);
  });
  expect(part).toMatchObject({ compared: 1, failures: [], pending: [{ name: 'one: the rest', needs: ['noSuchFlow'] }] });
});

test('a file without an adapter fails, case by case', async () => {
  const result = await runGolden({ name: 'unknown.json', folder: '', cases: [caseOf({ y: array(1) })] });
  expect(describeResult(result)).toBe('unknown.json  0 passed, 1 failed, 0 pending\n  failed   one: no adapter for unknown.json');
});

test('a number that is off in a published case is found', async () => {
  const file = readGoldenFiles(goldenFolder()).find(({ name }) => name === 'planar.json');
  const [first] = file?.cases as [GoldenCase];
  const y = first.expected.y as GoldenArray;
  const off = {
    ...first,
    expected: { ...first.expected, y: { ...y, data: y.data.map((value, i) => (i === 0 ? value + 1e-3 : value)) } },
  };
  const { passed, failed } = await runGolden({ name: 'planar.json', folder: '', cases: [first, off] });
  expect([passed, failed]).toEqual([1, 1]);
});
