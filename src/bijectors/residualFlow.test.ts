import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import type { Bijector } from '../core/bijector.js';
import { createRng } from '../core/rng.js';
import { flow } from '../distributions/flow.js';
import { standardNormal } from '../distributions/standardNormal.js';
import { checkBijector } from '../testing/checkBijector.js';
import { relativeError } from '../testing/laws.js';
import { logAbsDet } from '../testing/linearAlgebra.js';
import { randomizeParameters } from '../testing/randomizeParameters.js';
import type { ResidualFlowOptions } from './residualFlow.js';
import { residualFlow } from './residualFlow.js';

type Matrix = readonly (readonly number[])[];

const product = (a: Matrix, b: Matrix): number[][] =>
  a.map((row) => b[0]!.map((_, j) => row.reduce((total, value, k) => total + value * b[k]![j]!, 0)));

/** W min(1, c / tr((W^T W)^32)^(1/64)) */
function scaled(w: Matrix, coefficient: number): number[][] {
  let power = product(
    w[0]!.map((_, j) => w.map((row) => row[j]!)),
    w,
  );
  for (let k = 0; k < 5; k++) {
    power = product(power, power);
  }
  const bound = power.reduce((trace, row, i) => trace + row[i]!, 0) ** (1 / 64);
  return w.map((row) => row.map((value) => value * Math.min(1, coefficient / bound)));
}

/** x + g(x) in float64. */
function reference(
  bijector: Bijector,
  options: Partial<ResidualFlowOptions>,
  x: readonly number[],
  context: readonly number[] = [],
) {
  const { activation = 'lipSwish', coefficient = 0.9 } = options;
  const value = (name: string): number[][] => {
    const found = bijector.parameters[name]?.arraySync() ?? [];
    return (Array.isArray((found as number[])[0]) ? found : [found]) as number[][];
  };
  const act = (s: number, rawBeta: number): number =>
    activation === 'tanh'
      ? Math.tanh(s)
      : activation === 'softplus'
        ? Math.log1p(Math.exp(s))
        : s / 1.1 / (1 + Math.exp(-s * Math.log1p(Math.exp(rawBeta))));
  const names = Object.keys(bijector.parameters)
    .filter((name) => name.endsWith('kernel'))
    .map((name) => name.split('.')[0]!);
  return names
    .reduce<number[]>(
      (h, name) => {
        const [s] = product([h], scaled(value(`${name}.kernel`), coefficient));
        const fromContext = `${name}.context` in bijector.parameters ? product([context], value(`${name}.context`))[0]! : [];
        const sums = s!.map((each, j) => each + value(`${name}.bias`)[0]![j]! + (fromContext[j] ?? 0));
        const [rawBeta] = value(`${name}.rawBeta`).flat();
        return name === 'output' ? sums : sums.map((each) => act(each, rawBeta as number));
      },
      [...x],
    )
    .map((each, i) => each + x[i]!);
}

/** dy/dx by central differences. */
function jacobian(
  bijector: Bijector,
  options: Partial<ResidualFlowOptions>,
  x: readonly number[],
  context?: readonly number[],
): number[][] {
  const moved = (j: number, step: number): number[] =>
    reference(
      bijector,
      options,
      x.map((value, k) => (k === j ? value + step : value)),
      context,
    );
  const columns = x.map((_, j) => moved(j, 1e-5).map((value, i) => (value - moved(j, -1e-5)[i]!) / 2e-5));
  return x.map((_, i) => columns.map((column) => column[i]!));
}

function made(options: ResidualFlowOptions, seed = 1, scale = 1): Bijector {
  const rng = createRng(seed);
  const bijector = residualFlow({ rng, ...options });
  randomizeParameters(bijector, { rng, scale });
  return bijector;
}

