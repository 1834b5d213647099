import { expect, test } from 'vitest';
import { createRng } from '../core/rng.js';
import { additiveTransformer } from '../transformers/additiveTransformer.js';
import { mlpCoupling } from './mlpCoupling.js';

const shapesOf = (hidden?: readonly number[]): Record<string, readonly number[]> => {
  const bijector = mlpCoupling('coupling', additiveTransformer(), { dim: 3, rng: createRng(1), ...(hidden && { hidden }) });
  return Object.fromEntries(Object.entries(bijector.parameters).map(([name, { shape }]) => [name, shape]));
};

test('mlpCoupling has two hidden layers of 64 by default, from the first half to the second', () => {
  expect(shapesOf()).toEqual({
    'conditioner.hidden0.kernel': [2, 64],
    'conditioner.hidden0.bias': [64],
    'conditioner.hidden1.kernel': [64, 64],
    'conditioner.hidden1.bias': [64],
    'conditioner.output.kernel': [64, 1],
    'conditioner.output.bias': [1],
  });
  expect(Object.keys(shapesOf([]))).toEqual(['conditioner.output.kernel', 'conditioner.output.bias']);
});
