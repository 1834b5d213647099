import * as tf from '@tensorflow/tfjs';
import { describe, expect, it, vi } from 'vitest';
import { chain } from '../bijectors/chain.js';
import { planar } from '../bijectors/planar.js';
import { scaleShift } from '../bijectors/scaleShift.js';
import { sigmoidBijector } from '../bijectors/sigmoidBijector.js';
import type { Bijector } from '../core/bijector.js';
import { defineBijector } from '../core/bijector.js';
import type { Distribution } from '../core/distribution.js';
import { createRng } from '../core/rng.js';
import { checkDistribution, expectNoLeak, randomizeParameters } from '../testing/index.js';
import { diagNormal } from './diagNormal.js';
import { flow } from './flow.js';
import { logistic } from './logistic.js';
import { standardNormal } from './standardNormal.js';
import { uniform } from './uniform.js';

const worst = (a: tf.Tensor, b: tf.Tensor): number => tf.max(tf.abs(tf.sub(a, b))).arraySync() as number;

const plane = (seed: number, contextDim?: number): Bijector => {
  const bijector = planar({ dim: 2, rng: createRng(seed), ...(contextDim === undefined ? {} : { contextDim }) });
  randomizeParameters(bijector, { rng: createRng(seed + 1) });
  return bijector;
};

const fold = (): Bijector =>
  defineBijector({
    name: 'fold',
    forwardEvent: [4],
    inverseEvent: [2, 2],
    forwardAndLogDet: (x) => [tf.reshape(x, [...x.shape.slice(0, -1), 2, 2]), tf.zeros(x.shape.slice(0, -1))],
    inverseAndLogDet: (y) => [tf.reshape(y, [...y.shape.slice(0, -2), 4]), tf.zeros(y.shape.slice(0, -2))],
  });

