import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { createRng } from '../core/rng.js';
import { checkBijector, randomizeParameters } from '../testing/index.js';
import { scaleShift } from './scaleShift.js';

const worst = (a: tf.Tensor, b: tf.Tensor | number): number => tf.max(tf.abs(tf.sub(a, b))).arraySync() as number;

describe('scaleShift', () => {
  it('has the closed form for numbers, the log-det by the host', async () => {
    const elementwise = scaleShift({ scale: -2.5, shift: 0.75 });
    expect(elementwise.forwardEventRank).toBe(0);
    expect(elementwise.forward(tf.tensor1d([2, -4])).arraySync()).toEqual([-4.25, 10.75]);
    expect(elementwise.inverse(tf.tensor1d([-4.25, 10.75])).arraySync()).toEqual([2, -4]);
    expect(elementwise.forwardAndLogDet(tf.ones([2, 3]))[1].shape).toEqual([2, 3]);
    expect(scaleShift({ scale: 2 }).forward(tf.scalar(3)).arraySync()).toBe(6);
    expect(scaleShift({ shift: 2 }).forward(tf.scalar(3)).arraySync()).toBe(5);

    const images = scaleShift({ scale: 1 / 256, eventRank: 3 });
    const logDet = images.forwardAndLogDet(tf.ones([2, 32, 32, 3]))[1];
    expect(logDet.arraySync()).toEqual(Array(2).fill(Math.fround(-3072 * Math.log(256))));
    expect(images.inverseAndLogDet(tf.ones([32, 32, 3]))[1].arraySync()).toBe(Math.fround(3072 * Math.log(256)));
    // In float32 it would be -253.77945.
    const thirds = scaleShift({ scale: 1 / 3, eventRank: 3 }).forwardAndLogDet(tf.ones([7, 11, 3]))[1];
    expect(thirds.arraySync()).toBe(Math.fround(-231 * Math.log(3)));
    await checkBijector({ bijector: scaleShift({ scale: -3, shift: 2, eventRank: 2 }), x: createRng(1).normal([2, 2, 3]) });
    await checkBijector({ bijector: elementwise, x: createRng(1).normal([3]) });
  });

  it('takes tensors that broadcast to x', async () => {
    const x = createRng(1).normal([4, 5, 3]);
    const expected = Math.log(0.5) + Math.log(2) + Math.log(3);
    const perElement = scaleShift({ scale: tf.tensor1d([0.5, -2, 3]), shift: 1 });
    expect(perElement.forwardEventRank).toBe(1);
    expect(worst(perElement.forwardAndLogDet(x)[1], expected)).toBeLessThan(1e-6);
    await checkBijector({ bijector: perElement, x });

    const perExample = scaleShift({ scale: createRng(2).uniform([5, 3], 0.5, 2), shift: createRng(3).normal([3]) });
    expect(perExample.forwardAndLogDet(x)[1].shape).toEqual([4, 5]);

    // One scale an example, used for each of its three elements.
    const shared = scaleShift({ scale: tf.tensor2d([[2], [3], [4], [5], [6]]) });
    const shares = tf.log(tf.tensor1d([8, 27, 64, 125, 216]));
    const [y, logDet] = shared.forwardAndLogDet(x);
    expect(logDet.shape).toEqual([4, 5]);
    expect(worst(logDet, tf.tile(tf.reshape(shares, [1, 5]), [4, 1]))).toBeLessThan(1e-5);
    const [back, inverseLogDet] = shared.inverseAndLogDet(y);
    expect(worst(back, x)).toBeLessThan(1e-5);
    expect(worst(tf.add(inverseLogDet, logDet), 0)).toBe(0);

    for (const shape of [
      [1, 1, 3],
      [1, 5, 3],
    ]) {
      expect(
        scaleShift({ scale: tf.fill(shape, 2) })
          .forwardAndLogDet(x)[1]
          .arraySync(),
      ).toEqual(tf.fill([4, 5], 3 * Math.log(2)).arraySync());
    }
    const scalar = scaleShift({ scale: tf.scalar(2), eventRank: 2 });
    expect(worst(scalar.forwardAndLogDet(x)[1], 15 * Math.log(2))).toBeLessThan(1e-5);
    const elementwise = scaleShift({ scale: tf.tensor1d([1, 2, 3]), eventRank: 0 });
    expect(elementwise.forwardAndLogDet(x)[1].shape).toEqual([4, 5, 3]);
    expect(scaleShift({ shift: tf.scalar(1) }).forwardEventRank).toBe(0);
  });

  it('differentiates in given tensors, and not where frozen', () => {
    const scale = tf.tensor1d([2, -4]);
    const shift = tf.tensor1d([1, 3]);
    const x = tf.tensor2d([
      [1, 2],
      [3, 5],
    ]);
    const loss = (frozen: boolean) => (a: tf.Tensor, b: tf.Tensor, v: tf.Tensor) => {
      const [y, logDet] = scaleShift({ scale: a, shift: b }).forwardAndLogDet(v, { frozen });
      return tf.add(tf.sum(y), tf.sum(logDet));
    };
    const [inScale, inShift, inX] = tf.grads(loss(false))([scale, shift, x]) as [tf.Tensor, tf.Tensor, tf.Tensor];
    // d/da (sum x a + 2 log|a|)
    expect(inScale.arraySync()).toEqual([4 + 2 / 2, 7 - 2 / 4]);
    expect(inShift.arraySync()).toEqual([2, 2]);
    expect(inX.arraySync()).toEqual([
      [2, -4],
      [2, -4],
    ]);
    const frozen = tf.grad((v: tf.Tensor) => loss(true)(scale, shift, v))(x);
    expect(frozen.arraySync()).toEqual(inX.arraySync());
    expect(() => tf.grad((a: tf.Tensor) => loss(true)(a, shift, x))(scale)).toThrow('Cannot compute gradient');
  });

  it('owns parameters where dim is given', async () => {
    const bijector = scaleShift({ dim: 3 });
    expect(Object.entries(bijector.parameters).map(([name, { shape }]) => [name, shape])).toEqual([
      ['logScale', [3]],
      ['shift', [3]],
    ]);
    const x = createRng(1).normal([2, 3]);
    expect(bijector.forward(x).arraySync()).toEqual(x.arraySync());
    randomizeParameters(bijector, { rng: createRng(2) });
    await checkBijector({ bijector, x });
    const images = scaleShift({ dim: 2, eventRank: 2 });
    randomizeParameters(images, { rng: createRng(2) });
    await checkBijector({ bijector: images, x: createRng(3).normal([2, 4, 2]) });
    const before = tf.memory().numTensors;
    scaleShift({ dim: 3 }).dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('names what is wrong', () => {
    const cases: [() => unknown, string][] = [
      [() => scaleShift({ scale: 0 }), 'scaleShift: options.scale should be other than zero, but got 0.'],
      [() => scaleShift({ scale: Number.NaN }), 'scaleShift: options.scale should be a finite number'],
      [() => scaleShift({ shift: Number.POSITIVE_INFINITY }), 'scaleShift: options.shift should be a finite number'],
      [() => scaleShift({ shift: tf.scalar(1, 'int32') }), 'scaleShift: options.shift should be a float32 tensor'],
      [() => scaleShift({ scale: '2' as unknown as number }), 'scaleShift: options.scale should be a float32 tensor'],
      [() => scaleShift({ eventRank: -1 }), 'scaleShift: options.eventRank should be an integer of at least 0'],
      [() => scaleShift({ dim: 2, scale: 2 }), 'scaleShift: options.dim should be left out where scale or shift is given'],
      [() => scaleShift({ dim: 2, shift: 2 }), 'scaleShift: options.dim should be left out where scale or shift is given'],
      [() => scaleShift({ scale: null as unknown as number }), 'scaleShift: options.scale should be a float32 tensor'],
      [() => scaleShift({ dim: 0 }), 'scaleShift: options.dim should be a positive integer'],
      [() => scaleShift({ dim: 2, eventRank: 0 }), 'scaleShift: options.eventRank should be a positive integer'],
      [() => scaleShift({ scal: 2 } as object), "scaleShift: unknown option 'scal'"],
      [() => scaleShift({ scale: tf.ones([3]) }).forward(tf.ones([2])), 'scaleShift.forward: x should be of a shape that'],
      [() => scaleShift({ shift: tf.ones([2, 3]) }).inverse(tf.ones([3])), 'scaleShift.inverse: y should be of a shape that'],
      [
        () => scaleShift({ dim: 3 }).forward(tf.ones([2])),
        'scaleShift.forward: x should be a float32 tensor of shape [...batch, 3]',
      ],
    ];
    for (const [call, message] of cases) {
      expect(call).toThrow(message);
    }
  });
});
