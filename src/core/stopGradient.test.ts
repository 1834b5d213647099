import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { parameter } from './module.js';
import { own, stopGradient, untaped } from './stopGradient.js';

describe('stopGradient', () => {
  test('keeps values and stops the gradient of its path alone', () => {
    const x = tf.tensor1d([2, 3]);
    expect([...stopGradient(x).dataSync()]).toEqual([2, 3]);
    const g = tf.grad((value) => tf.sum(tf.mul(tf.square(stopGradient(value)), value)));
    expect([...g(x).dataSync()]).toEqual([4, 9]);
  });

  test('stops variables', () => {
    const v = parameter(() => tf.scalar(5));
    const { grads } = tf.variableGrads(() => tf.mul(v, stopGradient(v)) as tf.Scalar, [v]);
    expect(grads[v.name]?.dataSync()[0]).toBe(5);
    v.dispose();
  });

  test('does not record what runs inside untaped', () => {
    const g = tf.grad((value) =>
      tf.mul(
        value,
        untaped(() => tf.exp(value)),
      ),
    );
    expect(g(tf.scalar(0)).dataSync()[0]).toBe(1);
  });

  test('leaves one tensor, in a gradient too', () => {
    const x = tf.scalar(2);
    const before = tf.memory().numTensors;
    const stopped = stopGradient(x);
    expect(tf.memory().numTensors - before).toBe(1);
    stopped.dispose();
    tf.grad((value) => tf.mul(value, stopGradient(value)))(x).dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('own stops where the call is frozen, and only there', () => {
    const v = parameter(() => tf.scalar(5));
    expect(own(v, {})).toBe(v);
    expect(own(v)).toBe(v);
    expect(own(v, { frozen: false })).toBe(v);
    expect(own(v, { frozen: true })).not.toBe(v);
    v.dispose();
  });
});
