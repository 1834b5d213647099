import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { expectNoLeak } from '../testing/index.js';
import type { DistributionSpec } from './defineDistribution.js';
import { defineDistribution } from './defineDistribution.js';
import { parameter } from './module.js';
import { createRng } from './rng.js';

const spec: DistributionSpec = {
  name: 'shifted',
  eventShape: [2],
  batchShape: ({ context }) => context?.shape.slice(0, -1) ?? [3],
  sample: (size, { rng }) => tf.add(rng.normal(size), 1),
  logProb: (value, { frozen }) => tf.mul(tf.sum(value, -1), frozen === true ? 0 : 1),
};

describe('defineDistribution', () => {
  it('gives formulas the whole shape to draw', () => {
    const p = defineDistribution(spec);
    expect(p.sample().shape).toEqual([3, 2]);
    expect(p.sample({ shape: [4, 0] }).shape).toEqual([4, 0, 3, 2]);
    expect(p.sample({ context: tf.zeros([7, 1]) }).shape).toEqual([7, 2]);
    expect(p.batchShape?.()).toEqual([3]);
    const twin = { rng: createRng(1), shape: [2] };
    const [value, logProb] = p.sampleAndLogProb(twin);
    expect(logProb.arraySync()).toEqual(p.logProb(value).arraySync());
    expect(value.arraySync()).toEqual(p.sample({ ...twin, rng: createRng(1) }).arraySync());
    expect(Array.from(p.sampleAndLogProb({ frozen: true })[1].dataSync(), Math.abs)).toEqual([0, 0, 0]);
  });

  it('prefers a joint formula, has only what the formulas give, and leaks nothing', async () => {
    const p = defineDistribution({ ...spec, sampleAndLogProb: (size) => [tf.ones([...size]), tf.add(tf.ones([3]), 1)] });
    expect(p.sampleAndLogProb()[1].arraySync()).toEqual([2, 2, 2]);
    expect('mean' in p || 'mode' in p || 'entropy' in p || 'family' in p || 'klTo' in p).toBe(false);
    const q = defineDistribution({
      ...spec,
      mean: () => tf.add(tf.zeros([3, 2]), tf.scalar(1)),
      parameters: { a: parameter(() => tf.zeros([2])) },
    });
    const value = tf.ones([3, 2]);
    for (const f of [() => q.sample(), () => q.logProb(value), () => q.sampleAndLogProb(), () => q.mean?.()]) {
      await expectNoLeak(f);
    }
    expect(Object.keys(q.parameters)).toEqual(['a']);
    q.dispose();
    expect(q.parameters.a?.isDisposed).toBe(true);
  });

  it('names what is wrong', () => {
    const p = defineDistribution(spec);
    const cases: [() => unknown, string][] = [
      [
        () => p.logProb(tf.ones([3])),
        'shifted.logProb: value should be a float32 tensor of shape [...batch, 2], but got a float32',
      ],
      [() => p.logProb(tf.ones([2], 'int32')), 'shifted.logProb: value should be a float32'],
      [() => p.logProb(tf.scalar(1)), 'shifted.logProb: value should be a float32'],
      [() => p.logProb(tf.ones([4, 2])), 'shifted.logProb: shapes [4] and [3] do not broadcast.'],
      [
        () => p.sample({ shape: 3 as unknown as number[] }),
        'shifted.sample: options.shape should be a list of sizes, but got 3.',
      ],
      [
        () => p.sampleAndLogProb({ shape: [2, -1] }),
        'shifted.sampleAndLogProb: options.shape should be a list of sizes, but got [2,-1].',
      ],
    ];
    for (const [call, message] of cases) {
      expect(call).toThrow(message);
    }
  });
});
