import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { createRng } from '../core/rng.js';
import { expectNoLeak } from '../testing/expectNoLeak.js';
import { randomizeParameters } from '../testing/randomizeParameters.js';
import type { ResNetOptions } from './resNet.js';
import { resNet } from './resNet.js';

const sizes = { inputDim: 2, outputDim: 3 } as const;
const difference = (a: tf.Tensor, b: tf.Tensor): number => tf.max(tf.abs(tf.sub(a, b))).arraySync() as number;

describe('resNet', () => {
  test('is its formula', () => {
    const network = resNet({ ...sizes, contextDim: 2, channels: 4, blocks: 2, activation: 'tanh', rng: createRng(1) });
    randomizeParameters(network, { rng: createRng(2) });
    const p = network.parameters;
    const [x, context] = [createRng(3).normal([6, 3, 4, 2]), createRng(4).normal([6, 2])];
    const layer = (name: string, h: tf.Tensor): tf.Tensor => {
      const direction = p[`${name}.direction`]!;
      const norm = tf.sqrt(tf.sum(tf.square(direction), [0, 1, 2]));
      const kernel = tf.mul(tf.div(direction, norm), p[`${name}.gain`]!) as tf.Tensor4D;
      const y = tf.add(tf.conv2d(h as tf.Tensor4D, kernel, 1, 'same'), p[`${name}.bias`]!);
      const from = p[`${name}.context`] as unknown as tf.Tensor2D | undefined;
      return from === undefined ? y : tf.add(y, tf.reshape(tf.matMul(context as tf.Tensor2D, from), [6, 1, 1, -1]));
    };
    let h = layer('input', x);
    for (const block of ['block0', 'block1']) {
      h = tf.add(h, layer(`${block}.outer`, tf.tanh(layer(`${block}.inner`, tf.tanh(h)))));
    }
    const expected = layer('output', tf.tanh(h));
    expect(difference(network.apply(x, { context }), expected)).toBeLessThan(1e-4);
    expect(Object.keys(p).filter((name) => name.endsWith('context'))).toEqual([
      'input.context',
      'block0.inner.context',
      'block1.inner.context',
    ]);
    expect(p['input.direction']?.shape).toEqual([3, 3, 2, 4]);
    expect(p['output.direction']?.shape).toEqual([1, 1, 4, 3]);
    const batches = network.apply(x.reshape([2, 3, 3, 4, 2]), { context: context.reshape([2, 3, 2]) });
    expect(difference(batches.reshape([6, 3, 4, 3]), expected)).toBeLessThan(1e-4);
  });

  test('starts with the kernels that it would have without the normalisation, and at zero where asked', () => {
    const network = resNet({ ...sizes, channels: 32, blocks: 1, rng: createRng(1) });
    const direction = network.parameters['block0.inner.direction']!;
    const norm = tf.sqrt(tf.sum(tf.square(direction), [0, 1, 2]));
    expect(difference(network.parameters['block0.inner.gain']!, norm)).toBeLessThan(1e-5);
    expect((tf.moments(direction).variance.arraySync() as number) / (2 / (9 * 32))).toBeCloseTo(1, 1);
    const zero = resNet({ ...sizes, contextDim: 1, channels: 4, blocks: 1, zeroOutput: true, rng: createRng(1) });
    const x = createRng(2).normal([1, 3, 3, 2]);
    const context = createRng(3).normal([1, 1]);
    expect(difference(zero.apply(x, { context }), tf.zeros([1, 3, 3, 3]))).toBe(0);
    // It can leave zero: the gain has a gradient there.
    const gain = zero.parameters['output.gain']!;
    const { grads } = tf.variableGrads(() => tf.sum(zero.apply(x, { context })), [gain]);
    expect(tf.min(tf.abs(grads[gain.name]!)).arraySync()).toBeGreaterThan(0);
    const defaults = resNet(sizes);
    expect(Object.keys(defaults.parameters).length).toBe(3 * (1 + 2 * 4 + 1));
    expect(defaults.parameters['block3.outer.direction']?.shape).toEqual([3, 3, 64, 64]);
  });

  test('leaves one tensor and frees its own', async () => {
    const network = resNet({ ...sizes, channels: 3, blocks: 1, rng: createRng(1) });
    const x = createRng(2).normal([2, 2, 2, 2]);
    await expectNoLeak(() => network.apply(x));
    const before = tf.memory().numTensors;
    network.dispose();
    expect(before - tf.memory().numTensors).toBe(Object.keys(network.parameters).length);
  });

  test.each([
    [{ channels: 0 }, 'resNet: options.channels should be a positive integer'],
    [{ blocks: -1 }, 'resNet: options.blocks should be an integer of at least 0'],
    [{ kernelSize: 4 }, 'resNet: options.kernelSize should be odd, but got 4.'],
    [{ inputDim: 0 }, 'resNet: options.inputDim'],
    [{ activation: 'cube' }, 'resNet: options.activation'],
    [{ hidden: [3] }, "resNet: unknown option 'hidden'"],
  ])('refuses %j', (options, message) => {
    expect(() => resNet({ ...sizes, ...options } as ResNetOptions)).toThrow(message);
  });

  test('refuses images of a wrong shape', () => {
    const network = resNet({ ...sizes, channels: 2, blocks: 0 });
    expect(() => network.apply(tf.zeros([3, 3, 1]))).toThrow('resNet.apply: x should be a float32 tensor');
  });
});
