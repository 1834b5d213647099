import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { made } from '../conditioners/made.js';
import type { Bijector } from '../core/bijector.js';
import type { AutoregressiveConditioner } from '../core/conditioner.js';
import { createRng } from '../core/rng.js';
import { loadSafetensors } from '../io/loadSafetensors.js';
import { saveSafetensors } from '../io/saveSafetensors.js';
import { checkBijector } from '../testing/checkBijector.js';
import { randomizeParameters } from '../testing/randomizeParameters.js';
import { affineTransformer } from '../transformers/affineTransformer.js';
import { logisticMixtureTransformer } from '../transformers/logisticMixtureTransformer.js';
import type { AutoregressiveOptions } from './autoregressive.js';
import { autoregressive } from './autoregressive.js';

interface Made {
  readonly order?: readonly number[] | 'reversed';
  readonly residual?: boolean;
}

const make = ({ order, residual, ...options }: Partial<AutoregressiveOptions> & Made & { dim: number }): Bijector => {
  const bijector = autoregressive({
    transformer: affineTransformer({ scale: 'tanh' }),
    parallel: 'forward',
    conditioner: (sizes) =>
      made({
        ...sizes,
        hidden: [8, 8],
        activation: 'tanh',
        order: order ?? 'natural',
        residual: residual ?? false,
        rng: createRng(1),
      }),
    ...options,
  });
  randomizeParameters(bijector, { rng: createRng(2), scale: 0.7 });
  return bijector;
};

const configurations = (['forward', 'inverse'] as const).flatMap((parallel) => [
  { parallel, dim: 1 },
  { parallel, dim: 2, order: 'reversed' as const },
  { parallel, dim: 4, order: [2, 0, 3, 1] },
  { parallel, dim: 3, residual: true },
]);

describe.each(configurations)('autoregressive %j', (configuration) => {
  const { parallel, dim } = configuration;

  test.each([0, 2])('obeys the laws of a bijector, with a context of %d', async (contextDim) => {
    const bijector = make({ ...configuration, contextDim });
    const x = createRng(3).normal([2, 2, dim]);
    await checkBijector({ bijector, x, ...(contextDim > 0 ? { context: createRng(4).normal([2, 2, contextDim]) } : {}) });
    bijector.dispose();
  });

  test('depends on what comes before in the order, and on itself', () => {
    const bijector = make(configuration);
    const order = Array.isArray(configuration.order)
      ? (configuration.order as number[])
      : Array.from({ length: dim }, (_, d) => (configuration.order === 'reversed' ? dim - 1 - d : d));
    const at = createRng(5).normal([dim]);
    for (const method of ['forward', 'inverse'] as const) {
      for (let d = 0; d < dim; d++) {
        const row = tf
          .grad((x) => tf.sum(tf.slice(bijector[method](x), [d], [1])))(at)
          .dataSync();
        expect(Array.from(row, (value) => value !== 0)).toEqual(order.map((rank) => rank <= order[d]!));
      }
    }
  });

  test('runs the conditioner once in the parallel direction; in the other, where it has no steps, D times, to the same effect', () => {
    let runs = 0;
    const whole = (withSteps: boolean): Bijector =>
      make({
        ...configuration,
        contextDim: 2,
        conditioner: (sizes) => {
          const network = made({
            ...sizes,
            hidden: [5, 5],
            activation: 'tanh',
            order: configuration.order ?? 'natural',
            residual: configuration.residual ?? false,
          });
          return {
            ...network,
            apply: (x, options) => {
              runs += 1;
              return network.apply(x, options);
            },
            stepwise: withSteps ? network.stepwise : undefined,
          };
        },
      });
    const [x, context] = [createRng(6).normal([2, 3, dim]), createRng(7).normal([3, 2])];
    const [plain, stepped] = [whole(false), whole(true)];
    const run = (
      bijector: Bijector,
      method: 'forwardAndLogDet' | 'inverseAndLogDet',
    ): { runs: number; results: ArrayLike<number>[] } => {
      runs = 0;
      const results = bijector[method](x, { context });
      return { runs, results: results.map((result) => result.dataSync()) };
    };
    const sequential = parallel === 'forward' ? 'inverseAndLogDet' : 'forwardAndLogDet';
    expect(run(plain, `${parallel}AndLogDet`).runs).toBe(1);
    expect(run(stepped, `${parallel}AndLogDet`).runs).toBe(1);
    const expected = run(plain, sequential);
    const found = run(stepped, sequential);
    expect(expected.runs).toBe(dim);
    expect(found.runs).toBe(dim === 1 ? 1 : 0);
    found.results.forEach((values, k) => {
      Array.from(values).forEach((value, i) => {
        expect(value).toBeCloseTo(expected.results[k]![i]!, 5);
      });
    });
  });
});

