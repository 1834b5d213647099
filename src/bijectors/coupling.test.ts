import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { mlp } from '../conditioners/mlp.js';
import type { Bijector } from '../core/bijector.js';
import { createRng } from '../core/rng.js';
import type { Transformer } from '../core/transformer.js';
import { defineTransformer } from '../core/transformer.js';
import { checkBijector } from '../testing/checkBijector.js';
import { randomizeParameters } from '../testing/randomizeParameters.js';
import { affineTransformer } from '../transformers/affineTransformer.js';
import type { CouplingMask, CouplingOptions, CouplingSizes } from './coupling.js';
import { coupling } from './coupling.js';

const make = (options: Partial<CouplingOptions> & { dim: number }): Bijector => {
  const bijector = coupling({
    transformer: affineTransformer(),
    conditioner: (sizes) => mlp({ ...sizes, hidden: [8], activation: 'tanh', rng: createRng(1) }),
    ...options,
  });
  randomizeParameters(bijector, { rng: createRng(2) });
  return bijector;
};

const masks: [CouplingMask, boolean, number, number[]][] = [
  ['half', false, 4, [2, 3]],
  ['half', true, 4, [0, 1]],
  ['half', false, 5, [3, 4]],
  ['half', true, 5, [0, 1, 2]],
  ['alternating', false, 5, [1, 3]],
  ['alternating', true, 5, [0, 2, 4]],
  [[true, false, false, true], false, 4, [0, 3]],
  [[true, false, false, true], true, 4, [1, 2]],
];

describe.each(masks)('coupling with mask %j, flip %s, D = %d', (mask, flip, dim, moved) => {
  const bijector = make({ dim, mask, flip });
  const x = createRng(3).normal([5, dim]);

  test('transforms exactly the named entries, by the transformer and the conditioner of the others', () => {
    const kept = Array.from({ length: dim }, (_, d) => d).filter((d) => !moved.includes(d));
    const p = bijector.parameters;
    const hidden = tf.tanh(
      tf.add(
        tf.matMul(tf.gather(x, kept, 1) as tf.Tensor2D, p['conditioner.hidden0.kernel'] as tf.Tensor2D),
        p['conditioner.hidden0.bias']!,
      ),
    );
    const theta = tf
      .add(tf.matMul(hidden as tf.Tensor2D, p['conditioner.output.kernel'] as tf.Tensor2D), p['conditioner.output.bias']!)
      .reshape([5, moved.length, 2])
      .arraySync() as number[][][];
    const [y, logDet] = bijector.forwardAndLogDet(x).map((t) => t.arraySync()) as [number[][], number[]];
    (x.arraySync() as number[][]).forEach((row, b) => {
      let total = 0;
      row.forEach((value, d) => {
        if (!moved.includes(d)) {
          expect(y[b]![d]).toBe(value);
          return;
        }
        const [shift, raw] = theta[b]![moved.indexOf(d)]!;
        const logScale = raw! / (1 + Math.abs(raw!) / Math.log(1000));
        total += logScale;
        expect(y[b]![d]! / (value * Math.exp(logScale) + shift!)).toBeCloseTo(1, 3);
      });
      expect(logDet[b]).toBeCloseTo(total, 4);
    });
  });

  test('obeys the laws of a bijector', async () => {
    await checkBijector({ bijector, x });
  });
});

