import { expect, test } from 'vitest';
import { createRng } from '../core/rng.js';
import { additiveTransformer } from '../transformers/additiveTransformer.js';
import { madeAutoregressive } from './madeAutoregressive.js';

test('madeAutoregressive has two hidden layers of 64 by default, and no context', () => {
  const bijector = madeAutoregressive('maf', additiveTransformer(), 'forward', { dim: 3, rng: createRng(1) });
  expect(Object.fromEntries(Object.entries(bijector.parameters).map(([name, { shape }]) => [name, shape]))).toEqual({
    'conditioner.hidden0.kernel': [3, 64],
    'conditioner.hidden0.bias': [64],
    'conditioner.hidden1.kernel': [64, 64],
    'conditioner.hidden1.bias': [64],
    'conditioner.output.kernel': [64, 3],
    'conditioner.output.bias': [3],
  });
});
