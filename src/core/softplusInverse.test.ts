import { expect, test } from 'vitest';
import { softplusInverse } from './softplusInverse.js';

test('softplusInverse', () => {
  for (const y of [1e-6, 0.3, 1, 29, 31, 800]) {
    const x = softplusInverse(y);
    const back = x > 30 ? x : Math.log1p(Math.exp(x));
    expect(back / y).toBeCloseTo(1, 9);
  }
  expect(softplusInverse(1)).toBeCloseTo(Math.log(Math.E - 1), 12);
});
