import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import type { Bijector, CallOptions } from '../core/bijector.js';
import { createRng } from '../core/rng.js';
import { checkBijector } from '../testing/checkBijector.js';
import { expectNoLeak } from '../testing/expectNoLeak.js';
import { relativeError } from '../testing/laws.js';
import { randomizeParameters } from '../testing/randomizeParameters.js';
import type { ContinuousFlowOptions } from './continuousFlow.js';
import { continuousFlow } from './continuousFlow.js';

const near = (actual: tf.Tensor, expected: ArrayLike<number>, tolerance = 1e-5): void =>
  expect(relativeError(actual.dataSync(), expected)).toBeLessThan(tolerance);

/** Sets parameters by name, to 0 those that are not named. */
function assign(flow: Bijector, values: Record<string, number | number[] | number[][]>): void {
  for (const [name, variable] of Object.entries(flow.parameters)) {
    variable.assign(name in values ? tf.tensor(values[name]!, variable.shape, 'float32') : tf.zeros(variable.shape));
  }
}

/** A flow with parameters of scale 1. */
function make(options: ContinuousFlowOptions, seed = 0, scale = 1): Bijector {
  const flow = continuousFlow(options);
  randomizeParameters(flow, { rng: createRng(seed), scale });
  return flow;
}

const solvers: Partial<ContinuousFlowOptions>[] = [{}, { solver: 'rk4', steps: 32 }, { steps: 24, tolerance: 1e-6 }];

describe.each(solvers)('continuousFlow with %j', (solver) => {
  // dx/dt = u tanh(s), s = w.x + c.context + b: ds/dt = a tanh(s) with a = w.u, hence sinh(s) grows by e^(a t).
  const [w, u, b, c] = [[0.8, -1.3], [0.7, 0.9], 0.4, -0.6];
  const a = w[0]! * u[0]! + w[1]! * u[1]!;
  const flow = continuousFlow({ dim: 2, hidden: [1], contextDim: 1, ...solver });
  assign(flow, {
    'hidden0.kernel': w.map((value) => [value]),
    'hidden0.bias': [b],
    'hidden0.context': [[c]],
    'output.kernel': [u],
  });
  const exact = ([p, q]: number[], context: number, t: 1 | -1): [x: number[], logDet: number] => {
    const s0 = w[0]! * p! + w[1]! * q! + c * context + b;
    const s1 = Math.asinh(Math.sinh(s0) * Math.exp(a * t));
    return [[p! + (u[0]! * (s1 - s0)) / a, q! + (u[1]! * (s1 - s0)) / a], a * t + Math.log(Math.cosh(s0) / Math.cosh(s1))];
  };
  const points = [
    [0.3, -0.8],
    [-2, 1.5],
    [3, 2.5],
  ];

  test('is the flow of its field, both ways, with its context', () => {
    const context = [0.7, -1.2, 2];
    const call: CallOptions = { context: tf.tensor2d(context, [3, 1]) };
    for (const [method, t] of [
      ['forward', 1],
      ['inverse', -1],
    ] as const) {
      const expected = points.map((point, i) => exact(point, context[i]!, t));
      const [y, logDet] = flow[`${method}AndLogDet`](tf.tensor2d(points), call);
      near(
        y,
        expected.flatMap(([x]) => x),
      );
      near(
        logDet,
        expected.map(([, value]) => value),
      );
      expect([...flow[method](tf.tensor2d(points), call).dataSync()]).toEqual([...y.dataSync()]);
    }
  });

  test('takes any number of batch axes, and a context that broadcasts to them', () => {
    for (const batch of [[], [1], [3], [1, 3], [2, 1, 3], [1, 2, 1, 3]]) {
      const count = batch.reduce((product, size) => product * size, 1);
      const rows = Array.from({ length: count }, (_, i) => points[i % 3]!);
      const context = batch.at(-1) === 3 ? [0.7, -1.2, 2] : [0.7];
      const expected = rows.map((row, i) => exact(row, context[i % context.length]!, 1));
      const [y, logDet] = flow.forwardAndLogDet(tf.tensor(rows.flat(), [...batch, 2]), {
        context: tf.tensor(context, batch.length === 0 ? [1] : [context.length, 1]),
      });
      expect([y.shape, logDet.shape]).toEqual([[...batch, 2], batch]);
      near(
        y,
        expected.flatMap(([x]) => x),
      );
      near(
        logDet,
        expected.map(([, value]) => value),
      );
    }
  });

  test('a field of time alone is integrated along it', () => {
    const moving = continuousFlow({ dim: 1, hidden: [1], ...solver });
    const [tau, bias, weight, time, offset] = [2.5, -0.7, 1.4, 0.6, -0.3];
    assign(moving, {
      'hidden0.time': [tau],
      'hidden0.bias': [bias],
      'output.kernel': [[weight]],
      'output.time': [time],
      'output.bias': [offset],
    });
    const way = (weight * Math.log(Math.cosh(tau + bias) / Math.cosh(bias))) / tau + time / 2 + offset;
    near(moving.forward(tf.tensor2d([[0.5], [-2]])), [0.5 + way, -2 + way]);
    near(moving.inverse(tf.tensor2d([[0.5], [-2]])), [0.5 - way, -2 - way]);
  });

  test('leaks nothing, and frozen leaves the parameters without a gradient', async () => {
    const x = tf.tensor2d(points);
    const call = { context: tf.tensor1d([0.7]) };
    for (const method of ['forward', 'inverse', 'forwardAndLogDet', 'inverseAndLogDet'] as const) {
      await expectNoLeak(() => flow[method](x, call), method);
    }
    const loss = (frozen: boolean) => () => {
      const [y, logDet] = flow.forwardAndLogDet(x, { ...call, frozen });
      const anchor = tf.mul(1e-30, tf.sum(tf.concat(Object.values(flow.parameters).map((p) => tf.reshape(p, [-1])))));
      return tf.addN([tf.sum(y), tf.sum(logDet), anchor]) as tf.Scalar;
    };
    const sizes = (frozen: boolean): number[] =>
      Object.values(tf.variableGrads(loss(frozen)).grads).map((gradient) => tf.max(tf.abs(gradient)).dataSync()[0]!);
    expect(sizes(true).every((size) => size < 1e-20)).toBe(true);
    expect(sizes(false).every((size) => size > 1e-3)).toBe(true);
  });
});

