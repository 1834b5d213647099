import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { affineCoupling } from '../bijectors/affineCoupling.js';
import { coupling } from '../bijectors/coupling.js';
import { scaleShift } from '../bijectors/scaleShift.js';
import { convNet } from '../conditioners/convNet.js';
import { mlp } from '../conditioners/mlp.js';
import { defineDistribution } from '../core/defineDistribution.js';
import type { Distribution } from '../core/distribution.js';
import type { Rng } from '../core/rng.js';
import { createRng } from '../core/rng.js';
import { diagNormal } from '../distributions/diagNormal.js';
import { flow } from '../distributions/flow.js';
import { logistic } from '../distributions/logistic.js';
import { standardNormal } from '../distributions/standardNormal.js';
import { dequantizedLogProb } from '../objectives/dequantizedLogProb.js';
import { randomizeParameters } from '../testing/randomizeParameters.js';
import { affineTransformer } from '../transformers/affineTransformer.js';
import { uniformDequantizer } from './uniformDequantizer.js';
import { variationalDequantizer } from './variationalDequantizer.js';

/** Hands out given noise, once. */
const replay = (noise: tf.Tensor): Rng => ({ ...createRng(0), normal: (shape) => tf.reshape(noise, [...shape]) });

/** Standard logistic noise whose draws are what the generator's `normal` gives: noise of one's own choice. */
const givenNoise = (eventShape: number[] = [], batch: number[] = []): Distribution =>
  defineDistribution({
    name: 'givenNoise',
    eventShape,
    batchShape: () => batch,
    sample: (size, { rng }) => rng.normal(size),
    logProb: (v) => {
      const each = tf.neg(tf.add(tf.softplus(v), tf.softplus(tf.neg(v))));
      return eventShape.length > 0 ? tf.sum(each, -1) : each;
    },
  });

const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const logLogistic = (x: number): number => -softplus(x) - softplus(-x);
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

