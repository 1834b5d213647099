import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import type { Bijector, CallOptions } from '../core/bijector.js';
import { defineBijector } from '../core/bijector.js';
import { parameter } from '../core/module.js';
import { createRng } from '../core/rng.js';
import { own } from '../core/stopGradient.js';
import { checkBijector, expectNoLeak, randomizeParameters } from '../testing/index.js';
import { chain } from './chain.js';
import { identityBijector } from './identityBijector.js';
import { invert } from './invert.js';
import { planar } from './planar.js';

/** y = c x, elementwise, with a parameter; tells what it was called with. */
const times = (factor: number, seen: CallOptions[] = []): Bijector => {
  const c = parameter(() => tf.scalar(factor));
  const log = (x: tf.Tensor, call: CallOptions): tf.Tensor => tf.mul(tf.onesLike(x), tf.log(own(c, call)));
  return defineBijector({
    name: 'times',
    forwardEvent: [],
    parameters: { c },
    forwardAndLogDet: (x, call) => {
      seen.push(call);
      return [tf.mul(x, own(c, call)), log(x, call)];
    },
    inverseAndLogDet: (y, call) => [tf.div(y, own(c, call)), tf.neg(log(y, call))],
  });
};

/** [..., 4] <-> [..., 2, 2]. */
const fold = (): Bijector =>
  defineBijector({
    name: 'fold',
    forwardEvent: [4],
    inverseEvent: [2, 2],
    forwardAndLogDet: (x) => [tf.reshape(x, [...x.shape.slice(0, -1), 2, 2]), tf.zeros(x.shape.slice(0, -1))],
    inverseAndLogDet: (y) => [tf.reshape(y, [...y.shape.slice(0, -2), 4]), tf.zeros(y.shape.slice(0, -2))],
  });

const add1 = (initialised: tf.Tensor[]): Bijector =>
  defineBijector({
    name: 'add1',
    forwardEvent: [],
    forwardAndLogDet: (x) => [tf.add(x, 1), tf.zerosLike(x)],
    inverseAndLogDet: (y) => [tf.sub(y, 1), tf.zerosLike(y)],
    initialize: (data) => {
      initialised.push(tf.keep(tf.clone(data)));
    },
  });