describe('autoregressive', () => {
  test('conditions on x where forward is parallel, on y where inverse is', () => {
    const x = createRng(3).normal([3]);
    for (const parallel of ['forward', 'inverse'] as const) {
      const bijector = make({ dim: 3, parallel });
      const network = made({ dim: 3, parameterSize: 2, hidden: [8, 8], activation: 'tanh' });
      for (const [name, value] of Object.entries(network.parameters)) value.assign(bijector.parameters[`conditioner.${name}`]!);
      const [y, logDet] = bijector.forwardAndLogDet(x);
      const theta = network.apply(parallel === 'forward' ? x : y).arraySync() as number[];
      const expected = (x.arraySync() as number[]).map(
        (value, d) => value * Math.exp(Math.tanh(theta[2 * d + 1]!)) + theta[2 * d]!,
      );
      expected.forEach((value, d) => {
        expect(y.dataSync()[d]).toBeCloseTo(value, 4);
      });
      expect(logDet.dataSync()[0]).toBeCloseTo(
        [1, 3, 5].reduce((total, i) => total + Math.tanh(theta[i]!), 0),
        4,
      );
    }
  });

  test('obeys masks from elsewhere', async () => {
    const bijector = make({ dim: 3 });
    // The units of highest degree see as little as those of the lowest.
    const mask = bijector.buffers['conditioner.hidden0.mask']!;
    mask.assign(tf.tensor2d([1, 0, 0].map((value) => new Array(8).fill(value))));
    await checkBijector({ bijector, x: createRng(3).normal([4, 3]) });
    const all = bijector.buffers['conditioner.hidden1.mask']!;
    all.assign(tf.ones([8, 8]));
    await checkBijector({ bijector, x: createRng(3).normal([4, 3]) });
  });

  test('takes an order as a list', async () => {
    const bijector = make({
      dim: 3,
      contextDim: 1,
      conditioner: (sizes) => {
        const network = made({ ...sizes, hidden: [6], activation: 'tanh', order: [1, 2, 0] });
        return { ...network, order: [1, 2, 0], stepwise: undefined };
      },
    });
    await checkBijector({ bijector, x: createRng(3).normal([4, 3]), context: createRng(4).normal([4, 1]) });
  });

  test('the sequential direction costs the multiplications of one evaluation', async () => {
    const bijector = make({ dim: 16 });
    const y = createRng(3).normal([32, 16]);
    const multiplications = async (run: () => tf.Tensor): Promise<number> => {
      const { kernels } = await tf.profile(run);
      const products = kernels.filter(({ name }) => name === 'BatchMatMul');
      return products.reduce(
        (total, { inputShapes: [a], outputShapes: [b] }) => total + a!.at(-1)! * tf.util.sizeFromShape(b!),
        0,
      );
    };
    expect(await multiplications(() => bijector.forward(y))).toBe(32 * (16 * 8 + 8 * 8 + 8 * 32));
    // Fewer, as no masked weight is multiplied.
    expect(await multiplications(() => bijector.inverse(y))).toBeLessThan(0.7 * 32 * (16 * 8 + 8 * 8 + 8 * 32));
  });

  test('works with a transformer whose inverse is root-found, and says what that costs', async () => {
    const mixture = (parallel: 'forward' | 'inverse'): Bijector =>
      make({ dim: 3, parallel, transformer: logisticMixtureTransformer({ components: 2 }) });
    expect([mixture('forward').forwardCost, mixture('forward').inverseCost]).toEqual(['parallel', 'iterative']);
    expect([mixture('inverse').forwardCost, mixture('inverse').inverseCost]).toEqual(['sequential', 'iterative']);
    await checkBijector({ bijector: mixture('inverse'), x: createRng(3).normal([4, 3]) });
    const [forward, inverse] = [make({ dim: 2 }), make({ dim: 2, parallel: 'inverse' })];
    expect([forward.forwardCost, forward.inverseCost]).toEqual(['parallel', 'sequential']);
    expect([inverse.forwardCost, inverse.inverseCost]).toEqual(['sequential', 'parallel']);
  });

  test('an inverse that overflows stays finite, and its density is nothing', () => {
    const bijector = autoregressive({
      dim: 8,
      parallel: 'forward',
      transformer: affineTransformer({ scale: 'gate' }),
      conditioner: (sizes) => made({ ...sizes, hidden: [16], rng: createRng(0) }),
    });
    randomizeParameters(bijector, { rng: createRng(1), scale: 4 });
    const y = tf.mul(createRng(2).normal([64, 8]), 30);
    const [x, logDet] = bijector.inverseAndLogDet(y);
    expect(Math.max(...tf.abs(x).dataSync())).toBeGreaterThan(1e17);
    expect([...x.dataSync(), ...logDet.dataSync()].every(Number.isFinite)).toBe(true);
    const logProb = tf.sub(logDet, tf.mul(tf.sum(tf.square(x), -1), 0.5)).dataSync();
    expect(Math.min(...logProb)).toBeLessThan(-1e30);
    expect([...logProb].every(Number.isFinite)).toBe(true);
  });

  test('a random order comes back with the weights, in the sequential direction too', async () => {
    const random = (seed: number): Bijector =>
      autoregressive({
        dim: 5,
        parallel: 'inverse',
        transformer: affineTransformer({ scale: 'tanh' }),
        conditioner: (sizes) => made({ ...sizes, hidden: [8], order: 'random', rng: createRng(seed) }),
      });
    const [trained, loaded] = [random(1), random(2)];
    randomizeParameters(trained, { rng: createRng(3) });
    const x = createRng(4).normal([3, 5]);
    const expected = [...trained.forward(x).dataSync()];
    expect([...loaded.forward(x).dataSync()]).not.toEqual(expected);
    await loadSafetensors(loaded, await saveSafetensors(trained));
    expect([...loaded.forward(x).dataSync()]).toEqual(expected);
    const back = loaded.inverse(loaded.forward(x)).dataSync();
    x.dataSync().forEach((value, i) => {
      expect(back[i]).toBeCloseTo(value, 4);
    });
  });

  test.each([
    [{ dim: 0 }, 'autoregressive: options.dim should be a positive integer'],
    [{ parallel: 'both' }, "autoregressive: options.parallel should be 'forward' or 'inverse', but got 'both'"],
    [{ contextDim: -1 }, 'autoregressive: options.contextDim'],
    [{ hidden: [3] }, "autoregressive: unknown option 'hidden'"],
    [{ conditioner: () => made({ dim: 2, parameterSize: 2, hidden: [] }) }, 'options.conditioner(...).inputDim should be 3'],
    [{ conditioner: () => made({ dim: 3, parameterSize: 1, hidden: [] }) }, 'options.conditioner(...).outputDim should be 6'],
    [
      { conditioner: () => ({ ...made({ dim: 3, parameterSize: 2, hidden: [] }), order: [0, 1, 1] }) },
      'options.conditioner(...).order should be a permutation of 0 ... 2, or an int32 tensor of shape [3], but got [0,1,1].',
    ],
  ])('refuses %j', (options, message) => {
    expect(() => make({ dim: 3, ...(options as unknown as Partial<AutoregressiveOptions>) })).toThrow(message);
  });

  test.each([undefined, [0, 1, 2, 0], tf.tensor1d([0, 1, 2]), tf.tensor1d([0, 1], 'int32')])('refuses the order %s', (order) => {
    const conditioner = (): AutoregressiveConditioner =>
      ({ ...made({ dim: 3, parameterSize: 2, hidden: [] }), order }) as AutoregressiveConditioner;
    expect(() => make({ dim: 3, conditioner })).toThrow('options.conditioner(...).order should be');
  });
});