describe('variationalDequantizer', () => {
  it('squashes the noise of the flow, with the log-det of the sigmoid', () => {
    const dequantizer = variationalDequantizer({
      levels: 8,
      flow: flow({ base: givenNoise([2]), bijector: scaleShift({ scale: 1.5, shift: tf.tensor1d([-0.5, 1]), eventRank: 1 }) }),
    });
    const eps = [0.25, -2, 1.5, 0.5];
    const [y, logQ] = dequantizer.sampleAndLogProb(tf.tensor2d([[0, 3], [7, 5]]), { rng: replay(tf.tensor1d(eps)) }); // biome-ignore format: a matrix
    const v = eps.map((e, i) => 1.5 * e + [-0.5, 1][i % 2]!);
    const ys = y.dataSync();
    [0, 3, 7, 5].forEach((x, i) => {
      expect(ys[i]).toBeCloseTo(x + sigmoid(v[i]!), 5);
    });
    const each = eps.map((e, i) => logLogistic(e) - Math.log(1.5) - logLogistic(v[i]!));
    expect(logQ.shape).toEqual([2]);
    expect(logQ.dataSync()[0]).toBeCloseTo(each[0]! + each[1]!, 5);
    expect(logQ.dataSync()[1]).toBeCloseTo(each[2]! + each[3]!, 5);
  });

  it('is uniform where the flow is standard logistic noise', () => {
    const identity = variationalDequantizer({ levels: 4, flow: logistic({ location: 0, scale: 1, eventShape: [3] }) });
    const [y, logQ] = identity.sampleAndLogProb(tf.fill([4000, 3], 2), { rng: createRng(1) });
    expect(Math.max(...tf.abs(logQ).dataSync())).toBeLessThan(1e-5);
    const { mean, variance } = tf.moments(y);
    expect(mean.dataSync()[0]).toBeCloseTo(2.5, 2);
    expect(variance.dataSync()[0]).toBeCloseTo(1 / 12, 2);
  });

  it.each([2, 3, 256, 65536])('keeps floor(y) = x and log q exact for %i levels and extreme noise', (levels) => {
    const dequantizer = variationalDequantizer({ levels, flow: standardNormalGiven });
    const values = Float32Array.from({ length: levels }, (_, i) => i);
    for (const v of [-1000, -90, -20, -3, 0, 8, 16, 17, 40, 1000]) {
      const noise = replay(tf.fill([levels], v));
      const [y, logQ] = dequantizer.sampleAndLogProb(tf.tensor1d(values), { rng: noise });
      expect(Array.from(dequantizer.quantize(y).dataSync()).every((value, i) => value === i)).toBe(true);
      const expected = -0.5 * v * v - 0.5 * Math.log(2 * Math.PI) + softplus(v) + softplus(-v);
      expect(Math.abs((logQ.dataSync()[levels - 1] as number) - expected)).toBeLessThan(1e-6 * (1 + Math.abs(expected)));
    }
  });

  it('makes the context of x: spread between -1 and 1, as one vector', () => {
    const contexts: tf.Tensor[] = [];
    const listening = (eventShape: number[]): Distribution => {
      const base = standardNormal({ eventShape });
      return {
        ...base,
        batchShape: ({ context } = {}) => context?.shape.slice(0, -1) ?? [],
        sampleAndLogProb: ({ context, shape, rng } = {}) => {
          contexts.push(tf.keep(tf.clone(context as tf.Tensor)));
          return base.sampleAndLogProb({
            shape: [...(shape ?? []), ...(context as tf.Tensor).shape.slice(0, -1)],
            rng: rng as Rng,
          });
        },
      };
    };
    const x = tf.tensor2d([[0, 3, 1]]);
    variationalDequantizer({ levels: 4, flow: listening([3]) }).sampleAndLogProb(x);
    expect(contexts[0]?.arraySync()).toEqual([[-0.75, 0.75, -0.25]]);

    const images = tf.tensor4d([0, 3, 1, 2], [2, 2, 1, 1]);
    variationalDequantizer({ levels: 4, flow: listening([2, 1, 1]) }).sampleAndLogProb(images);
    expect(contexts[1]?.arraySync()).toEqual([
      [-0.75, 0.75],
      [-0.25, 0.25],
    ]);

    const seen: unknown[] = [];
    const rng = createRng(2);
    const label = tf.tensor2d([[5]]);
    const encoder = mlp({ inputDim: 2, hidden: [], outputDim: 4, rng });
    const given = variationalDequantizer({
      levels: 4,
      flow: listening([3]),
      encoder,
      context: (value, call) => {
        seen.push(value.dtype, call);
        return tf.concat([tf.sum(value, -1, true), call.context as tf.Tensor], -1);
      },
    });
    given.sampleAndLogProb(tf.cast(x, 'int32'), { rng, context: label, frozen: true, shape: [6] });
    expect(seen).toEqual(['float32', { rng, context: label, frozen: true }]);
    expect(contexts[2]?.arraySync()).toEqual(encoder.apply(tf.tensor2d([[4, 5]])).arraySync());
  });

  it.each([
    [[], []],
    [[1], [2]],
    [[5], []],
    [[2, 3], [4]],
  ])('batch %j, draws %j, over vectors', (batch, shape) => {
    const rng = createRng(3);
    const dequantizer = variationalDequantizer({
      levels: 5,
      flow: flow({
        base: standardNormal({ eventShape: [2] }),
        bijector: affineCoupling({ dim: 2, contextDim: 2, hidden: [4], rng }),
      }),
    });
    randomizeParameters(dequantizer, { rng });
    const x = tf.floor(rng.uniform([...batch, 2], 0, 5));
    const [y, logQ] = dequantizer.sampleAndLogProb(x, { shape, rng });
    expect(y.shape).toEqual([...shape, ...batch, 2]);
    expect(logQ.shape).toEqual([...shape, ...batch]);
    expect(tf.max(tf.abs(tf.sub(dequantizer.quantize(y), x))).dataSync()[0]).toBe(0);
    const before = tf.memory().numTensors;
    tf.dispose(dequantizer.sampleAndLogProb(x, { shape }));
    expect(tf.memory().numTensors).toBe(before);
  });

  it('takes flows over images with a context, and flows without one', () => {
    const rng = createRng(4);
    const shape = [2, 2, 2] as const;
    const conditional = flow({
      base: standardNormal({ eventShape: [...shape] }),
      bijector: coupling({
        shape,
        transformer: affineTransformer(),
        contextDim: 8,
        conditioner: (sizes) => convNet({ ...sizes, hidden: [3], rng }),
        mask: 'checkerboard',
      }),
    });
    for (const q of [conditional, standardNormal({ eventShape: [...shape] })]) {
      const dequantizer = variationalDequantizer({ levels: 256, flow: q });
      randomizeParameters(dequantizer, { rng });
      const x = tf.floor(rng.uniform([3, ...shape], 0, 256));
      const [y, logQ] = dequantizer.sampleAndLogProb(x, { shape: [2], rng });
      expect([y.shape, logQ.shape, dequantizer.eventRank]).toEqual([[2, 3, ...shape], [2, 3], 3]);
      expect(tf.max(tf.abs(tf.sub(dequantizer.quantize(y), x))).dataSync()[0]).toBe(0);
      // Independent noise for each example and each draw.
      expect(new Set(logQ.dataSync()).size).toBe(6);
    }
  });

  it('takes a distribution of the contract that tells no batch shape', () => {
    const { batchShape: _, ...bare } = standardNormal({ eventShape: [2] });
    const [y, logQ] = variationalDequantizer({ levels: 3, flow: bare }).sampleAndLogProb(tf.ones([4, 2]), { shape: [5] });
    expect([y.shape, logQ.shape]).toEqual([[5, 4, 2], [5, 4]]); // biome-ignore format: short
  });

  it('trains: gradients of both results against finite differences, none where frozen', () => {
    const rng = createRng(5);
    const dequantizer = variationalDequantizer({
      levels: 6,
      flow: flow({
        base: givenNoise([2]),
        bijector: affineCoupling({ dim: 2, contextDim: 3, hidden: [3], activation: 'tanh', rng }),
      }),
      encoder: mlp({ inputDim: 2, hidden: [3], outputDim: 3, activation: 'tanh', rng }),
    });
    randomizeParameters(dequantizer, { rng });
    const x = tf.tensor2d([[0, 5], [3, 1]]); // biome-ignore format: a matrix
    const eps = tf.tensor2d([[0.3, -1.1], [0.9, 0.4]]); // biome-ignore format: a matrix
    const value = (frozen = false): tf.Scalar => {
      const [y, logQ] = dequantizer.sampleAndLogProb(x, { rng: replay(eps), frozen });
      return tf.add(tf.sum(tf.mul(y, [[1, 2], [3, -1]])), tf.sum(tf.mul(logQ, [2, -0.7]))); // biome-ignore format: a matrix
    };
    const names = Object.keys(dequantizer.parameters);
    expect(names.some((name) => name.startsWith('flow.bijector.'))).toBe(true);
    expect(names.some((name) => name.startsWith('encoder.'))).toBe(true);
    const { grads } = tf.variableGrads(() => value(), Object.values(dequantizer.parameters));
    for (const variable of Object.values(dequantizer.parameters)) {
      const gradient = grads[variable.name] as tf.Tensor;
      const direction = createRng(6).normal(variable.shape);
      const held = tf.clone(variable);
      const at = (step: number): number => {
        variable.assign(tf.add(held, tf.mul(direction, step)));
        return value().dataSync()[0] as number;
      };
      const difference = (at(0.01) - at(-0.01)) / 0.02;
      variable.assign(held);
      const slope = tf.sum(tf.mul(gradient, direction)).dataSync()[0] as number;
      expect(Math.abs(slope - difference)).toBeLessThan(5e-3 * (1 + Math.abs(difference)));
      expect(Math.abs(slope)).toBeGreaterThan(1e-4);
    }
    const scale = tf.scalar(1);
    const grad = tf.grads((s) => tf.mul(s as tf.Tensor, value(true)))([scale]);
    expect(grad[0]?.dataSync()[0]).toBeCloseTo(value().dataSync()[0] as number, 4);
    expect(() => tf.variableGrads(() => value(true), Object.values(dequantizer.parameters))).toThrow();
  });

  it('refuses bad options and tensors, by name', () => {
    const q = standardNormal({ eventShape: [2] });
    expect(() => variationalDequantizer({ levels: 1, flow: q })).toThrow(
      'variationalDequantizer: options.levels should be an integer',
    );
    expect(() => variationalDequantizer({ levels: 2, flow: {} as never })).toThrow('options.flow should be a distribution');
    expect(() => variationalDequantizer({ levels: 2, flow: q, encoder: 3 as never })).toThrow(
      'options.encoder should be a conditioner',
    );
    expect(() => variationalDequantizer({ levels: 2, flow: q, encoder: null as never })).toThrow('options.encoder should be');
    expect(() => variationalDequantizer({ levels: 2, flow: q, context: tf.scalar(1) as never })).toThrow(
      'variationalDequantizer: options.context should be a function from x to a tensor, but got a float32 tensor',
    );
    expect(() => variationalDequantizer({ levels: 2, flow: q, validate: 'no' as never })).toThrow('options.validate should be');
    expect(() => variationalDequantizer({ levels: 2, flow: q, eventRank: 1 } as never)).toThrow("unknown option 'eventRank'");

    const dequantizer = variationalDequantizer({ levels: 2, flow: q });
    expect(() => dequantizer.sampleAndLogProb(tf.zeros([3]))).toThrow(
      'variationalDequantizer.sampleAndLogProb: x should be a float32 or int32 tensor of shape [...batch, 2], but got',
    );
    expect(() => dequantizer.sampleAndLogProb(tf.tensor1d([1, 2]))).toThrow(
      'x should hold integers of 0 ... 1, but element 1 is 2.',
    );
    const blind = variationalDequantizer({ levels: 2, flow: q, validate: false });
    expect(blind.sampleAndLogProb(tf.tensor1d([1, 2]))[0].dataSync()[1]).toBeNaN();
    expect(() => dequantizer.sampleAndLogProb(tf.zeros([2]), { samples: 2 } as never)).toThrow("unknown option 'samples'");
    expect(() => dequantizer.quantize(tf.zeros([3]))).toThrow('variationalDequantizer.quantize: y should be');
    const scalarContext = variationalDequantizer({ levels: 2, flow: q, context: () => tf.scalar(1) });
    expect(() => scalarContext.sampleAndLogProb(tf.zeros([2]))).toThrow(
      'variationalDequantizer: the context should be a float32 tensor of shape [...batch, ?], but got a float32 tensor of shape [].',
    );
    const batched = variationalDequantizer({ levels: 2, flow: diagNormal({ mean: tf.zeros([3, 2]), scale: tf.ones([3, 2]) }) });
    expect(batched.sampleAndLogProb(tf.zeros([4, 3, 2]))[1].shape).toEqual([4, 3]);
    expect(() => batched.sampleAndLogProb(tf.zeros([4, 2]))).toThrow(
      'x should be of batch axes that end with those of the flow, [3]',
    );
  });
});

