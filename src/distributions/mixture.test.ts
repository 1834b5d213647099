import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { iaf } from '../bijectors/iaf.js';
import { planar } from '../bijectors/planar.js';
import { mlp } from '../conditioners/mlp.js';
import { createRng } from '../core/rng.js';
import { elbo } from '../objectives/elbo.js';
import { vae } from '../objectives/vae.js';
import { checkDistribution, expectNoLeak } from '../testing/index.js';
import { diagNormal } from './diagNormal.js';
import { flow } from './flow.js';
import { klDivergence } from './klDivergence.js';
import { logistic } from './logistic.js';
import { mixture } from './mixture.js';
import { standardNormal } from './standardNormal.js';
import { studentT } from './studentT.js';
import { uniform } from './uniform.js';

const numbers = (t: tf.Tensor | undefined): number[] => Array.from((t as tf.Tensor).dataSync());

const [LOGITS, MEANS, LOG_SCALES] = [
  [1.25, 0.5, -1],
  [
    [-1, 2],
    [3, -0.5],
    [0.5, -3],
  ],
  [
    [0.5, -0.25],
    [-0.5, 0.25],
    [0, -0.75],
  ],
] as [number[], number[][], number[][]];
const plane = (options: { trainable?: boolean } = {}) =>
  mixture({
    logits: tf.tensor1d(LOGITS),
    components: diagNormal({ mean: tf.tensor2d(MEANS), logScale: tf.tensor2d(LOG_SCALES) }),
    ...options,
  });
const listed = () =>
  mixture({
    logits: tf.tensor1d(LOGITS),
    components: MEANS.map((mean, k) => diagNormal({ mean: tf.tensor1d(mean), logScale: tf.tensor1d(LOG_SCALES[k] as number[]) })),
  });

/** log sum_k w_k N(x; m_k, s_k), in float64. */
function logDensity(x: number[], logits = LOGITS): number {
  const terms = logits.map((logit, k) =>
    x.reduce((sum, value, d) => {
      const [mean, logScale] = [MEANS[k]?.[d] as number, LOG_SCALES[k]?.[d] as number];
      return sum - 0.5 * ((value - mean) * Math.exp(-logScale)) ** 2 - logScale - 0.5 * Math.log(2 * Math.PI);
    }, logit),
  );
  const lse = (values: number[]): number => {
    const top = Math.max(...values);
    return top + Math.log(values.reduce((sum, value) => sum + Math.exp(value - top), 0));
  };
  return lse(terms) - lse(logits);
}

