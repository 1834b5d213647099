import { expect, test } from 'vitest';
import { numbers } from '../cpu/numbers.js';
import { ACTIVATIONS } from './activation.js';
import { activated, activationSlope } from './math.js';

const { lanes: float64 } = numbers;

const FUNCTIONS: Record<keyof typeof ACTIVATIONS, (x: number) => number> = {
  linear: (x) => x,
  relu: (x) => Math.max(0, x),
  leakyRelu: (x) => (x >= 0 ? x : 0.2 * x),
  elu: (x) => (x >= 0 ? x : Math.expm1(x)),
  tanh: Math.tanh,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  softplus: (x) => Math.log1p(Math.exp(x)),
};

test.each(Object.keys(FUNCTIONS) as (keyof typeof ACTIVATIONS)[])('%s, and its slope from its value', (name) => {
  const f = FUNCTIONS[name];
  const kind = ACTIVATIONS[name];
  for (const x of [-7, -0.8, -0.1, 0.3, 1.7, 9]) {
    const y = activated(float64, x, kind);
    expect(y).toBeCloseTo(f(x), 14);
    expect(activationSlope(float64, y, kind)).toBeCloseTo((f(x + 1e-5) - f(x - 1e-5)) / 2e-5, 9);
  }
});

test('every activation has its own number, those that a vector takes one operation for the least', () => {
  expect(Object.values(ACTIVATIONS)).toEqual([0, 1, 2, 3, 4, 5, 6]);
});
