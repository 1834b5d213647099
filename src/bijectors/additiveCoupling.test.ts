import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { createRng } from '../core/rng.js';
import { checkBijector } from '../testing/checkBijector.js';
import { randomizeParameters } from '../testing/randomizeParameters.js';
import type { AdditiveCouplingOptions } from './additiveCoupling.js';
import { additiveCoupling } from './additiveCoupling.js';

test('additiveCoupling starts as the identity, shifts by the conditioner, and keeps volume', async () => {
  const bijector = additiveCoupling({ dim: 3, hidden: [6], activation: 'tanh', contextDim: 2, rng: createRng(1) });
  const [x, context] = [createRng(3).normal([4, 3]), createRng(4).normal([4, 2])];
  expect(bijector.forward(x, { context }).arraySync()).toEqual(x.arraySync());
  bijector.parameters['conditioner.output.bias']!.assign(tf.tensor1d([5]));
  const moved = tf.sub(bijector.forward(x, { context }), x);
  (moved.arraySync() as number[][]).forEach((row) => {
    expect(row.map((value) => Math.round(value * 1e5) / 1e5)).toEqual([0, 0, 5]);
  });
  randomizeParameters(bijector, { rng: createRng(2) });
  expect(bijector.forwardAndLogDet(x, { context })[1].arraySync()).toEqual([0, 0, 0, 0]);
  expect(tf.max(tf.abs(tf.sub(bijector.inverse(bijector.forward(x, { context }), { context }), x))).dataSync()[0]).toBeLessThan(
    1e-6,
  );
});

test('additiveCoupling obeys the laws of a bijector', async () => {
  const bijector = additiveCoupling({ dim: 4, hidden: [6], activation: 'tanh', mask: 'alternating', rng: createRng(1) });
  randomizeParameters(bijector, { rng: createRng(2) });
  await checkBijector({ bijector, x: createRng(3).normal([4, 4]) });
  expect(() => additiveCoupling({ dim: 4, scale: 'exp' } as AdditiveCouplingOptions)).toThrow("unknown option 'scale'");
});