describe('mixture', () => {
  it('is a distribution', async () => {
    await checkDistribution({ distribution: plane() });
    const kinds = [
      diagNormal({ mean: tf.tensor1d([-2]), scale: 0.5 }),
      logistic({ location: tf.tensor1d([1]), scale: 0.3 }),
      uniform({ low: 0, high: 3, eventShape: [1] }),
    ];
    await checkDistribution({ distribution: mixture({ logits: tf.tensor1d([0.5, 0.1, -0.4]), components: kinds }) });
  });

  it.each([
    ['a batch', plane],
    ['a list', listed],
  ])('is the weighted sum of its components, from %s', (_, make) => {
    const x = [
      [0.5, 1],
      [-30, 30],
      [3, -0.5],
    ];
    const found = numbers(make().logProb(tf.tensor2d(x)));
    x.forEach((value, i) => {
      const expected = logDensity(value);
      expect(Math.abs((found[i] as number) - expected)).toBeLessThan(1e-6 * (1 + Math.abs(expected)));
    });
    const weights = LOGITS.map((l) => Math.exp(l) / LOGITS.reduce((sum, m) => sum + Math.exp(m), 0));
    const mean = [0, 1].map((d) => weights.reduce((sum, weight, k) => sum + weight * (MEANS[k]?.[d] as number), 0));
    numbers(make().mean?.()).forEach((value, d) => {
      expect(value).toBeCloseTo(mean[d] as number, 5);
    });
    expect([make().eventShape, make().batchShape?.(), make().logProb(tf.ones([2])).shape]).toEqual([[2], [], []]);
    expect(['mode' in make(), 'entropy' in make()]).toEqual([false, false]);
  });

  it('takes one component a draw, with its gradient and no other', () => {
    const means = tf.tensor2d([[-100], [0], [100]]);
    const logits = tf.tensor1d([0.5, -0.25, 1]);
    const draw = (m: tf.Tensor, frozen = false) =>
      mixture({ logits, components: diagNormal({ mean: m, scale: 0.5 }) }).sample({ shape: [300], rng: createRng(5), frozen });
    const x = numbers(draw(means));
    const counts = [-100, 0, 100].map((mean) => x.filter((value) => Math.abs(value - mean) < 4).length);
    expect(counts.reduce((a, b) => a + b)).toBe(300);
    [0.5, -0.25, 1].forEach((logit, k) => {
      const share = Math.exp(logit) / (Math.exp(0.5) + Math.exp(-0.25) + Math.exp(1));
      expect(Math.abs((counts[k] as number) / 300 - share)).toBeLessThan(4 * Math.sqrt((share * (1 - share)) / 300));
    });
    expect(numbers(tf.grad((m: tf.Tensor) => tf.sum(draw(m)))(means))).toEqual(counts);
    expect(() => tf.grad((m: tf.Tensor) => tf.sum(draw(m, true)))(means)).toThrow('Cannot compute gradient');
    const inLogits = (l: tf.Tensor) =>
      tf.sum(mixture({ logits: l, components: diagNormal({ mean: tf.ones([3, 1]), scale: 1 }) }).sample());
    expect(() => tf.grad(inLogits)(logits)).toThrow('Cannot compute gradient');
    // What one component loses to overflow does not spoil the others.
    const wild = mixture({
      logits: tf.tensor1d([-1e9, 0]),
      components: [
        diagNormal({ mean: tf.tensor1d([0]), logScale: tf.tensor1d([100]) }),
        diagNormal({ mean: tf.tensor1d([2]), scale: 0.5 }),
      ],
    });
    expect(numbers(wild.sample({ shape: [4] })).every(Number.isFinite)).toBe(true);
  });

  it('differentiates log-probabilities whole: responsibilities minus weights in the logits', () => {
    const [logits, x] = [tf.tensor1d(LOGITS), [0.5, 1]];
    const value = (l: tf.Tensor, frozen = false) =>
      mixture({ logits: l, components: diagNormal({ mean: tf.tensor2d(MEANS), logScale: tf.tensor2d(LOG_SCALES) }) }).logProb(
        tf.tensor1d(x),
        { frozen },
      );
    numbers(tf.grad((l: tf.Tensor) => value(l))(logits)).forEach((slope, k) => {
      const moved = (by: number) =>
        logDensity(
          x,
          LOGITS.map((l, j) => (j === k ? l + by : l)),
        );
      expect(slope).toBeCloseTo((moved(1e-4) - moved(-1e-4)) / 2e-4, 5);
    });
    expect(() => tf.grad((l: tf.Tensor) => value(l, true))(logits)).toThrow('Cannot compute gradient');
    const mean = (l: tf.Tensor) =>
      mixture({ logits: l, components: diagNormal({ mean: tf.tensor2d(MEANS), scale: 1 }) }).mean?.({ frozen: true });
    expect(() => tf.grad((l: tf.Tensor) => tf.sum(mean(l) as tf.Tensor))(logits)).toThrow('Cannot compute gradient');
  });

  it('is -Infinity, not NaN, where no component has any density', () => {
    const p = mixture({
      logits: tf.tensor1d([0, 1]),
      components: uniform({ low: tf.tensor2d([[0], [2]]), high: tf.tensor2d([[1], [3]]) }),
    });
    const found = numbers(p.logProb(tf.tensor2d([[0.5], [1.5], [2.5]])));
    expect(found[0]).toBeCloseTo(-Math.log(1 + Math.E), 5);
    expect(found[1]).toBe(-Infinity);
    expect(found[2]).toBeCloseTo(1 - Math.log(1 + Math.E), 5);
  });

  it('has gradients of 0 there, in the value and in all parameters', () => {
    const [logits, low, high] = [tf.tensor1d([0.5, -1]), tf.tensor1d([0, 1]), tf.tensor1d([2, 3])];
    const value = tf.tensor1d([-5, 1.5, 4]);
    const logProb = (x: tf.Tensor, logits: tf.Tensor): tf.Tensor =>
      mixture({ logits: logits as tf.Tensor1D, components: uniform({ low, high, eventRank: 0 }) }).logProb(x);
    expect(numbers(logProb(value, logits))).toEqual([-Infinity, expect.closeTo(-Math.LN2, 6), -Infinity]);
    const [inValue, inLogits] = tf.grads(logProb)([value, logits]) as [tf.Tensor, tf.Tensor];
    expect(numbers(inValue)).toEqual([0, 0, 0]);
    numbers(inLogits).forEach((slope) => expect(slope).toBeCloseTo(0, 6));

    const kinds = (x: tf.Tensor): tf.Tensor =>
      mixture({
        logits,
        components: [studentT({ df: 3, location: 0, scale: 1 }), uniform({ low: 0, high: 1 })],
      }).logProb(x);
    // Beyond the uniform one the other is alone: -(v + 1) x / (v + x^2).
    expect(numbers(tf.grad(kinds)(tf.tensor1d([2])))[0]).toBeCloseTo(-8 / 7, 5);
  });

  it('batches: weights a batch, components a batch, or both', () => {
    const shared = mixture({
      logits: createRng(1).normal([4, 3]),
      components: diagNormal({ mean: tf.tensor2d(MEANS), scale: 1 }),
    });
    expect([shared.batchShape?.(), shared.sample({ shape: [5] }).shape, shared.logProb(tf.ones([2])).shape]).toEqual([
      [4],
      [5, 4, 2],
      [4],
    ]);
    expect([shared.mean?.().shape, shared.logProb(tf.ones([6, 1, 2])).shape]).toEqual([
      [4, 2],
      [6, 4],
    ]);
    // The draws of two examples are not copies.
    const twice = mixture({ logits: tf.zeros([2, 1]), components: diagNormal({ mean: tf.zeros([1, 1]), scale: 1 }) }).sample();
    expect(numbers(twice)[0]).not.toBe(numbers(twice)[1]);
    const means = createRng(2).normal([4, 3, 2]);
    const each = mixture({ logits: tf.tensor1d(LOGITS), components: diagNormal({ mean: means, scale: 1 }) });
    expect([each.batchShape?.(), each.sample().shape, each.mean?.().shape]).toEqual([[4], [4, 2], [4, 2]]);
    const alone = mixture({
      logits: tf.tensor1d(LOGITS),
      components: diagNormal({ mean: tf.squeeze(tf.slice(means, [2, 0, 0], [1, 3, 2]), [0]), scale: 1 }),
    });
    expect(numbers(each.logProb(tf.ones([2])))[2]).toBeCloseTo(alone.logProb(tf.ones([2])).arraySync() as number, 5);
    const number = mixture({
      logits: tf.tensor1d([0, 1]),
      components: diagNormal({ mean: tf.tensor1d([-1, 1]), scale: 1, eventRank: 0 }),
    });
    expect([number.eventShape, number.sample({ shape: [3] }).shape, number.logProb(tf.ones([3])).shape]).toEqual([[], [3], [3]]);
    const batchOfLists = mixture({
      logits: tf.zeros([2]),
      components: [0, 1].map((mean) => diagNormal({ mean, scale: tf.ones([5, 2]) })),
    });
    expect([batchOfLists.batchShape?.(), batchOfLists.sample().shape]).toEqual([[5], [5, 2]]);
    const { batchShape: _, ...bare } = standardNormal({ eventShape: [2] });
    expect(mixture({ logits: tf.zeros([2]), components: [bare, bare] }).batchShape?.()).toEqual([]);
  });

  it('has a mean only where every component has one', () => {
    const cauchy = studentT({ df: 1, location: 0, scale: 1 });
    expect('mean' in mixture({ logits: tf.zeros([2]), components: [diagNormal({ mean: 0, scale: 1 }), cauchy] })).toBe(false);
    const many = studentT({ df: 1, location: tf.zeros([2]), scale: 1, eventRank: 0 });
    expect('mean' in mixture({ logits: tf.zeros([2]), components: many })).toBe(false);
  });

  it('of one is that one', () => {
    const only = diagNormal({ mean: tf.tensor1d([1, -2]), scale: 0.5 });
    const p = mixture({ logits: tf.tensor1d([3]), components: [only] });
    const x = tf.tensor2d([
      [0.5, 1],
      [2, -2],
    ]);
    numbers(p.logProb(x)).forEach((value, i) => expect(value).toBeCloseTo(numbers(only.logProb(x))[i]!, 5));
    expect([p.eventShape, numbers(p.mean?.())]).toEqual([[2], [1, -2]]);
    expect(p.sample({ shape: [3], rng: createRng(0) }).shape).toEqual([3, 2]);
  });

  it('owns the parameters of a batch of components', () => {
    const base = diagNormal({ mean: tf.tensor2d(MEANS), scale: 1 });
    const bijector = planar({ dim: 2, rng: createRng(0) });
    const p = mixture({ logits: tf.tensor1d(LOGITS), components: flow({ base, bijector }) });
    expect(Object.keys(p.parameters)).toEqual(['components.bijector.w', 'components.bijector.u', 'components.bijector.b']);
    p.dispose();
    expect(bijector.parameters.w?.isDisposed).toBe(true);
  });

  it('learns weights and components of its own', async () => {
    const before = tf.memory().numTensors;
    const given = tf.tensor1d([0.5, 0]);
    const p = mixture({
      logits: given,
      components: [0, 1].map((k) => diagNormal({ mean: k, scale: 1, eventShape: [2], trainable: true })),
      trainable: true,
    });
    expect(Object.keys(p.parameters)).toEqual([
      'logits',
      'components.0.mean',
      'components.0.logScale',
      'components.1.mean',
      'components.1.logScale',
    ]);
    expect(numbers(p.parameters.logits)).toEqual([0.5, 0]);
    const { grads } = tf.variableGrads(() => p.logProb(tf.tensor1d([2.5, 0.25])) as tf.Scalar, Object.values(p.parameters));
    expect(Object.values(grads).every((g) => numbers(g).every((slope) => Number.isFinite(slope) && slope !== 0))).toBe(true);
    tf.dispose(grads);
    await expectNoLeak(() => [p.sample({ shape: [3] }), p.mean?.(), ...p.sampleAndLogProb()]);
    p.dispose();
    expect(tf.memory().numTensors).toBe(before + 1 + 1);
    expect(given.isDisposed).toBe(false);
    expect(Object.keys(plane().parameters)).toEqual([]);
  });

  it('is a prior of a variational autoencoder, of flows from a context too', () => {
    const rng = createRng(3);
    const model = vae({
      encoder: mlp({ inputDim: 3, hidden: [4], outputDim: 4, rng }),
      decoder: mlp({ inputDim: 2, hidden: [4], outputDim: 3, rng }),
      prior: plane(),
    });
    const objective = elbo({ model });
    const value = numbers(objective(tf.ones([5, 3]), { rng: createRng(1) }));
    expect(value.length).toBe(5);
    expect(value.every(Number.isFinite)).toBe(true);
    const flows = [0, 1].map(() =>
      flow({ base: standardNormal({ eventShape: [2] }), bijector: iaf({ dim: 2, contextDim: 1, hidden: [3], rng }) }),
    );
    const p = mixture({ logits: tf.zeros([2]), components: flows });
    const context = tf.tensor2d([[1], [2], [3]]);
    const [x, logProb] = p.sampleAndLogProb({ shape: [2], context, rng });
    expect([x.shape, logProb.shape, p.batchShape?.({ context })]).toEqual([[2, 3, 2], [2, 3], [3]]);
    expect('mean' in p).toBe(false);
    expect(() => klDivergence(p, p)).toThrow("no formula is known for KL('mixture' || 'mixture')");
  });

  it('names what is wrong', () => {
    const components = diagNormal({ mean: tf.zeros([3, 2]), scale: 1 });
    const logits = tf.zeros([3]);
    const one = diagNormal({ mean: tf.zeros([2]), scale: 1 });
    const cases: [() => unknown, string][] = [
      [
        () => mixture({ logits: [1, 2] as unknown as tf.Tensor, components }),
        'mixture: options.logits should be a float32 tensor of shape [...batch, ?]',
      ],
      [() => mixture({ logits: tf.scalar(0), components }), 'mixture: options.logits should be a float32 tensor'],
      [
        () => mixture({ logits, components: 1 as unknown as typeof components }),
        'mixture: options.components should be a distribution, but got 1.',
      ],
      [
        () => mixture({ logits, components: [one, one] }),
        'mixture: options.components should be 3, as the logits have it, but got 2.',
      ],
      [
        () => mixture({ logits: tf.zeros([2]), components: [one, {} as typeof one] }),
        'mixture: options.components[1] should be a distribution',
      ],
      [
        () => mixture({ logits, components: [one, one, standardNormal({ eventShape: [3] })] }),
        'mixture: options.components[2].eventShape should be [2], as the first has it, but got [3].',
      ],
      [
        () => mixture({ logits: tf.zeros([2]), components: [one, components] }),
        'mixture: options.components[1].batchShape should be [], as the first has it, but got [3].',
      ],
      [
        () => mixture({ logits: tf.zeros([4]), components }),
        'mixture: options.components should be a list of 4, or a batch [..., 4] of distributions, but got [3].',
      ],
      [() => mixture({ logits, components: one }), 'mixture: options.components should be a list of 3, or a batch [..., 3] of'],
      [
        () => mixture({ logits, components: { ...one, batchShape: undefined } as never }),
        'mixture: options.components should be a list of 3, or a batch [..., 3] of distributions, but got [].',
      ],
      [
        () => mixture({ logits: tf.zeros([4, 3]), components: diagNormal({ mean: tf.zeros([1, 3, 2]), scale: 1 }) }),
        'mixture: options.components should be of batch axes that end those of the mixture, [4], but got [1].',
      ],
      [
        () => mixture({ logits: tf.zeros([4, 3]), components: diagNormal({ mean: tf.zeros([5, 3, 2]), scale: 1 }) }),
        'mixture: shapes [4] and [5] do not broadcast.',
      ],
      [
        () => mixture({ logits, components, trainable: 1 as unknown as boolean }),
        'mixture: options.trainable should be true or false',
      ],
      [
        () => mixture({ logits, components, weights: 1 } as unknown as { logits: tf.Tensor; components: typeof one }),
        "mixture: unknown option 'weights'",
      ],
      [() => mixture({ logits, components }).logProb(tf.zeros([3])), 'mixture.logProb: value should be'],
    ];
    for (const [call, message] of cases) {
      expect(call).toThrow(message);
    }
  });
});