describe('coupling', () => {
  test('takes several batch axes and a context, which broadcasts', async () => {
    const bijector = make({ dim: 3, contextDim: 2 });
    const [x, context] = [createRng(3).normal([2, 3, 3]), createRng(4).normal([2, 3, 2])];
    await checkBijector({ bijector, x, context });
    const shared = tf.slice(context, [0, 0, 0], [1, 3, 2]).reshape([3, 2]);
    const [y, logDet] = bijector.forwardAndLogDet(x, { context: shared });
    expect([y.shape, logDet.shape]).toEqual([
      [2, 3, 3],
      [2, 3],
    ]);
  });

  test('never shows the transformer what it leaves: NaN there stays there', () => {
    const nan = tf.tensor1d([Number.NaN, 1]);
    const constant = mlp({ inputDim: 1, outputDim: 2, hidden: [], zeroOutput: true });
    const bijector = coupling({
      dim: 2,
      transformer: affineTransformer(),
      conditioner: () => ({ ...constant, apply: () => tf.zeros([2]) }),
    });
    expect(Array.from(bijector.forward(nan).dataSync())).toEqual([Number.NaN, 1]);
    expect(
      Array.from(
        tf
          .grad((x) => tf.sum(tf.slice(bijector.forward(x), [1], [1])))(nan)
          .dataSync(),
      ),
    ).toEqual([0, 1]);
  });

  test('asks for the sizes that it needs, passes the call on, owns the conditioner and has the costs of the transformer', () => {
    const asked: CouplingSizes[] = [];
    const seen: unknown[] = [];
    const slow: Transformer = defineTransformer({ ...affineTransformer(), inverseCost: 'iterative' });
    const bijector = coupling({
      dim: 5,
      contextDim: 3,
      transformer: slow,
      conditioner: (sizes) => {
        asked.push(sizes);
        const network = mlp({ ...sizes, hidden: [4] });
        return {
          ...network,
          apply: (x, options) => {
            seen.push(options);
            return network.apply(x, options);
          },
        };
      },
    });
    expect(asked).toEqual([{ inputDim: 3, outputDim: 4, contextDim: 3 }]);
    expect([bijector.forwardCost, bijector.inverseCost]).toEqual(['parallel', 'iterative']);
    const call = { context: tf.zeros([3]), training: true };
    bijector.inverse(tf.zeros([5]), call);
    expect(seen).toEqual([call]);
    expect(Object.keys(bijector.parameters)[0]).toBe('conditioner.hidden0.kernel');
    bijector.dispose();
    expect(Object.values(bijector.parameters).every((value) => value.isDisposed)).toBe(true);
  });

  test.each([
    [{ dim: 1 }, 'coupling: options.dim should be an integer of at least 2, but got 1'],
    [{ mask: [true, false] }, "coupling: options.mask should be 'half', 'alternating' or 3 booleans"],
    [{ mask: [true, true, true] }, 'some of them true, some false'],
    [{ mask: [false, false, false] }, 'options.mask'],
    [{ mask: [1, 0, 1] }, 'options.mask'],
    [{ mask: [true, false, 1] }, 'options.mask'],
    [{ mask: ['half'] }, 'options.mask'],
    [{ mask: 'third' }, 'options.mask'],
    [{ conditioner: () => undefined }, 'coupling: options.conditioner(...).inputDim should be 2, but got nothing'],
    [{ flip: 1 }, 'coupling: options.flip should be true or false'],
    [{ contextDim: -1 }, 'coupling: options.contextDim'],
    [{ hidden: [3] }, "coupling: unknown option 'hidden'"],
    [
      { conditioner: () => mlp({ inputDim: 3, outputDim: 2, hidden: [] }) },
      'coupling: options.conditioner(...).inputDim should be 2, but got 3',
    ],
    [{ conditioner: () => mlp({ inputDim: 2, outputDim: 3, hidden: [] }) }, 'options.conditioner(...).outputDim should be 2'],
  ])('refuses %j', (options, message) => {
    expect(() => make({ dim: 3, ...(options as Partial<CouplingOptions>) })).toThrow(message);
  });

  test('refuses inputs of a wrong shape and a missing context', () => {
    const bijector = make({ dim: 3, contextDim: 2 });
    expect(() => bijector.forward(tf.zeros([4]))).toThrow('coupling.forward: x should be');
    expect(() => bijector.inverse(tf.zeros([3]))).toThrow('coupling.inverse: options.context should be');
  });
});
