import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { createRng } from '../core/rng.js';
import { expectNoLeak } from '../testing/expectNoLeak.js';
import { randomizeParameters } from '../testing/randomizeParameters.js';
import type { GatedAttentionOptions } from './gatedAttention.js';
import { gatedAttention } from './gatedAttention.js';

const sizes = { inputDim: 2, outputDim: 3, imageSize: [3, 2] } as const;
const difference = (a: tf.Tensor, b: tf.Tensor): number => tf.max(tf.abs(tf.sub(a, b))).arraySync() as number;

describe('gatedAttention', () => {
  test('is its formula', () => {
    const network = gatedAttention({ ...sizes, contextDim: 2, channels: 4, heads: 2, blocks: 1, rng: createRng(1) });
    randomizeParameters(network, { rng: createRng(2), scale: 0.5 });
    const p = network.parameters;
    const [x, context] = [createRng(3).normal([4, 3, 2, 2]), createRng(4).normal([4, 2])];
    const layer = (name: string, h: tf.Tensor): tf.Tensor => {
      const y = tf.conv2d(h as tf.Tensor4D, p[`${name}.kernel`] as unknown as tf.Tensor4D, 1, 'same');
      const from = p[`${name}.context`] as unknown as tf.Tensor2D | undefined;
      const added = from === undefined ? tf.scalar(0) : tf.reshape(tf.matMul(context as tf.Tensor2D, from), [4, 1, 1, -1]);
      return tf.add(tf.add(y, p[`${name}.bias`]!), added);
    };
    const concatElu = (h: tf.Tensor): tf.Tensor => tf.concat([tf.elu(h), tf.elu(tf.neg(h))], -1);
    const gate = (h: tf.Tensor): tf.Tensor => {
      const half = (h.shape[3] as number) / 2;
      const [a, g] = [h.slice([0, 0, 0, 0], [-1, -1, -1, half]), h.slice([0, 0, 0, half], [-1, -1, -1, half])];
      return tf.mul(a, tf.sigmoid(g));
    };
    const norm = (name: string, h: tf.Tensor): tf.Tensor => {
      const { mean, variance } = tf.moments(h, -1, true);
      const scaled = tf.div(tf.sub(h, mean), tf.sqrt(tf.add(variance, 1e-5)));
      return tf.add(tf.mul(scaled, p[`${name}.gain`]!), p[`${name}.bias`]!);
    };
    // Attention by loops, a pixel at a time.
    const attention = (h: tf.Tensor): tf.Tensor => {
      const all = tf.reshape(h, [4, 6, 12]).arraySync() as number[][][];
      const out = all.map((pixels) =>
        pixels.map((pixel) =>
          [0, 1].flatMap((head) => {
            const part = (row: number[], kind: number): number[] => row.slice(4 * kind + 2 * head, 4 * kind + 2 * head + 2);
            const dot = (a: number[], b: number[]): number => a[0]! * b[0]! + a[1]! * b[1]!;
            const weights = pixels.map((other) => Math.exp(dot(part(pixel, 0), part(other, 1)) / Math.sqrt(2)));
            const total = weights.reduce((a, b) => a + b);
            return [0, 1].map((i) => pixels.reduce((sum, other, j) => sum + (weights[j]! / total) * part(other, 2)[i]!, 0));
          }),
        ),
      );
      return tf.tensor3d(out).reshape([4, 3, 2, 4]);
    };
    const h = layer('input', x);
    const convolved = gate(layer('block0.outer', concatElu(layer('block0.inner', concatElu(h)))));
    const first = norm('block0.convolutionNorm', tf.add(h, convolved));
    const seen = attention(layer('block0.queryKeyValue', tf.add(first, p['block0.position']!)));
    const second = norm('block0.attentionNorm', tf.add(first, gate(layer('block0.mix', seen))));
    const expected = layer('output', second);
    expect(difference(network.apply(x, { context }), expected)).toBeLessThan(1e-4);
    expect(p['block0.position']?.shape).toEqual([3, 2, 4]);
    const batches = network.apply(x.reshape([2, 2, 3, 2, 2]), { context: context.reshape([2, 2, 2]) });
    expect(difference(batches.reshape([4, 3, 2, 3]), expected)).toBeLessThan(1e-4);
    expect(Object.keys(p).filter((name) => name.endsWith('context'))).toEqual(['input.context', 'block0.inner.context']);
  });

  test('lets every pixel see every other, and gives every parameter a gradient', () => {
    const network = gatedAttention({ ...sizes, channels: 4, heads: 1, blocks: 1, kernelSize: 1, rng: createRng(1) });
    const x = createRng(3).normal([3, 2, 2]);
    const seen = tf.grad((v) => tf.sum(network.apply(v).slice([0, 0, 0], [1, 1, 3])))(x);
    expect(tf.min(tf.max(tf.abs(seen), -1)).arraySync()).toBeGreaterThan(0);
    const weights = createRng(4).normal([3, 2, 3]);
    const { grads } = tf.variableGrads(() => tf.sum(tf.mul(network.apply(x), weights)), Object.values(network.parameters));
    for (const [name, value] of Object.entries(network.parameters)) {
      expect(tf.max(tf.abs(grads[value.name]!)).arraySync(), name).toBeGreaterThan(0);
    }
  });

  test('drops units in training alone, by the generator of the call, and keeps the mean', () => {
    const network = gatedAttention({ ...sizes, channels: 4, blocks: 1, dropout: 0.5, rng: createRng(1) });
    const x = createRng(2).normal([1, 3, 2, 2]);
    const still = network.apply(x);
    expect(difference(network.apply(x, { rng: createRng(3) }), still)).toBe(0);
    const trained = (seed: number): tf.Tensor => network.apply(x, { training: true, rng: createRng(seed) });
    expect(difference(trained(3), trained(3))).toBe(0);
    expect(difference(trained(3), trained(4))).toBeGreaterThan(1e-3);
    expect(difference(network.apply(x, { training: true }), network.apply(x, { training: true }))).toBeGreaterThan(1e-3);
    const none = gatedAttention({ ...sizes, channels: 4, blocks: 1, rng: createRng(1) });
    expect(difference(none.apply(x, { training: true, rng: createRng(3) }), still)).toBe(0);
    // Over many draws what one linear layer makes of the dropped units has the mean that it has without dropout: the last
    // step before a gate that is linear in them is `mix` with a gate open wide.
    const many = tf.tile(x, [4000, 1, 1, 1]);
    network.parameters['block0.outer.kernel']!.assign(tf.zerosLike(network.parameters['block0.outer.kernel']!));
    const mix = network.parameters['block0.mix.kernel']!;
    mix.assign(tf.mul(mix, tf.tensor1d([1e-3, 1e-3, 1e-3, 1e-3, 0, 0, 0, 0])));
    const mean = tf.mean(network.apply(many, { training: true, rng: createRng(5) }), 0);
    const shift = difference(mean, network.apply(x).reshape([3, 2, 3]));
    expect(shift).toBeLessThan(1e-4);
  });

  test('starts at zero where asked, with an identity of a normalisation and small positions', () => {
    const network = gatedAttention({ ...sizes, contextDim: 1, zeroOutput: true, rng: createRng(1) });
    const [x, context] = [createRng(2).normal([1, 3, 2, 2]), createRng(3).normal([1, 1])];
    expect(difference(network.apply(x, { context }), tf.zeros([1, 3, 2, 3]))).toBe(0);
    expect(difference(network.parameters['block3.attentionNorm.gain']!, tf.ones([96]))).toBe(0);
    expect(difference(network.parameters['block3.attentionNorm.bias']!, tf.zeros([96]))).toBe(0);
    expect(tf.moments(network.parameters['block0.position']!).variance.arraySync() as number).toBeCloseTo(1e-4, 4);
    expect(network.parameters['block4.position']).toBe(undefined);
  });

  test('leaves one tensor and frees its own', async () => {
    const network = gatedAttention({ ...sizes, channels: 4, blocks: 1, dropout: 0.5, rng: createRng(1) });
    const x = createRng(2).normal([2, 3, 2, 2]);
    await expectNoLeak(() => network.apply(x, { training: true }));
    const before = tf.memory().numTensors;
    network.dispose();
    expect(before - tf.memory().numTensors).toBe(Object.keys(network.parameters).length);
  });

  test.each([
    [{ imageSize: undefined }, 'gatedAttention: options.imageSize should be a list [height, width]'],
    [{ imageSize: [3] }, 'gatedAttention: options.imageSize should be a list [height, width]'],
    [{ channels: 6 }, 'gatedAttention: options.channels should be a multiple of the 4 heads, but got 6.'],
    [{ channels: 0 }, 'gatedAttention: options.channels should be a positive integer'],
    [{ heads: 0 }, 'gatedAttention: options.heads should be a positive integer'],
    [{ blocks: -1 }, 'gatedAttention: options.blocks should be an integer of at least 0'],
    [{ kernelSize: 2 }, 'gatedAttention: options.kernelSize should be odd'],
    [{ dropout: 1 }, 'gatedAttention: options.dropout should be a finite number at least 0 and below 1, but got 1.'],
    [{ dropout: -0.1 }, 'gatedAttention: options.dropout'],
    [{ outputDim: 0 }, 'gatedAttention: options.outputDim'],
    [{ hidden: [3] }, "gatedAttention: unknown option 'hidden'"],
  ])('refuses %j', (options, message) => {
    expect(() => gatedAttention({ ...sizes, ...options } as GatedAttentionOptions)).toThrow(message);
  });

  test('refuses images of another size', () => {
    const network = gatedAttention({ ...sizes, channels: 4, blocks: 0 });
    expect(() => network.apply(tf.zeros([2, 3, 2]))).toThrow('gatedAttention.apply: x should be a float32 tensor');
  });
});