test('the softplus network has its own closed form', () => {
  // dx/dt = u softplus(w x + b) for large w x + b is linear; the trace is w u sigmoid(w x + b).
  const flow = continuousFlow({ dim: 1, hidden: [1], activation: 'softplus' });
  const [w, u, b] = [0.9, 0.5, 20];
  assign(flow, { 'hidden0.kernel': [[w]], 'hidden0.bias': [b], 'output.kernel': [[u]] });
  const [y, logDet] = flow.forwardAndLogDet(tf.tensor1d([1.2]));
  near(y, [(1.2 + b / w) * Math.exp(w * u) - b / w]);
  near(logDet, [w * u]);
});

test.each<[Partial<ContinuousFlowOptions>, number]>([
  [{ hidden: [3, 2], contextDim: 2, steps: 8 }, 3],
  [{ hidden: [2], activation: 'softplus', solver: 'rk4', steps: 8 }, 2],
  [{ hidden: [2], tolerance: 1e-6, steps: 12 }, 2],
  [{ hidden: [2], steps: 6, trace: 'hutchinson' }, 1],
])('obeys the laws of a bijector: %j', async (options, dim) => {
  const flow = make({ dim, hidden: [], ...options }, 3, 0.7);
  const rng = createRng(1);
  const context = options.contextDim === undefined ? {} : { context: rng.normal([2, options.contextDim]) };
  const tolerance = { roundTrip: 1e-4, logDet: 2e-4, gradient: 1e-2, batch: 1e-6 };
  await checkBijector({ bijector: flow, x: rng.uniform([2, dim], -2, 2), ...context, gradients: 'joint', rng, tolerance });
});

test('starts as the identity, with the parameters of its formula', () => {
  const flow = continuousFlow({ dim: 2, hidden: [4, 3], contextDim: 5, rng: createRng(1) });
  expect(Object.fromEntries(Object.entries(flow.parameters).map(([name, { shape }]) => [name, shape]))).toEqual({
    'hidden0.kernel': [2, 4],
    'hidden0.bias': [4],
    'hidden0.context': [5, 4],
    'hidden0.time': [4],
    'hidden1.kernel': [4, 3],
    'hidden1.bias': [3],
    'hidden1.time': [3],
    'output.kernel': [3, 2],
    'output.bias': [2],
    'output.time': [2],
  });
  expect([flow.name, flow.forwardCost, flow.inverseCost]).toEqual(['continuousFlow', 'iterative', 'iterative']);
  const [y, logDet] = flow.forwardAndLogDet(tf.tensor2d([[1.5, -30]]), { context: tf.ones([5]) });
  expect([...y.dataSync(), ...logDet.dataSync()]).toEqual([1.5, -30, 0]);
  flow.dispose();
});

