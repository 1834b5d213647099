import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { createRng } from '../core/rng.js';
import { expectNoLeak } from '../testing/expectNoLeak.js';
import { randomizeParameters } from '../testing/randomizeParameters.js';
import type { ConvNetOptions } from './convNet.js';
import { convNet } from './convNet.js';

const sizes = { inputDim: 2, outputDim: 3 } as const;
const difference = (a: tf.Tensor, b: tf.Tensor): number => tf.max(tf.abs(tf.sub(a, b))).arraySync() as number;

describe('convNet', () => {
  test('is its formula', () => {
    const network = convNet({ ...sizes, contextDim: 2, hidden: [4, 5], activation: 'tanh', rng: createRng(1) });
    randomizeParameters(network, { rng: createRng(2) });
    const p = network.parameters;
    const layer = (name: string, h: tf.Tensor): tf.Tensor =>
      tf.add(tf.conv2d(h as tf.Tensor4D, p[`${name}.kernel`] as unknown as tf.Tensor4D, 1, 'same'), p[`${name}.bias`]!);
    const [x, context] = [createRng(3).normal([6, 3, 4, 2]), createRng(4).normal([6, 2])];
    const added = tf.reshape(tf.matMul(context as tf.Tensor2D, p['hidden0.context'] as unknown as tf.Tensor2D), [6, 1, 1, 4]);
    const first = tf.tanh(tf.add(layer('hidden0', x), added));
    const expected = layer('output', tf.tanh(layer('hidden1', first)));
    expect(difference(network.apply(x, { context }), expected)).toBeLessThan(1e-4);
    // The same in two batch axes, with a context that broadcasts over the first of them, and in none.
    const [batches, shared] = [x.reshape([2, 3, 3, 4, 2]), tf.slice(context, [0, 0], [3, 2])];
    const spread = network.apply(batches, { context: shared });
    expect(spread.shape).toEqual([2, 3, 3, 4, 3]);
    expect(difference(spread.reshape([6, 3, 4, 3]), network.apply(x, { context: tf.concat([shared, shared]) }))).toBe(0);
    const alone = network.apply(x.slice([5], [1]).reshape([3, 4, 2]), { context: context.slice([5], [1]).reshape([2]) });
    expect(difference(alone, expected.slice([5], [1]).reshape([3, 4, 3]))).toBeLessThan(1e-4);
  });

  test('has the kernels of Glow, or those that it is given', () => {
    const kernels = (options: Partial<ConvNetOptions>): number[][] => {
      const network = convNet({ ...sizes, hidden: [4, 5, 6], ...options });
      const found = Object.entries(network.parameters).filter(([name]) => name.endsWith('kernel'));
      network.dispose();
      return found.map(([, value]) => value.shape);
    };
    expect(kernels({})).toEqual([
      [3, 3, 2, 4],
      [1, 1, 4, 5],
      [1, 1, 5, 6],
      [3, 3, 6, 3],
    ]);
    expect(kernels({ kernelSizes: [1, 5, 3, 1] }).map((shape) => shape[0])).toEqual([1, 5, 3, 1]);
    expect(kernels({ hidden: [] })).toEqual([[3, 3, 2, 3]]);
  });

  test('starts at zero where asked, with the spread of He otherwise, and draws the same from the same seed', () => {
    const x = createRng(3).normal([1, 3, 3, 2]);
    const zero = convNet({ ...sizes, hidden: [8], zeroOutput: true, rng: createRng(1) });
    expect(difference(zero.apply(x), tf.zeros([1, 3, 3, 3]))).toBe(0);
    const make = () => convNet({ ...sizes, inputDim: 8, hidden: [64], rng: createRng(1) });
    const [a, b] = [make(), make()];
    for (const [name, value] of Object.entries(a.parameters)) {
      expect(value.arraySync()).toEqual(b.parameters[name]?.arraySync());
    }
    const { variance } = tf.moments(a.parameters['hidden0.kernel'] as tf.Tensor);
    expect((variance.arraySync() as number) / (2 / 72)).toBeCloseTo(1, 1);
    const output = tf.moments(a.parameters['output.kernel'] as tf.Tensor).variance;
    expect((output.arraySync() as number) / (2 / (9 * 67))).toBeCloseTo(1, 0);
  });

  test('stops gradients of its parameters where frozen, leaves one tensor and frees its own', async () => {
    const before = tf.memory().numTensors;
    const network = convNet({ ...sizes, contextDim: 1, hidden: [4], rng: createRng(1) });
    const [x, context] = [createRng(3).normal([2, 3, 3, 2]), createRng(4).normal([2, 1])];
    const { grads } = tf.variableGrads(() => tf.sum(tf.square(network.apply(x, { context }))) as tf.Scalar);
    expect(Object.keys(grads).length).toBeGreaterThanOrEqual(5);
    for (const value of Object.values(network.parameters)) {
      const gradient = tf.grad((v) => tf.sum(tf.add(network.apply(v, { context, frozen: true }), 0)))(x);
      expect(gradient.shape).toEqual(x.shape);
      expect(tf.max(tf.abs(grads[value.name]!)).arraySync()).toBeGreaterThan(0);
    }
    await expectNoLeak(() => network.apply(x, { context }));
    network.dispose();
    tf.dispose([x, context, grads]);
    expect(tf.memory().numTensors).toBeGreaterThanOrEqual(before);
    expect(Object.values(network.parameters).every((value) => value.isDisposed)).toBe(true);
  });

  test.each([
    [{ inputDim: 0 }, 'convNet: options.inputDim should be a positive integer'],
    [{ outputDim: 1.5 }, 'convNet: options.outputDim should be a positive integer'],
    [{ contextDim: -1 }, 'convNet: options.contextDim'],
    [{ hidden: 4 }, 'convNet: options.hidden should be a list of sizes'],
    [{ kernelSizes: [3] }, 'convNet: options.kernelSizes should be a list of 2 odd sizes'],
    [{ kernelSizes: [3, 2] }, 'convNet: options.kernelSizes[1] should be odd, but got 2.'],
    [{ kernelSizes: [0, 3] }, 'convNet: options.kernelSizes[0] should be a positive integer'],
    [{ imageSize: [3] }, 'convNet: options.imageSize should be a list [height, width]'],
    [{ imageSize: [3, 0] }, 'convNet: options.imageSize[1] should be a positive integer'],
    [{ activation: 'cube' }, 'convNet: options.activation'],
    [{ filters: 3 }, "convNet: unknown option 'filters'"],
  ])('refuses %j', (options, message) => {
    expect(() => convNet({ ...sizes, hidden: [4], ...options } as ConvNetOptions)).toThrow(message);
  });

  test('refuses images of a wrong shape and a missing context', () => {
    const network = convNet({ ...sizes, contextDim: 2, imageSize: [3, 4], hidden: [] });
    expect(() => network.apply(tf.zeros([3, 4, 1]))).toThrow('convNet.apply: x should be a float32 tensor of shape [...batch, 3');
    expect(() => network.apply(tf.zeros([4, 3, 2]))).toThrow('convNet.apply: x should be');
    expect(() => network.apply(tf.zeros([3, 4, 2]))).toThrow('convNet.apply: options.context should be');
  });
});