describe.each<ResidualFlowOptions>([
  { dim: 2, hidden: [4] },
  { dim: 3, hidden: [4, 3], activation: 'tanh', coefficient: 0.95, contextDim: 2 },
  { dim: 1, hidden: [3], activation: 'softplus' },
  { dim: 4, hidden: [3], activation: 'lipSwish', coefficient: 0.8, contextDim: 1 },
])('residualFlow of %o', (options) => {
  const bijector = made(options);
  const rng = createRng(2);
  const x = tf.concat([rng.normal([5, options.dim]), tf.fill([1, options.dim], 30)]);
  const context = options.contextDim === undefined ? undefined : rng.normal([6, options.contextDim]);
  const call = context === undefined ? {} : { context };
  const rows = x.arraySync() as number[][];
  const contexts = (context?.arraySync() ?? []) as number[][];

  test('is x + g(x) with its log-det, and its inverse finds x again', () => {
    const [y, logDet] = bijector.forwardAndLogDet(x, call);
    const logDets = rows.map((row, n) => logAbsDet(jacobian(bijector, options, row, contexts[n])));
    near(
      y,
      rows.flatMap((row, n) => reference(bijector, options, row, contexts[n])),
    );
    near(logDet, logDets, 2e-5);
    expect(Math.max(...logDets.map(Math.abs))).toBeGreaterThan(0.05);
    near(bijector.forward(x, call), y.dataSync(), 1e-6);
    const [back, inverseLogDet] = bijector.inverseAndLogDet(y, call);
    near(back, rows.flat(), 2e-6);
    near(
      inverseLogDet,
      logDets.map((value) => -value),
      2e-5,
    );
    near(bijector.inverse(y, call), rows.flat(), 2e-6);
  });

  test('works for any batch axes', () => {
    const reshaped = (axes: number[], t: tf.Tensor, size: number): tf.Tensor => tf.reshape(t, [...axes, size]);
    for (const axes of [[6], [2, 3], [2, 1, 3]]) {
      const many = context === undefined ? {} : { context: reshaped(axes, context, options.contextDim!) };
      for (const direction of ['forward', 'inverse'] as const) {
        const [y, logDet] = bijector[`${direction}AndLogDet`](reshaped(axes, x, options.dim), many);
        const [flatY, flatLogDet] = bijector[`${direction}AndLogDet`](x, call);
        expect(y.shape).toEqual([...axes, options.dim]);
        expect(logDet.shape).toEqual(axes);
        near(y, flatY.dataSync(), 1e-6);
        near(logDet, flatLogDet.dataSync(), 1e-5);
        const alone = bijector[direction](reshaped(axes, x, options.dim), many);
        expect(alone.shape).toEqual(y.shape);
        near(alone, flatY.dataSync(), 1e-6);
      }
    }
  });

  test('leaves what it returns and nothing else', () => {
    const before = tf.memory().numTensors;
    tf.dispose([...bijector.forwardAndLogDet(x, call), ...bijector.inverseAndLogDet(x, call)]);
    tf.dispose([bijector.forward(x, call), bijector.inverse(x, call)]);
    tf.dispose(tf.grad((at) => tf.sum(bijector.inverseAndLogDet(at, call)[1]))(x));
    expect(tf.memory().numTensors).toBe(before);
  });
});

test('obeys the laws of a bijector', async () => {
  const bijector = made({ dim: 2, hidden: [3], activation: 'tanh', coefficient: 0.6, contextDim: 1 });
  const [x, context] = [createRng(5).normal([2, 2]), createRng(6).normal([2, 1])];
  await checkBijector({ bijector, x, context, rng: createRng(4), gradients: 'joint' });
});

test('starts as the identity, with the parameters of a network', () => {
  const bijector = residualFlow({ dim: 2, contextDim: 3, rng: createRng(1) });
  expect(Object.entries(bijector.parameters).map(([name, value]) => [name, value.shape])).toEqual([
    ['hidden0.rawBeta', []],
    ['hidden1.rawBeta', []],
    ['hidden0.kernel', [2, 64]],
    ['hidden0.bias', [64]],
    ['hidden0.context', [3, 64]],
    ['hidden1.kernel', [64, 64]],
    ['hidden1.bias', [64]],
    ['output.kernel', [64, 2]],
    ['output.bias', [2]],
  ]);
  expect([bijector.name, bijector.forwardCost, bijector.inverseCost]).toEqual(['residualFlow', 'parallel', 'iterative']);
  const x = tf.tensor2d([[0.3, -1.7]]);
  const [y, logDet] = bijector.forwardAndLogDet(x, { context: tf.ones([1, 3]) });
  near(y, x.dataSync());
  near(logDet, [0]);
  const { value, grads } = tf.variableGrads(() => {
    const [out, l] = bijector.forwardAndLogDet(x, { context: tf.ones([1, 3]) });
    return tf.add(tf.sum(tf.mul(out, [1, 2])), tf.sum(l));
  });
  expect(value.dataSync()[0]).toBeCloseTo(-3.1, 5);
  const output = grads[bijector.parameters['output.kernel']!.name]!;
  expect(output.dataSync().every(Number.isFinite)).toBe(true);
  expect(tf.max(tf.abs(output)).dataSync()[0]).toBeGreaterThan(1e-3);
  const before = tf.memory().numTensors;
  bijector.dispose();
  expect(tf.memory().numTensors).toBe(before - 9);
});