test('draws its initial values from rng, and from a fresh one without', () => {
  const kernel = (rng?: ReturnType<typeof createRng>): number =>
    continuousFlow({ dim: 1, hidden: [1], ...(rng === undefined ? {} : { rng }) }).parameters['hidden0.kernel']!.dataSync()[0]!;
  expect(kernel(createRng(4))).toBe(kernel(createRng(4)));
  expect(kernel()).not.toBe(kernel());
});

test('has the defaults that it says', () => {
  const x = createRng(5).uniform([4, 2], -3, 3);
  const run = (options: Partial<ContinuousFlowOptions>): number[] => {
    const [y, logDet] = make({ dim: 2, hidden: [6], rng: createRng(9), ...options }, 2).forwardAndLogDet(x);
    return [...y.dataSync(), ...logDet.dataSync()];
  };
  const usual = run({});
  expect(run({ activation: 'tanh', solver: 'dopri5', steps: 16, trace: 'exact', contextDim: 0 })).toEqual(usual);
  const others: Partial<ContinuousFlowOptions>[] = [
    { activation: 'softplus' },
    { solver: 'rk4' },
    { steps: 17 },
    { trace: 'hutchinson' },
  ];
  for (const other of [...others, { tolerance: 1e-3 }]) {
    expect(run(other)).not.toEqual(usual);
  }
});

test('the density of a flow integrates to 1', () => {
  for (const [seed, solver] of [{ solver: 'rk4', steps: 8 } as const, { steps: 6, tolerance: 1e-4 }].entries()) {
    const flow = make({ dim: 2, hidden: [5], ...solver }, seed, 0.7);
    const [cells, reach] = [60, 8];
    const axis = tf.linspace(-reach, reach, cells);
    const grid = tf.reshape(tf.stack(tf.meshgrid(axis, axis), -1), [-1, 2]);
    const [z, logDet] = flow.inverseAndLogDet(grid);
    const density = tf.exp(tf.sub(logDet, tf.add(tf.mul(0.5, tf.sum(tf.square(z), -1)), Math.log(2 * Math.PI))));
    expect(tf.sum(density).dataSync()[0]! * ((2 * reach) / (cells - 1)) ** 2).toBeCloseTo(1, 3);
    expect(tf.max(tf.abs(logDet)).dataSync()[0]).toBeGreaterThan(0.3);
  }
});

describe("the trace by 'hutchinson'", () => {
  const options: ContinuousFlowOptions = { dim: 3, hidden: [6], steps: 5, solver: 'rk4' };
  const exact = make(options, 6);
  const estimate = make({ ...options, trace: 'hutchinson' }, 6);
  const x = [0.5, -1.2, 0.8];

  test.each(['forward', 'inverse'] as const)('is unbiased: %s', (direction) => {
    const expected = exact[`${direction}AndLogDet`](tf.tensor1d(x))[1].dataSync()[0]!;
    const count = 4000;
    const [, logDets] = estimate[`${direction}AndLogDet`](tf.tile(tf.tensor2d([x]), [count, 1]), { rng: createRng(1) });
    const { mean, variance } = tf.moments(logDets);
    const error = Math.sqrt(variance.dataSync()[0]! / count);
    expect(error).toBeGreaterThan(1e-3);
    expect(Math.abs(mean.dataSync()[0]! - expected)).toBeLessThan(3 * error);
  });

  test('has unbiased gradients', () => {
    const gradients = (flow: Bijector, rows: number, rng = createRng(0)): number[] => {
      const { grads } = tf.variableGrads(
        () => tf.mean(flow.forwardAndLogDet(tf.tile(tf.tensor2d([x]), [rows, 1]), { rng })[1]) as tf.Scalar,
        [flow.parameters['hidden0.kernel']!],
      );
      return [...Object.values(grads)[0]!.dataSync()];
    };
    const expected = gradients(exact, 1);
    const rng = createRng(2);
    const draws = Array.from({ length: 20 }, () => gradients(estimate, 50, rng));
    expected.forEach((value, i) => {
      const all = draws.map((draw) => draw[i]!);
      const mean = all.reduce((total, draw) => total + draw, 0) / all.length;
      const variance = all.reduce((total, draw) => total + (draw - mean) ** 2, 0) / (all.length - 1);
      expect(Math.abs(mean - value)).toBeLessThan(3.5 * Math.sqrt(variance / all.length));
    });
  });

  test("takes one noise for the whole path, from the call's rng or its own", () => {
    const rows = tf.tile(tf.tensor2d([x]), [6, 1]);
    const [y, logDet] = estimate.forwardAndLogDet(rows, { rng: createRng(3) });
    const [, back] = estimate.inverseAndLogDet(y, { rng: createRng(3) });
    expect(new Set(logDet.dataSync()).size).toBeGreaterThan(1);
    near(tf.neg(back), logDet.dataSync(), 1e-3);

    const rng = createRng(8);
    const own = make({ ...options, trace: 'hutchinson', rng }, 6);
    const state = rng.save();
    const first = own.forwardAndLogDet(rows)[1].dataSync();
    expect(own.forwardAndLogDet(rows)[1].dataSync()).not.toEqual(first);
    rng.restore(state);
    expect(own.forwardAndLogDet(rows)[1].dataSync()).toEqual(first);
    const after = rng.save();
    own.forward(rows);
    own.inverse(rows);
    own.forwardAndLogDet(rows, { rng: createRng(1) });
    expect(rng.save()).toEqual(after);
  });
});

