import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { expectNoLeak } from './expectNoLeak.js';

describe('expectNoLeak', () => {
  test('disposes what is returned, in any container', async () => {
    const before = tf.memory().numTensors;
    await expectNoLeak(() => [tf.scalar(1), { a: tf.scalar(2), b: [tf.scalar(3)] }]);
    await expectNoLeak(async () => undefined);
    expect(tf.memory().numTensors).toBe(before);
  });

  test('counts a tensor that is returned twice once', async () => {
    await expectNoLeak(() => {
      const one = tf.scalar(1);
      return [one, one];
    });
  });

  test('lets the first run keep something', async () => {
    let cache: tf.Tensor | undefined;
    await expectNoLeak(() => {
      cache ??= tf.scalar(1);
      return tf.clone(cache);
    });
  });

  test('tells how many were left behind, or disposed too many', async () => {
    await expect(
      expectNoLeak(() => {
        tf.scalar(1);
        tf.scalar(2);
      }, 'twice'),
    ).rejects.toThrow('twice: left 2 tensors behind.');
    const all = [tf.scalar(1), tf.scalar(2)];
    await expect(expectNoLeak(() => all.pop()?.dispose(), 'greedy')).rejects.toThrow('greedy: disposed 1 tensor too many.');
  });
});