test('a given generator draws the initial values', () => {
  const kernels = [5, 5, 6].map((seed) =>
    residualFlow({ dim: 2, rng: createRng(seed) }).parameters['hidden0.kernel']!.dataSync(),
  );
  expect(kernels[0]).toEqual(kernels[1]);
  expect(kernels[0]).not.toEqual(kernels[2]);
});

/** The steepest g of one dimension: c^2 tanh(x / c + ...) with slope `sign` c^2 at 0. */
function steep(sign: 1 | -1, options: Partial<ResidualFlowOptions> = {}): Bijector {
  const bijector = residualFlow({ dim: 1, hidden: [1], activation: 'tanh', coefficient: 0.99, ...options });
  bijector.parameters['hidden0.kernel']!.assign(tf.tensor2d([[50]]));
  bijector.parameters['output.kernel']!.assign(tf.tensor2d([[50 * sign]]));
  return bijector;
}

test.each([1, -1] as const)('converges, back and in gradients, where the slope of g is %i times its bound', (sign) => {
  const bijector = steep(sign);
  const slope = 1 + sign * 0.99 ** 2;
  const x = tf.tensor2d([[1e-4], [-2e-4]]);
  const [y, logDet] = bijector.forwardAndLogDet(x);
  expect(relativeError(logDet.dataSync(), [Math.log(slope), Math.log(slope)])).toBeLessThan(1e-4);
  const back = bijector.inverse(y).dataSync();
  expect(Math.abs(back[0]! / 1e-4 - 1)).toBeLessThan(1e-3);
  expect(Math.abs(back[1]! / -2e-4 - 1)).toBeLessThan(1e-3);
  const gradient = tf
    .grad((at) => tf.sum(tf.mul(bijector.inverse(at), [[2], [-3]])))(y)
    .dataSync();
  expect(Math.abs((gradient[0]! * slope) / 2 - 1)).toBeLessThan(1e-3);
  expect(Math.abs((gradient[1]! * slope) / -3 - 1)).toBeLessThan(1e-3);
});

test('kernels below the bound stay as they are', () => {
  const bijector = steep(1, { coefficient: 0.8 });
  bijector.parameters['hidden0.kernel']!.assign(tf.tensor2d([[0.5]]));
  bijector.parameters['output.kernel']!.assign(tf.tensor2d([[-0.25]]));
  near(bijector.forward(tf.tensor1d([0.7])), [0.7 - 0.25 * Math.tanh(0.35)]);
});

test('however large the parameters, g contracts', () => {
  for (const scale of [1, 10, 1000]) {
    const options: ResidualFlowOptions = { dim: 3, hidden: [6, 6], coefficient: 0.97 };
    const bijector = made(options, 8, scale);
    const [x, step] = [createRng(1).normal([200, 3]), tf.mul(createRng(2).normal([200, 3]), 0.1)];
    const g = (at: tf.Tensor): tf.Tensor => tf.sub(bijector.forward(at), at);
    const ratio = tf.div(tf.norm(tf.sub(g(tf.add(x, step)), g(x)), 2, -1), tf.norm(step, 2, -1));
    expect(tf.max(ratio).dataSync()[0]).toBeLessThan(0.97 ** 3);
    expect(tf.max(ratio).dataSync()[0]).toBeGreaterThan(0.05);
  }
});