describe('chain', () => {
  it('applies the first part first', () => {
    const flow = chain([times(2), add1([])]);
    expect(flow.forward(tf.scalar(3)).arraySync()).toBe(7);
    expect(flow.inverse(tf.scalar(7)).arraySync()).toBe(3);
  });

  it('adds up log-dets, and a single one by no operation', async () => {
    const kernelsOf = async (parts: Bijector[]): Promise<[string[], number]> => {
      const { kernelNames, result } = await tf.profile(() => chain(parts).forwardAndLogDet(tf.scalar(3))[1]);
      return [kernelNames.filter((name) => name.startsWith('Add')), (result as tf.Tensor).arraySync() as number];
    };
    const [added, logDet] = await kernelsOf([times(2), times(3), times(0.5)]);
    expect(added).toEqual(['Add']);
    expect(logDet).toBeCloseTo(Math.log(3), 6);
    const [alone, own] = await kernelsOf([times(2)]);
    expect(alone).toEqual([]);
    expect(own).toBeCloseTo(Math.log(2), 6);
  });

  it('computes no log-det where none is asked for', () => {
    const never = (): [tf.Tensor, tf.Tensor] => {
      throw new Error('a log-det');
    };
    const mute = defineBijector({
      name: 'mute',
      forwardEvent: [],
      forwardAndLogDet: never,
      inverseAndLogDet: never,
      forward: (x) => tf.mul(x, 5),
      inverse: (y) => tf.div(y, 5),
    });
    const flow = chain([mute, add1([])]);
    expect(flow.inverse(flow.forward(tf.scalar(3))).arraySync()).toBe(3);
    expect(() => flow.inverseAndLogDet(tf.scalar(3))).toThrow('a log-det');
  });

  it('sums the log-dets of parts of lower event rank over the extra axes', async () => {
    const flow = chain([times(2), planar({ dim: 3, rng: createRng(1) }), times(0.5)]);
    expect([flow.forwardEventRank, flow.inverseEventRank]).toEqual([1, 1]);
    randomizeParameters(planarOf(flow), { rng: createRng(2) });
    const x = createRng(3).normal([4, 3]);
    // The two factors cancel in the log-det, 3 log 2 - 3 log 2, so that the planar part's at 2x remains.
    const alone = defineAlone(flow).forwardAndLogDet(tf.mul(x, 2))[1];
    expect(tf.max(tf.abs(tf.sub(flow.forwardAndLogDet(x)[1], alone))).arraySync()).toBeLessThan(1e-5);
    const single = chain([times(2), identityBijector({ eventRank: 2 })]);
    expect(single.forwardAndLogDet(tf.ones([5, 2, 3]))[1].arraySync()).toEqual(Array(5).fill(Math.fround(6 * Math.log(2))));
    await checkBijector({ bijector: flow, x });
  });

  it('keeps account of parts that change the event rank', async () => {
    const flow = chain([times(2), fold(), times(3), invert(fold()), planar({ dim: 4, rng: createRng(1) })]);
    expect([flow.forwardEventRank, flow.inverseEventRank]).toEqual([1, 1]);
    await checkBijector({ bijector: flow, x: createRng(2).normal([2, 3, 4]) });
    const up = chain([fold(), times(2)]);
    expect([up.forwardEventRank, up.inverseEventRank]).toEqual([1, 2]);
    expect(up.forwardAndLogDet(tf.ones([3, 4]))[1].shape).toEqual([3]);
    expect(up.inverseAndLogDet(tf.ones([3, 2, 2]))[1].shape).toEqual([3]);
    // A rank gained first is what a later part sees.
    const late = chain([fold(), identityBijector({ eventRank: 3 })]);
    expect([late.forwardEventRank, late.inverseEventRank]).toEqual([2, 3]);
  });

  it('takes the worst cost, each direction by itself', () => {
    const flow = chain([times(2), planar({ dim: 2 })]);
    expect([flow.forwardCost, flow.inverseCost]).toEqual(['parallel', 'iterative']);
    const sequential: Bijector = { ...times(1), forwardCost: 'sequential' };
    expect(chain([sequential, times(2)]).forwardCost).toBe('sequential');
    expect(chain([invert(planar({ dim: 2 })), sequential]).forwardCost).toBe('iterative');
  });

  it('names parameters by place and frees them once', () => {
    const before = tf.memory().numTensors;
    const flow = chain([times(2), chain([planar({ dim: 2 }), times(3)])]);
    expect(Object.keys(flow.parameters)).toEqual([
      'layers.0.c',
      'layers.1.layers.0.w',
      'layers.1.layers.0.u',
      'layers.1.layers.0.b',
      'layers.1.layers.1.c',
    ]);
    flow.dispose();
    flow.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('passes every option on', async () => {
    const seen: CallOptions[] = [];
    const context = tf.zeros([1, 2]);
    const flow = chain([times(2, seen), planar({ dim: 3, contextDim: 2, rng: createRng(0) })]);
    const rng = createRng(5);
    flow.forward(tf.ones([4, 3]), { context, rng, training: true, frozen: true });
    expect(seen).toEqual([{ context, rng, training: true, frozen: true }]);
    expect(seen[0]?.rng).toBe(rng);
    await checkBijector({ bijector: flow, x: createRng(1).normal([4, 3]), context: createRng(2).normal([4, 2]) });
  });

  it('initialises from the data end', async () => {
    const seen: tf.Tensor[] = [];
    const flow = chain([times(7), add1(seen), times(2), add1(seen), times(10)]);
    flow.initialize?.(tf.tensor1d([100]));
    // 100 / 10 = 10 for the last of them, (10 - 1) / 2 = 4.5 for the one before.
    expect(seen.map((data) => data.arraySync())).toEqual([[10], [4.5]]);
    expect(chain([times(2)]).initialize).toBeUndefined();
    const useless = (): tf.Tensor => {
      throw new Error('no part before this one wants data');
    };
    const [first, later]: [tf.Tensor[], tf.Tensor[]] = [[], []];
    chain([{ ...add1(first), inverse: useless }, times(2)]).initialize?.(tf.tensor1d([6]));
    chain([times(2), { ...add1(later), inverse: useless }]).initialize?.(tf.tensor1d([6]));
    expect([...first, ...later].map((data) => data.arraySync())).toEqual([[3], [6]]);
    const quiet = chain([planar({ dim: 2 }), { ...times(2), initialize: () => {} }]);
    const data = tf.ones([3, 2]);
    await expectNoLeak(() => quiet.initialize?.(data), 'initialize');
  });

  it('names what is wrong', () => {
    expect(() => chain([])).toThrow('chain: parts should be a list of at least one bijector, but got [].');
    expect(() => chain([times(2), {} as Bijector])).toThrow('chain: parts[1] should be a bijector');
    expect(() => chain(null as unknown as Bijector[])).toThrow('chain: parts should be a list');
    expect(() => chain([times(2)], { nam: 'x' } as object)).toThrow("chain: unknown option 'nam'");
    expect(() => chain([planar({ dim: 2 })], { name: 'prior' }).forward(tf.scalar(1))).toThrow('prior.forward: x should be');
    expect(() => chain([planar({ dim: 2 })]).forward(tf.ones([3, 4]))).toThrow('planar.forward: x should be');
  });
});

const planarOf = (flow: Bijector): Bijector => ({
  ...flow,
  parameters: Object.fromEntries(Object.entries(flow.parameters).filter(([name]) => name.startsWith('layers.1.'))),
});

const defineAlone = (flow: Bijector): Bijector =>
  planar({
    dim: 3,
    given: {
      w: flow.parameters['layers.1.w'] as tf.Tensor,
      u: flow.parameters['layers.1.u'] as tf.Tensor,
      b: flow.parameters['layers.1.b'] as tf.Tensor,
    },
  });