describe('flow', () => {
  it('is a distribution', async () => {
    await checkDistribution({
      distribution: flow({ base: standardNormal({ eventShape: [2] }), bijector: chain([plane(1), plane(5)]) }),
      cells: 160,
      samples: 2000,
    });
    await checkDistribution({
      distribution: flow({
        base: logistic({ location: 0.3, scale: 0.7, eventShape: [1] }),
        bijector: sigmoidBijector({ low: -1, high: 2 }),
      }),
      support: [-1, 2],
    });
  });

  it('is the normal that an affine map makes', () => {
    const p = flow({ base: standardNormal({ eventShape: [3] }), bijector: scaleShift({ scale: -2, shift: 1 }) });
    const q = diagNormal({ mean: 1, scale: 2, eventShape: [3] });
    const x = tf.mul(createRng(1).normal([2, 5, 3]), 10);
    expect(worst(p.logProb(x), q.logProb(x))).toBeLessThan(1e-4);
    expect([p.eventShape, p.batchShape?.()]).toEqual([[3], []]);
    expect('mean' in p).toBe(false);
    // A logistic is a uniform through the logit.
    const r = flow({ base: logistic({ location: 0, scale: 1, eventShape: [2] }), bijector: sigmoidBijector() });
    const u = createRng(2).uniform([6, 2], 0.05, 0.95);
    expect(worst(r.logProb(u), uniform({ low: 0, high: 1, eventShape: [2] }).logProb(u))).toBeLessThan(1e-5);
  });

  it('draws and tells the density in one forward pass', () => {
    const bijector = plane(1);
    const base = standardNormal({ eventShape: [2] });
    const watched = { ...bijector, inverse: vi.fn(bijector.inverse), inverseAndLogDet: vi.fn(bijector.inverseAndLogDet) };
    const p = flow({ base, bijector: watched });
    const [x, logProb] = p.sampleAndLogProb({ shape: [3, 4], rng: createRng(1) });
    expect(watched.inverse).not.toHaveBeenCalled();
    expect(watched.inverseAndLogDet).not.toHaveBeenCalled();
    expect(worst(logProb, p.logProb(x))).toBeLessThan(1e-4);
    expect(x.arraySync()).toEqual(p.sample({ shape: [3, 4], rng: createRng(1) }).arraySync());
    expect(x.arraySync()).toEqual(bijector.forward(base.sample({ shape: [3, 4], rng: createRng(1) })).arraySync());
  });

  it('sums log-dets over the axes that the bijector does not see', () => {
    const base = standardNormal({ eventShape: [3, 2] });
    const p = flow({ base, bijector: plane(1) });
    const x = createRng(2).normal([5, 3, 2]);
    const each = flow({ base: standardNormal({ eventShape: [2] }), bijector: plane(1) }).logProb(x);
    expect(p.logProb(x).shape).toEqual([5]);
    expect(worst(p.logProb(x), tf.sum(each, -1))).toBeLessThan(1e-4);
    const [y, logProb] = p.sampleAndLogProb({ shape: [4], rng: createRng(3) });
    expect([y.shape, logProb.shape]).toEqual([[4, 3, 2], [4]]);
    expect(worst(logProb, p.logProb(y))).toBeLessThan(1e-4);
  });

  it('lets the bijector change the event shape', () => {
    const base = standardNormal({ eventShape: [4] });
    const p = flow({ base, bijector: fold(), eventShape: [2, 2] });
    expect([p.eventShape, p.sample({ shape: [3] }).shape]).toEqual([
      [2, 2],
      [3, 2, 2],
    ]);
    const x = createRng(1).normal([3, 2, 2]);
    expect(p.logProb(x).arraySync()).toEqual(base.logProb(tf.reshape(x, [3, 4])).arraySync());
    const extra = flow({ base: standardNormal({ eventShape: [5, 4] }), bijector: fold(), eventShape: [5, 2, 2] });
    expect(extra.sampleAndLogProb({ shape: [3] }).map((t) => t.shape)).toEqual([[3, 5, 2, 2], [3]]);
    expect(() => flow({ base, bijector: fold() })).toThrow('flow: options.eventShape should be of 2 axes, as the bijector makes');
    const wrong = flow({ base, bijector: fold(), eventShape: [1, 4] });
    expect(() => wrong.sample()).toThrow('flow: options.bijector should be one that makes shape [1, 4]');
  });

  it('draws for each example of a context by itself', () => {
    const p = flow({ base: standardNormal({ eventShape: [2] }), bijector: plane(1, 3) });
    const context = createRng(2).normal([5, 3]);
    const q = p.given(context);
    expect([q.eventShape, q.batchShape?.(), p.batchShape?.({ context })]).toEqual([[2], [5], [5]]);
    const [x, logProb] = q.sampleAndLogProb({ shape: [4], rng: createRng(3) });
    expect([x.shape, logProb.shape, q.sample().shape]).toEqual([
      [4, 5, 2],
      [4, 5],
      [5, 2],
    ]);
    expect(worst(logProb, q.logProb(x))).toBeLessThan(1e-4);
    expect(worst(p.logProb(x, { context }), q.logProb(x))).toBe(0);
    // Noise is not shared between examples.
    const same = p.given(tf.zeros([2, 3])).sample({ rng: createRng(3) });
    expect((same.arraySync() as number[][])[0]).not.toEqual((same.arraySync() as number[][])[1]);
    // Each example has its own density.
    const third = p.given(tf.slice(context, [2, 0], [1, 3]));
    expect(worst(tf.slice(logProb, [0, 2], [4, 1]), third.logProb(tf.slice(x, [0, 2, 0], [4, 1, 2])))).toBeLessThan(1e-5);
    // The bound context overrules one in a call.
    expect(worst(q.logProb(x, { context: tf.zeros([5, 3]) }), q.logProb(x))).toBe(0);
    expect(() => p.sample()).toThrow('planar.forward: options.context should be');
    expect(() => q.logProb(tf.ones([4, 2]))).toThrow('flow.logProb: shapes [4] and [5] do not broadcast.');
  });

  it('keeps a batched base, and hands the context to a conditional one', () => {
    const base = diagNormal({ mean: createRng(1).normal([5, 2]), scale: 0.5 });
    const p = flow({ base, bijector: plane(1, 3) }).given(createRng(2).normal([5, 3]));
    expect(p.sample({ shape: [4] }).shape).toEqual([4, 5, 2]);
    expect(flow({ base, bijector: plane(3) }).sample({ shape: [4] }).shape).toEqual([4, 5, 2]);
    const more = flow({ base, bijector: plane(1, 3) }).given(createRng(2).normal([6, 5, 3]));
    expect(more.sample({ shape: [4] }).shape).toEqual([4, 6, 5, 2]);
    const grid = flow({ base: diagNormal({ mean: tf.zeros([4, 5, 2]), scale: 1 }), bijector: plane(1, 3) });
    expect(grid.given(tf.zeros([6, 4, 5, 3])).sample().shape).toEqual([6, 4, 5, 2]);
    const single = flow({ base: diagNormal({ mean: tf.zeros([1, 2]), scale: 1 }), bijector: plane(1, 3) }).given(
      tf.zeros([5, 3]),
    );
    expect(() => single.sample()).toThrow("flow: options.context should be of batch axes that end with the base's, [1]");

    const inner = flow({ base: standardNormal({ eventShape: [2] }), bijector: plane(7, 3) });
    const outer = flow({ base: inner, bijector: plane(9, 3) });
    const context = createRng(4).normal([5, 3]);
    const joined = flow({ base: standardNormal({ eventShape: [2] }), bijector: chain([plane(7, 3), plane(9, 3)]) });
    const x = createRng(5).normal([2, 5, 2]);
    expect(worst(outer.given(context).logProb(x), joined.given(context).logProb(x))).toBeLessThan(1e-4);
    const [one, two] = [outer, joined].map((q) => q.given(context).sampleAndLogProb({ shape: [2], rng: createRng(6) }));
    expect(worst(one?.[0] as tf.Tensor, two?.[0] as tf.Tensor)).toBeLessThan(1e-5);
    expect(worst(one?.[1] as tf.Tensor, two?.[1] as tf.Tensor)).toBeLessThan(1e-5);
  });

  it('differentiates in parameters and context, and not where frozen', () => {
    const p = flow({ base: diagNormal({ eventShape: [2], trainable: true }), bijector: plane(1, 3) });
    expect(Object.keys(p.parameters)).toEqual(['base.mean', 'base.logScale', 'bijector.kernel', 'bijector.bias']);
    const [context, x] = [createRng(2).normal([5, 3]), createRng(3).normal([5, 2])];
    const { grads } = tf.variableGrads(() => tf.sum(p.given(context).logProb(x)) as tf.Scalar, Object.values(p.parameters));
    for (const variable of Object.values(p.parameters)) {
      expect(tf.max(tf.abs(grads[variable.name] as tf.Tensor)).arraySync()).toBeGreaterThan(1e-3);
    }
    const inContext = (frozen: boolean) => tf.grads((c, v) => tf.sum(p.given(c).logProb(v, { frozen })))([context, x]);
    expect(tf.max(tf.abs(inContext(false)[0] as tf.Tensor)).arraySync()).toBeGreaterThan(1e-3);
    expect(() => inContext(true)).toThrow('Cannot compute gradient');
    const [free, frozen] = [false, true].map((hold) =>
      tf.grad((v: tf.Tensor) => tf.sum(p.given(context).logProb(v, { frozen: hold })))(x),
    );
    expect(worst(free as tf.Tensor, frozen as tf.Tensor)).toBe(0);
    // A context that comes with the call is not the flow's own, and stays live.
    const passed = tf.grad((c: tf.Tensor) => tf.sum(p.logProb(x, { context: c, frozen: true })))(context);
    expect(worst(passed, inContext(false)[0] as tf.Tensor)).toBeLessThan(1e-5);
    const draws = (hold: boolean) =>
      tf.grad((c: tf.Tensor) => tf.sum(p.given(c).sample({ rng: createRng(4), frozen: hold })))(context);
    expect(tf.max(tf.abs(draws(false))).arraySync()).toBeGreaterThan(1e-3);
    expect(() => draws(true)).toThrow('Cannot compute gradient');
  });

  it('leaks nothing, and owns its parts but not what is given', async () => {
    const before = tf.memory().numTensors;
    const bijector = planar({ dim: 2, contextDim: 3 });
    const p = flow({ base: diagNormal({ eventShape: [2], trainable: true }), bijector });
    const context = tf.zeros([5, 3]);
    const q = p.given(context);
    const x = tf.zeros([4, 5, 2]);
    for (const f of [
      () => q.sample(),
      () => q.sample({ frozen: true }),
      () => q.logProb(x, { frozen: true }),
      () => q.sampleAndLogProb({ shape: [2] }),
      () => p.sampleAndLogProb({ context }),
    ]) {
      await expectNoLeak(f);
    }
    q.dispose();
    expect([q.parameters, context.isDisposed, Object.values(p.parameters).some((value) => value.isDisposed)]).toEqual([
      {},
      false,
      false,
    ]);
    p.dispose();
    tf.dispose([context, x]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('names what is wrong', () => {
    const base = standardNormal({ eventShape: [2] });
    const bijector = plane(1);
    const cases: [() => unknown, string][] = [
      [() => flow({ base, bijector: base as unknown as Bijector }), 'flow: options.bijector should be a bijector'],
      [() => flow({ base: bijector as unknown as Distribution, bijector }), 'flow: options.base should be a distribution'],
      [
        () => flow({ bijector } as { base: Distribution; bijector: Bijector }),
        'flow: options.base should be a distribution, but got nothing',
      ],
      [() => flow({ base: standardNormal({ eventShape: [] }), bijector }), 'flow: options.base.eventShape should be of at'],
      [
        () => flow({ base, bijector, context: 1 } as { base: Distribution; bijector: Bijector }),
        "flow: unknown option 'context'",
      ],
      [() => flow({ base, bijector }).given(tf.scalar(1)), 'flow.given: context should be a float32 tensor'],
      [() => flow({ base, bijector }).given(null as unknown as tf.Tensor), 'flow.given: context should be a float32 tensor'],
      [
        () => flow({ base, bijector }).logProb(tf.zeros([3])),
        'flow.logProb: value should be a float32 tensor of shape [...batch, 2]',
      ],
      [
        () =>
          flow({
            base,
            bijector: planar({ dim: 2, given: { w: tf.ones([5, 2]), u: tf.ones([5, 2]), b: tf.ones([5]) } }),
          }).sample(),
        'flow: options.bijector should be one that makes shape [2]',
      ],
    ];
    const layered = standardNormal({ eventShape: [3, 4] });
    cases.push([
      () => flow({ base: layered, bijector: fold() }),
      'flow: options.eventShape should be of 3 axes, as the bijector makes, but got [3,4]',
    ]);
    for (const [call, message] of cases) {
      expect(call).toThrow(message);
    }
  });

  it('takes a base that has no batch axes to tell of', () => {
    const { batchShape: _, ...base } = standardNormal({ eventShape: [2] });
    const p = flow({ base, bijector: plane(3, 4) });
    const context = createRng(1).normal([5, 4]);
    expect(p.given(context).batchShape?.()).toEqual([5]);
    expect(p.sample({ context, shape: [3] }).shape).toEqual([3, 5, 2]);
    expect(flow({ base, bijector: plane(3) }).logProb(tf.zeros([2])).shape).toEqual([]);
  });
});