describe('estimates', () => {
  const options: ResidualFlowOptions = { dim: 3, hidden: [4], activation: 'tanh', coefficient: 0.8, contextDim: 1 };
  /** Nearly linear at 0, so that J is near its bound. */
  const pair = (more: Partial<ResidualFlowOptions>): [Bijector, Bijector] => {
    const [exact, estimate] = [
      residualFlow({ ...options, logDet: 'exact' }),
      residualFlow({ ...options, ...more, logDet: 'estimate' }),
    ];
    for (const [name, value] of Object.entries(exact.parameters)) {
      const drawn = createRng(name.length + 3).normal(value.shape);
      value.assign(tf.mul(drawn, name.endsWith('kernel') ? 2 : 0.1));
      estimate.parameters[name]!.assign(value);
    }
    return [exact, estimate];
  };
  const x = tf.tensor2d([
    [0.1, -0.2, 0.3],
    [0.4, 0.2, -0.1],
  ]);
  const context = tf.tensor2d([[0.3], [-0.4]]);

  test.each([
    { exactTerms: 1, direction: 'forward' },
    { exactTerms: 3, direction: 'inverse' },
  ] as const)(
    'of the $direction log-det with $exactTerms exact terms have the exact mean, in value and gradients',
    ({ exactTerms, direction }) => {
      const [exact, estimate] = pair({ exactTerms, samples: 150 });
      const [at, rng] = [tf.variable(x), createRng(11)];
      const all = (bijector: Bijector): number[] =>
        tf.tidy(() => {
          const leaves = [at, ...Object.values(bijector.parameters)];
          const { value, grads } = tf.variableGrads(
            () => tf.sum(tf.mul(bijector[`${direction}AndLogDet`](at, { context, rng })[1], [1, 0.5])),
            leaves,
          );
          return [value, ...leaves.map((leaf) => grads[leaf.name] ?? tf.scalar(0))].flatMap((part) =>
            Array.from(part.dataSync()),
          );
        });
      const expected = all(exact);
      const runs = Array.from({ length: 12 }, () => all(estimate));
      expected.forEach((value, i) => {
        const mean = runs.reduce((total, run) => total + run[i]!, 0) / runs.length;
        const variance = runs.reduce((total, run) => total + (run[i]! - mean) ** 2, 0) / (runs.length - 1);
        const error = Math.sqrt(variance / runs.length);
        expect(Math.abs(mean - value), `${i}: ${mean} +- ${error} for ${value}`).toBeLessThan(4.5 * error + 1e-5);
        expect(error).toBeLessThan(0.05);
      });
      expect(Math.abs(expected[0]!)).toBeGreaterThan(0.1);
    },
  );

  test('are exact in one dimension but for the number of terms', () => {
    const exact = Math.log1p(-(0.9 ** 2));
    const x = tf.zeros([4, 1]);
    near(steep(-1, { coefficient: 0.9, logDet: 'estimate', exactTerms: 80 }).forwardAndLogDet(x)[1], Array(4).fill(exact), 1e-5);
    // One term and N more: the sums of N + 1 terms are the only values.
    const l = 0.9 ** 2;
    const few = steep(-1, { coefficient: 0.9, logDet: 'estimate', exactTerms: 2 });
    const sums = Array.from({ length: 200 }, (_, n) =>
      Array.from({ length: n + 2 }, (_, i) => -(l ** (i + 1)) / ((i + 1) * l ** Math.max(0, i - 1))).reduce((a, b) => a + b, 0),
    );
    const rng = createRng(3);
    const seen = Array.from({ length: 200 }, () => few.forwardAndLogDet(tf.zeros([1]), { rng })[1].dataSync()[0]!);
    const counts = seen.map((value) => sums.findIndex((sum) => Math.abs(sum - value) < 1e-3));
    expect(counts).not.toContain(-1);
    for (const n of [1, 2, 5]) {
      const share = counts.filter((count) => count >= n).length / 200;
      expect(Math.abs(share - l ** n)).toBeLessThan(4 * Math.sqrt((l ** n * (1 - l ** n)) / 200));
    }
  });

  test('have the defaults of four exact terms and one sample', () => {
    const [, bare] = pair({});
    const value = (bijector: Bijector, seed = 5): number[] =>
      Array.from(bijector.forwardAndLogDet(x, { context, rng: createRng(seed) })[1].dataSync());
    expect(value(bare)).toEqual(value(pair({ exactTerms: 4, samples: 1 })[1]));
    expect(value(bare)).not.toEqual(value(bare, 6));
    expect(value(bare)).not.toEqual(value(pair({ exactTerms: 5 })[1]));
    expect(value(bare)).not.toEqual(value(pair({ samples: 2 })[1]));
  });

  test('leave no tensors, have any batch axes, and keep x and y exact', () => {
    const [, estimate] = pair({ samples: 3 });
    const before = tf.memory().numTensors;
    for (const shape of [[3], [1, 2, 3], [2, 1, 2, 3]]) {
      const at = tf.ones(shape);
      const [y, logDet] = estimate.forwardAndLogDet(at, { context: context.slice([0], [1]).reshape([1]) });
      const [back, other] = estimate.inverseAndLogDet(y, { context: context.slice([0], [1]).reshape([1]) });
      expect(logDet.shape).toEqual(shape.slice(0, -1));
      expect(other.shape).toEqual(logDet.shape);
      near(back, at.dataSync(), 1e-5);
      tf.dispose([at, y, logDet, back, other]);
    }
    expect(tf.memory().numTensors).toBe(before + 12);
  });

  test('come from dimension 17 on, unless the option says otherwise', () => {
    const differs = (dim: number, logDet?: 'auto' | 'exact' | 'estimate'): boolean => {
      const bijector = made({ dim, hidden: [3], ...(logDet === undefined ? {} : { logDet }) });
      const at = tf.ones([dim]);
      return new Set(Array.from({ length: 8 }, () => bijector.forwardAndLogDet(at)[1].dataSync()[0])).size > 1;
    };
    expect([differs(16), differs(17), differs(17, 'auto'), differs(17, 'exact'), differs(2, 'estimate')]).toEqual([
      false,
      true,
      true,
      false,
      true,
    ]);
  });
});

