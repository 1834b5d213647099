import * as tf from '@tensorflow/tfjs';
import type { Bijector, Rng } from 'tfjs-flows';
import {
  affineCoupling,
  createRng,
  diagNormal,
  flow,
  iaf,
  logisticMixtureCdf,
  logisticMixtureCoupling,
  maf,
  mixture,
  residualFlow,
  standardNormal,
  vampPrior,
} from 'tfjs-flows';
import { randomizeParameters } from 'tfjs-flows/testing';
import { expect, test } from 'vitest';

// Their intermediates have more axes than x, and backends end at four to six axes, some of them without a word.
const cases: [string, (rng: Rng) => Bijector][] = [
  ['maf', (rng) => maf({ dim: 2, contextDim: 2, hidden: [4], scale: 'tanh', rng })],
  ['iaf', (rng) => iaf({ dim: 2, contextDim: 2, hidden: [4], rng })],
  ['affineCoupling', (rng) => affineCoupling({ dim: 2, contextDim: 2, hidden: [4], scale: 'tanh', rng })],
  ['logisticMixtureCoupling', (rng) => logisticMixtureCoupling({ dim: 2, contextDim: 2, components: 2, hidden: [4], rng })],
  ['residualFlow', (rng) => residualFlow({ dim: 2, contextDim: 2, hidden: [4], coefficient: 0.6, rng })],
  ['logisticMixtureCdf', (rng) => logisticMixtureCdf({ dim: 2, components: 2, rng })],
];

test.each(cases)('%s gives five batch axes what it gives one', async (_, make) => {
  const rng = createRng(0);
  const bijector = make(rng);
  randomizeParameters(bijector, { rng, scale: 0.5 });
  const batch = [2, 1, 2, 1, 3];
  const [x, context] = [rng.normal([...batch, 2]), rng.normal([2, 1, 1, 1, 3, 2])];
  const spread = tf.reshape(tf.tile(tf.reshape(context, [2, 1, 3, 2]), [1, 2, 1, 1]), [-1, 2]);
  for (const method of ['forwardAndLogDet', 'inverseAndLogDet'] as const) {
    const [y, logDet] = bijector[method](x, { context });
    expect([y.shape, logDet.shape]).toEqual([[...batch, 2], batch]);
    const [rows, rowsLogDet] = bijector[method](tf.reshape(x, [-1, 2]), { context: spread });
    const [a, b, c, d] = await Promise.all([y, rows, logDet, rowsLogDet].map((value) => value.data()));
    a?.forEach((value, i) => expect(value).toBeCloseTo(b?.[i] as number, 4));
    c?.forEach((value, i) => expect(value).toBeCloseTo(d?.[i] as number, 4));
  }
  bijector.dispose();
});

test('a flow under a context takes a value for every example', async () => {
  const rng = createRng(1);
  const posterior = flow({
    base: standardNormal({ eventShape: [2] }),
    bijector: maf({ dim: 2, contextDim: 3, hidden: [4], rng }),
  });
  randomizeParameters(posterior, { rng, scale: 0.5 });
  const given = posterior.given(rng.normal([5, 3]));
  const value = rng.normal([2]);
  const all = given.logProb(value);
  const each = given.logProb(tf.tile(tf.reshape(value, [1, 2]), [5, 1]));
  expect(all.shape).toEqual([5]);
  expect(given.logProb(tf.reshape(value, [1, 1, 2])).shape).toEqual([1, 5]);
  expect(Array.from(await all.data())).toEqual(Array.from(await each.data()));
  posterior.dispose();
});

test('a mixture of images is drawn from, and images are codes under a posterior of pseudo-inputs', async () => {
  const rng = createRng(2);
  const eventShape = [2, 1, 3];
  const mean = tf.reshape(tf.range(0, 24), [2, 2, ...eventShape]);
  const images = mixture({ components: diagNormal({ mean, scale: 1e-3, eventRank: 3 }), logits: tf.zeros([2, 2]) });
  const drawn = images.sample({ shape: [2], rng });
  expect(drawn.shape).toEqual([2, 2, ...eventShape]);
  // Each is near one of the two means.
  const distances = tf.min(tf.mean(tf.abs(tf.sub(tf.expandDims(drawn, 2), mean)), [-3, -2, -1]), -1);
  expect(Math.max(...(await distances.data()))).toBeLessThan(0.01);

  const prior = vampPrior({
    posterior: (u) => diagNormal({ mean: u, scale: 1, eventRank: 3 }),
    pseudoInputs: tf.reshape(tf.range(0, 12), [2, ...eventShape]),
    eventShape,
  });
  const value = rng.normal([3, 2, ...eventShape]);
  const [all, one] = [prior.logProb(value), prior.logProb(tf.slice(value, [2, 1], [1, 1]))];
  expect(all.shape).toEqual([3, 2]);
  expect((await all.data())[5]).toBeCloseTo((await one.data())[0] as number, 3);
  const slope = tf.grad((at) => tf.sum(prior.logProb(at)))(value);
  expect(Number.isFinite((await tf.sum(slope).data())[0])).toBe(true);
  prior.dispose();
});
