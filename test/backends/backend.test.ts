import * as tf from '@tensorflow/tfjs';
import { chain, createRng, planar, scaleShift } from 'tfjs-flows';
import { expect, test } from 'vitest';
import { backendName, ready } from '../setup/backend.js';

test('the tests run on the backend that their project names', async () => {
  await ready();
  expect(tf.getBackend()).toBe(backendName);
});

test('one copy of tfjs-core serves the library and the tests', async () => {
  const before = tf.memory().numTensors;
  const flow = planar({ dim: 2, rng: createRng(1) });
  expect(tf.memory().numTensors).toBe(before + 3);
  flow.dispose();
  expect(tf.memory().numTensors).toBe(before);
});

test('a planar flow inverts and has gradients', async () => {
  const flow = planar({ dim: 2, rng: createRng(1) });
  const x = tf.tensor2d([
    [0.5, -1],
    [2, 0.25],
  ]);
  const [y, logDet] = flow.forwardAndLogDet(x);
  const back = flow.inverse(y);
  expect(logDet.shape).toEqual([2]);
  const error = await tf.max(tf.abs(tf.sub(back, x))).data();
  expect(error[0]).toBeLessThan(1e-5);
  const { grads } = tf.variableGrads(() => tf.sum(flow.forwardAndLogDet(x)[1]) as tf.Scalar, Object.values(flow.parameters));
  for (const gradient of Object.values(grads)) {
    expect((await gradient.data()).every(Number.isFinite)).toBe(true);
  }
  tf.dispose([x, y, logDet, back, grads]);
  flow.dispose();
});

test('a chain of more parts than a GPU program has tensors adds all of their log-dets', async () => {
  const flow = chain(Array.from({ length: 20 }, () => scaleShift({ scale: 2, shift: 0 })));
  const x = tf.tensor2d([[0.5, -1]]);
  const [y, logDet] = flow.forwardAndLogDet(x);
  const [total] = await logDet.data();
  expect(total).toBeCloseTo(20 * Math.log(2), 4);
  tf.dispose([x, y, logDet]);
  flow.dispose();
});