test('the density of a flow in two dimensions integrates to 1', () => {
  const bijector = made({ dim: 2, hidden: [8], coefficient: 0.8 }, 3);
  const density = flow({ base: standardNormal({ eventShape: [2] }), bijector });
  const [from, step, count] = [-8, 0.2, 80];
  const axis = tf.add(tf.mul(tf.range(0, count), step), from + step / 2);
  const grid = tf.stack(tf.meshgrid(axis, axis), -1);
  const total = tf.mul(tf.sum(tf.exp(density.logProb(grid))), step ** 2).dataSync()[0]!;
  expect(Math.abs(total - 1)).toBeLessThan(1e-3);
});

test.each<[string, unknown, RegExp]>([
  [
    'no options',
    undefined,
    /residualFlow: options should be an object with dim, contextDim, hidden, activation, coefficient, logDet, exactTerms, samples, rng,/,
  ],
  ['no dim', {}, /residualFlow: options\.dim should be a positive integer, but got nothing/],
  ['a misspelt option', { dim: 2, layers: 2 }, /residualFlow: unknown option 'layers'/],
  [
    'a context of half a number',
    { dim: 2, contextDim: 0.5 },
    /residualFlow: options\.contextDim should be an integer of at least 0/,
  ],
  ['no hidden layer', { dim: 2, hidden: [] }, /residualFlow: options\.hidden should be a list of at least 1 sizes, but got \[\]/],
  [
    'a corner',
    { dim: 2, activation: 'relu' },
    /residualFlow: options\.activation should be 'tanh' or 'softplus' or 'lipSwish', but got 'relu'/,
  ],
  [
    'no coefficient',
    { dim: 2, coefficient: 0 },
    /residualFlow: options\.coefficient should be a finite number above 0 and at most 0\.99, but got 0/,
  ],
  ['a coefficient of 1', { dim: 2, coefficient: 1 }, /residualFlow: options\.coefficient should be .* at most 0\.99, but got 1/],
  [
    'an unknown log-det',
    { dim: 2, logDet: true },
    /residualFlow: options\.logDet should be 'auto' or 'exact' or 'estimate', but got true/,
  ],
  ['no exact term', { dim: 2, exactTerms: 0 }, /residualFlow: options\.exactTerms should be a positive integer, but got 0/],
  ['no sample', { dim: 2, samples: 0 }, /residualFlow: options\.samples should be a positive integer, but got 0/],
])('%s is an error', (_, options, message) => {
  expect(() => residualFlow(options as ResidualFlowOptions)).toThrow(message);
});

test('calls with wrong inputs are errors', () => {
  const bijector = residualFlow({ dim: 2, contextDim: 3 });
  expect(() => bijector.forward(tf.zeros([4, 3]), { context: tf.zeros([4, 3]) })).toThrow(
    /residualFlow\.forward: x should be .*\[4, 3\]/,
  );
  expect(() => bijector.inverse(tf.zeros([4, 2]))).toThrow(
    /residualFlow\.inverse: options\.context should be .*\[4, 3\].*nothing/,
  );
});

function near(actual: tf.Tensor, expected: ArrayLike<number>, tolerance = 1e-5): void {
  expect(relativeError(actual.dataSync(), expected)).toBeLessThanOrEqual(tolerance);
}