const standardNormalGiven: Distribution = defineDistribution({
  name: 'standardNormalGiven',
  eventShape: [],
  sample: (size, { rng }) => rng.normal(size),
  logProb: (v) => tf.sub(tf.mul(tf.square(v), -0.5), 0.5 * Math.log(2 * Math.PI)),
});

/**
 * p is logistic, so that the mass of a bin is a difference of two sigmoids, and q(u | x) a squashed logistic with a location and a
 * scale an x, which holds the uniform one. All expectations are sums over the nodes of a trapezoidal rule, exact to rounding.
 */
describe('the bounds on a toy with exact bin masses', () => {
  const LEVELS = 5;
  const [location, scale] = [2.3, 0.4];
  const p = logistic({ location, scale, eventShape: [] });
  const xs = Array.from({ length: LEVELS }, (_, i) => i);
  const exact = xs.map((x) => Math.log(sigmoid((x + 1 - location) / scale) - sigmoid((x - location) / scale)));
  const logDensity = (y: number): number => logLogistic((y - location) / scale) - Math.log(scale);

  const nodes = Array.from({ length: 101 }, (_, i) => -20 + 0.4 * i);
  const weights = nodes.map((e) => 0.4 * Math.exp(logLogistic(e)));
  const shift = tf.variable(tf.zeros([LEVELS]));
  const logScale = tf.variable(tf.zeros([LEVELS]));
  const made = (): ReturnType<typeof variationalDequantizer> =>
    variationalDequantizer({
      levels: LEVELS,
      flow: flow({
        base: givenNoise([], [LEVELS]),
        bijector: scaleShift({ scale: tf.exp(logScale), shift, eventRank: 0 }),
      }),
    });

  /** Expectation over k independent draws of u of an objective with samples: k, [LEVELS]. */
  const expected = (k: number, bound: 'elbo' | 'importance' | 'renyi', alpha?: number): tf.Tensor => {
    const tuples = Array.from({ length: k }).reduce<number[][]>(
      (all) => all.flatMap((tuple) => nodes.map((_, i) => [...tuple, i])),
      [[]],
    );
    const noise = Array.from({ length: k }, (_, s) => tuples.map((tuple) => nodes[tuple[s]!]!));
    const size = [k, tuples.length, LEVELS];
    const eps = tf.broadcastTo(tf.expandDims(tf.tensor2d(noise), -1), size);
    const objective = dequantizedLogProb({
      distribution: p,
      dequantizer: { ...made(), sampleAndLogProb: (x, call) => made().sampleAndLogProb(x, { ...call, rng: replay(eps) }) },
      samples: k,
      bound,
      ...(alpha === undefined ? {} : { alpha }),
    });
    const values = objective(tf.broadcastTo(tf.tensor1d(xs), size.slice(1)));
    const weight = tuples.map((tuple) => tuple.reduce((product, i) => product * weights[i]!, 1));
    return tf.sum(tf.mul(values, tf.tensor2d(weight, [weight.length, 1])), 0);
  };
  const read = (t: tf.Tensor): number[] => Array.from(t.dataSync());

  let uniform: number[];
  let best: number[];
  beforeAll(() => {
    uniform = read(expected(1, 'elbo'));
    const optimizer = tf.train.adam(0.1);
    for (let step = 0; step < 120; step++) {
      optimizer.minimize(() => tf.neg(tf.sum(expected(1, 'elbo'))) as tf.Scalar, false, [shift, logScale]);
    }
    best = read(expected(1, 'elbo'));
  });

  it('with the identity as flow is the uniform bound, by quadrature over u', () => {
    const cells = 20000;
    xs.forEach((x, i) => {
      let bound = 0;
      for (let c = 0; c < cells; c++) bound += logDensity(x + (c + 0.5) / cells) / cells;
      expect(uniform[i]).toBeCloseTo(bound, 5);
    });
    const draws = dequantizedLogProb({ distribution: p, dequantizer: uniformDequantizer({ levels: LEVELS, eventRank: 0 }) });
    const monteCarlo = read(tf.mean(draws(tf.broadcastTo(tf.tensor1d(xs), [20000, LEVELS]), { rng: createRng(0) }), 0));
    monteCarlo.forEach((value, i) => {
      expect(Math.abs(value - uniform[i]!)).toBeLessThan(0.03);
    });
  });

  it('uniform <= variational at its optimum <= importance-weighted with k <= log P', () => {
    const two = read(expected(2, 'importance'));
    const half = read(expected(2, 'renyi', 0.5));
    const loose = read(expected(2, 'renyi', 2));
    xs.forEach((_, i) => {
      expect(best[i]).toBeGreaterThan(uniform[i]! + 1e-3);
      expect(two[i]).toBeGreaterThan(best[i]! + 1e-5);
      expect(two[i]).toBeLessThan(exact[i]!);
      expect(half[i]).toBeGreaterThan(best[i]!);
      expect(half[i]).toBeLessThan(two[i]!);
      expect(loose[i]).toBeLessThan(best[i]!);
    });
  });

  it.each(['uniform', 'at its optimum'])('the gap is KL(q(u | x) || p(u | x)), %s', (which) => {
    const flat = xs.map(() => 0);
    const [a, b, bound] = which === 'uniform' ? [flat, flat, uniform] : [read(shift), read(logScale), best];
    xs.forEach((x, i) => {
      // Over the squashed variable v, independently of the nodes above: q(v) dv = q(u) du.
      let kl = 0;
      for (let v = -80; v <= 80; v += 0.05) {
        const width = Math.exp(b[i]!);
        const logQ = logLogistic((v - a[i]!) / width) - Math.log(width);
        kl += 0.05 * Math.exp(logQ) * (logQ - logLogistic(v) - logDensity(x + sigmoid(v)) + exact[i]!);
      }
      expect(kl).toBeGreaterThan(0);
      expect(Math.abs(exact[i]! - bound[i]! - kl)).toBeLessThan(1e-5);
    });
  });

  it('the importance-weighted bound closes the gap as draws are added', () => {
    const objective = (samples: number): number[] => {
      const rng = createRng(8);
      const logit = (r: tf.Tensor): tf.Tensor => tf.sub(tf.log(r), tf.log(tf.sub(1, r)));
      const drawn = { ...rng, normal: (shape: readonly number[]) => logit(rng.uniform(shape)) };
      const bound = dequantizedLogProb({ distribution: p, dequantizer: made(), samples, bound: 'importance' });
      return read(tf.mean(bound(tf.broadcastTo(tf.tensor1d(xs), [200, LEVELS]), { rng: drawn }), 0));
    };
    const many = objective(200);
    xs.forEach((_, i) => {
      expect(Math.abs(many[i]! - exact[i]!)).toBeLessThan(2e-3);
    });
  });
});
