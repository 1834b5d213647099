import { expect, test } from 'vitest';
import { checkChoice } from './checkChoice.js';

test('one of the choices passes, anything else throws with the choices', () => {
  checkChoice('f', 'options.kind', 'b', ['a', 'b']);
  expect(() => checkChoice('f', 'options.kind', 'c', ['a', 'b'])).toThrow("f: options.kind should be 'a' or 'b', but got 'c'.");
  expect(() => checkChoice('f', 'options.kind', 1, ['1'])).toThrow("f: options.kind should be '1', but got 1.");
});