test('without a log-det computes no trace', async () => {
  const flow = make({ dim: 2, hidden: [3], steps: 2 });
  const x = tf.ones([2, 2]);
  const kernels = async (f: () => tf.Tensor | tf.Tensor[]): Promise<string[]> => (await tf.profile(f)).kernelNames;
  for (const direction of ['forward', 'inverse'] as const) {
    expect(await kernels(() => flow[`${direction}AndLogDet`](x))).toContain('Sum');
    expect(await kernels(() => flow[direction](x))).not.toContain('Sum');
  }
});

test.each<[object, string]>([
  [{ dim: 0, hidden: [2] }, 'continuousFlow: options.dim should be a positive integer, but got 0.'],
  [{ dim: 2, hidden: [] }, 'continuousFlow: options.hidden should be a list of at least 1 sizes, but got [].'],
  [{ dim: 2, hidden: [0] }, 'continuousFlow: options.hidden[0] should be a positive integer, but got 0.'],
  [{ dim: 2, hidden: [2], contextDim: -1 }, 'continuousFlow: options.contextDim should be an integer of at least 0, but got -1.'],
  [
    { dim: 2, hidden: [2], activation: 'relu' },
    "continuousFlow: options.activation should be 'tanh' or 'softplus', but got 'relu'.",
  ],
  [{ dim: 2, hidden: [2], solver: 'euler' }, "continuousFlow: options.solver should be 'dopri5' or 'rk4', but got 'euler'."],
  [{ dim: 2, hidden: [2], steps: 0 }, 'continuousFlow: options.steps should be a positive integer, but got 0.'],
  [{ dim: 2, hidden: [2], trace: 'none' }, "continuousFlow: options.trace should be 'exact' or 'hutchinson', but got 'none'."],
  [{ dim: 2, hidden: [2], tolerance: 0 }, 'continuousFlow: options.tolerance should be a finite number above 0, but got 0.'],
  [
    { dim: 2, hidden: [2], tolerance: 1e-3, solver: 'rk4' },
    "continuousFlow: options.tolerance should be left out where the solver is not 'dopri5', but got 0.001.",
  ],
  [{ dim: 2, hidden: [2], maxSteps: 3 }, "continuousFlow: unknown option 'maxSteps'"],
])('refuses %j', (options, message) => {
  expect(() => continuousFlow(options as ContinuousFlowOptions)).toThrow(message);
});

test('refuses a wrong input, and a missing context', () => {
  const flow = continuousFlow({ dim: 2, hidden: [2], contextDim: 3 });
  const context = tf.ones([3]);
  expect(() => flow.forward(tf.ones([3]), { context })).toThrow('continuousFlow.forward: x should be');
  expect(() => flow.inverseAndLogDet(tf.ones([4, 2]))).toThrow('continuousFlow.inverseAndLogDet: options.context should be');
});
