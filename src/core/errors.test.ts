import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { checkInteger, checkNumber, checkOptions, invalid, describe as inWords } from './errors.js';
import { createRng } from './rng.js';

describe('errors', () => {
  test.each([
    [undefined, 'nothing'],
    [null, 'null'],
    [3, '3'],
    [Number.NaN, 'NaN'],
    ['relu', "'relu'"],
    [() => 1, 'a Function'],
    [[1, 2], '[1,2]'],
    [{ a: 1 }, '{"a":1}'],
    [new Float32Array(3), 'a Float32Array'],
    [Object.assign(Object.create(null), { b: 2 }), '{"b":2}'],
    [tf.sequential(), 'a Sequential'],
    [new DataView(new ArrayBuffer(5)), 'a DataView'],
    [Array.from({ length: 100 }, () => 1), `${`[${'1,'.repeat(100)}`.slice(0, 77)}...`],
  ])('describes %s', (value, text) => {
    expect(inWords(value)).toBe(text);
  });

  test('describes tensors', () => {
    expect(inWords(tf.zeros([2, 3], 'int32'))).toBe('a int32 tensor of shape [2, 3]');
  });

  test('says who, what, what was expected and what came', () => {
    expect(invalid('planar', 'options.dim', 'a positive integer', -1).message).toBe(
      'planar: options.dim should be a positive integer, but got -1.',
    );
  });

  test('checks integers', () => {
    expect(() => checkInteger('f', 'n', 1, 1)).not.toThrow();
    expect(() => checkInteger('f', 'n', 0, 1)).toThrow('f: n should be a positive integer, but got 0.');
    expect(() => checkInteger('f', 'n', 1, 2)).toThrow('f: n should be an integer of at least 2, but got 1.');
    for (const wrong of [1.5, '2', Number.NaN, Number.POSITIVE_INFINITY, undefined]) {
      expect(() => checkInteger('f', 'n', wrong, 1)).toThrow('positive integer');
    }
  });

  test('checks numbers against their bounds, and says them', () => {
    expect(() => checkNumber('f', 'a', -3)).not.toThrow();
    expect(() => checkNumber('f', 'a', 1, { least: 1, most: 1 })).not.toThrow();
    expect(() => checkNumber('f', 'a', 0, { above: 0 })).toThrow('f: a should be a finite number above 0, but got 0.');
    expect(() => checkNumber('f', 'a', 1, { below: 1 })).toThrow('below 1');
    expect(() => checkNumber('f', 'a', 2, { least: 0, most: 1 })).toThrow('a finite number at least 0 and at most 1, but got 2.');
    expect(() => checkNumber('f', 'a', -1, { least: 0, most: 1 })).toThrow('but got -1.');
    expect(() => checkNumber('f', 'a', Number.NaN)).toThrow('f: a should be a finite number, but got NaN.');
    expect(() => checkNumber('f', 'a', '1')).toThrow("but got '1'.");
  });

  test('names unknown options', () => {
    expect(() => checkOptions('f', { dim: 1 }, ['dim', 'rng'])).not.toThrow();
    expect(() => checkOptions('f', { dims: 1 }, ['dim', 'rng'])).toThrow("f: unknown option 'dims'; the options are dim, rng.");
    expect(() => checkOptions('f', undefined, ['dim'])).toThrow('f: options should be an object with dim, but got nothing.');
    expect(() => checkOptions('f', [1], ['dim'])).toThrow('but got [1].');
    expect(() => checkOptions('f', null, ['dim'])).toThrow('but got null.');
  });

  test.each([5, null, {}, Math.random])('takes no generator that is none: %s', (rng) => {
    expect(() => checkOptions('f', { rng: createRng(0) }, ['rng'])).not.toThrow();
    expect(() => checkOptions('f', { rng: undefined }, ['rng'])).not.toThrow();
    expect(() => checkOptions('f', { rng }, ['rng'])).toThrow(
      `f: options.rng should be a generator that createRng made, but got ${inWords(rng)}.`,
    );
  });
});
