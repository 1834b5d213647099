// Kernels that are no transformers', against the same composed of TensorFlow.js's ops on the CPU backend.
import * as tf from '@tensorflow/tfjs';
import type { Rng, RngState } from 'tfjs-flows';
import {
  aggregatedPosteriorLogProb,
  bernoulli,
  chain,
  createRng,
  diagNormal,
  planar,
  standardNormal,
  sylvester,
} from 'tfjs-flows';
import { adam } from 'tfjs-flows/training';
import { describe, expect, test } from 'vitest';
import { addAll, SUM } from '../../src/core/addAll.js';
import { NORMALS, UNIFORMS } from '../../src/core/rng.js';
import { RESHAPE, withShape } from '../../src/core/withShape.js';
import { ADAM } from '../../src/kernels/adam/adam.js';
import { NORM, norm } from '../../src/kernels/adam/norm.js';
import type { DenseActivation, DenseLayer } from '../../src/kernels/dense/dense.js';
import { DENSE, dense } from '../../src/kernels/dense/dense.js';
import { LOG_DENSITY } from '../../src/kernels/logDensity/logDensity.js';
import { NORMAL_LOG_SUMS } from '../../src/kernels/normalLogSums/normalLogSums.js';
import { SYLVESTER } from '../../src/kernels/sylvester/sylvester.js';
import { JOIN, join } from '../../src/kernels/take/join.js';
import { TAKE, take } from '../../src/kernels/take/take.js';
import type { Formula, Values } from '../setup/agreement.js';
import { ALL_BUT_CPU, agree, composed, differentiated, EVERYWHERE, kernelsOn, spread, weighted } from '../setup/agreement.js';
import { backendName } from '../setup/backend.js';

const ofKernel = kernelsOn({
  [DENSE]: EVERYWHERE,
  [RESHAPE]: ['cpu', 'wasm'],
  [SUM]: EVERYWHERE,
  [TAKE]: EVERYWHERE,
  [JOIN]: EVERYWHERE,
  [ADAM]: EVERYWHERE,
  [NORM]: EVERYWHERE,
  [NORMALS]: ALL_BUT_CPU,
  [UNIFORMS]: ALL_BUT_CPU,
  [NORMAL_LOG_SUMS]: ALL_BUT_CPU,
  [LOG_DENSITY]: EVERYWHERE,
  'FlowsPlanar centred': EVERYWHERE,
  'FlowsPlanar original': EVERYWHERE,
  [SYLVESTER]: EVERYWHERE,
});

/** 0s and 1s, some columns of 0s alone, as masks of autoregressive networks are. */
const maskOf = (inputs: number, outputs: number): Values => [
  Array.from({ length: inputs * outputs }, (_, i) => (Math.floor(i / outputs) < i % outputs ? 1 : 0)),
  [inputs, outputs],
];

const layer = (x: tf.Tensor, kernel: tf.Tensor, bias?: tf.Tensor, rest: Omit<DenseLayer, 'kernel' | 'bias'> = {}): tf.Tensor =>
  dense(x, [{ kernel, bias, ...rest }]);

ofKernel(DENSE, 'dense layers', () => {
  test('an offset that examples share, between any axes', async () => {
    const network: Formula = (x, w, c) => [
      dense(x!, [{ kernel: w!, offset: c!, activation: 'tanh' }, { kernel: w! }]),
      dense(x!, [{ kernel: w!, offset: c!, activation: (s) => tf.mul(s, tf.sigmoid(s)) }, { kernel: w! }]),
    ];
    for (const shared of [[3], [2, 1, 3], [1, 3, 3], [4, 1, 1, 3]]) {
      await agree(network, [spread(1, [4, 2, 3, 3], -1, 1), spread(2, [3, 3], -1, 1), spread(3, shared, -1, 1)]);
    }
  });

  const activations: DenseActivation[] = ['linear', 'relu', 'leakyRelu', 'elu', 'tanh', 'sigmoid', 'softplus'];
  const sizes = [
    [1, 1, 1],
    [5, 3, 2],
    [7, 9, 17],
    [33, 40, 24],
  ] as const;

  test.each(activations)('%s, with and without bias, offset and mask', async (activation) => {
    for (const [rows, inputs, outputs] of sizes) {
      const [x, w] = [spread(1, [rows, inputs], -2, 2), spread(2, [inputs, outputs], -1, 1)];
      const [b, offset] = [spread(3, [outputs], -1, 1), spread(4, [rows, outputs], -1, 1)];
      await agree((x, w) => [layer(x!, w!, undefined, { activation })], [x, w]);
      await agree((x, w, b) => [layer(x!, w!, b, { activation })], [x, w, b]);
      await agree((x, w, b, offset) => [layer(x!, w!, b, { activation, offset })], [x, w, b, offset]);
      const [data, shape] = maskOf(inputs, outputs);
      await agree(
        (x, w, b) => {
          const mask = tf.tensor(Array.from(data), [...shape]);
          return [layer(x!, w!, b, { activation, mask })];
        },
        [x, w, b],
      );
    }
  });

  // Where GPUs compute by blocks, and where they leave products to TensorFlow.js.
  test.each([
    [131, 129, 127],
    [410, 301, 273],
  ])('large ones: %d x %d x %d', async (rows, inputs, outputs) => {
    const [x, w] = [spread(1, [rows, inputs], -1, 1), spread(2, [inputs, outputs], -0.2, 0.2)];
    const [b, offset] = [spread(3, [outputs], -1, 1), spread(4, [rows, outputs], -1, 1)];
    await agree((x, w) => [layer(x!, w!)], [x, w]);
    const [data, shape] = maskOf(inputs, outputs);
    await agree(
      (x, w, b, offset) => {
        const mask = tf.tensor(Array.from(data), [...shape]);
        return [layer(x!, w!, b, { activation: 'tanh', mask, offset })];
      },
      [x, w, b, offset],
    );
  });

  describe('several at once', () => {
    const given = [
      spread(1, [6, 3], -2, 2),
      spread(2, [3, 9], -1, 1),
      spread(3, [9], -1, 1),
      spread(4, [6, 9], -1, 1),
      spread(5, [9, 5], -1, 1),
      spread(6, [5], -1, 1),
      spread(7, [5, 4], -1, 1),
      spread(8, [4], -1, 1),
    ];
    const through =
      (first: DenseActivation, second: DenseActivation, last: DenseActivation): Formula =>
      (x, w0, b0, offset, w1, b1, w2, b2) => {
        const [data, shape] = maskOf(9, 5);
        return [
          dense(x!, [
            { kernel: w0!, bias: b0!, offset: offset!, activation: first },
            { kernel: w1!, bias: b1!, mask: tf.tensor(Array.from(data), [...shape]), activation: second },
            { kernel: w2!, bias: b2!, activation: last },
          ]),
        ];
      };

    test.each([
      ['relu', 'tanh', 'linear'],
      ['linear', 'elu', 'softplus'],
      ['sigmoid', 'linear', 'linear'],
    ] as const)('%s, %s, %s', async (first, second, last) => {
      await agree(through(first, second, last), given);
    });

    test('without a bias, of any leading axes, of one unit', async () => {
      const inputs = [spread(1, [2, 3, 1], -2, 2), spread(2, [1, 1], -1, 1), spread(3, [1, 2], -1, 1)];
      await agree((x, w0, w1) => [dense(x!, [{ kernel: w0!, activation: 'tanh' }, { kernel: w1! }])], inputs);
    });

    test('second derivatives', async () => {
      await agree((x, w0, b0, offset, w1, b1, w2, b2) => {
        const formula = through('tanh', 'sigmoid', 'linear');
        const value = (at: tf.Tensor): tf.Tensor => formula(at, w0!, b0!, offset!, w1!, b1!, w2!, b2!)[0]!;
        return [tf.grad((at) => tf.sum(tf.square(value(at))))(x!)];
      }, given);
    });

    test('gradients in some of the tensors alone', async () => {
      const [x, ...rest] = given.map(([data, shape]) => tf.tensor(Array.from(data), [...shape]));
      const formula = through('tanh', 'sigmoid', 'linear');
      const all = tf.grads((...at) => weighted(formula(...at)))([x!, ...rest]);
      const last = tf.grad((at) => weighted(formula(x!, ...rest.slice(0, -2), at, rest[rest.length - 1]!)))(
        rest[rest.length - 2]!,
      );
      expect(await last.array()).toEqual(await all[6]!.array());
      const first = tf.grad((at) => weighted(formula(at, ...rest)))(x!);
      expect(await first.array()).toEqual(await all[0]!.array());
      tf.dispose([x!, ...rest, all, last, first]);
    });

    test('leave their results alone, recorded or not', async () => {
      const tensors = given.map(([data, shape]) => tf.tensor(Array.from(data), [...shape]));
      const run = through('tanh', 'elu', 'softplus');
      const before = [tf.memory().numTensors, tf.engine().backend.numDataIds()];
      const y = tf.tidy(() => run(...tensors))[0]!;
      expect([tf.memory().numTensors, tf.engine().backend.numDataIds()].map((n, i) => n - before[i]!)).toEqual([1, 1]);
      const all = tf.grads((...at) => tf.tidy(() => weighted(run(...at))))(tensors);
      await all[0]!.data();
      expect([tf.memory().numTensors, tf.engine().backend.numDataIds()].map((n, i) => n - before[i]!)).toEqual([9, 9]);
      tf.dispose([y, tensors, all]);
    });
  });

  test('what was disposed of before the gradient is asked for', async () => {
    const [x, w, b] = [spread(1, [4, 3], -2, 2), spread(2, [3, 5], -1, 1), spread(3, [5], -1, 1)];
    await agree(
      (x, w, b) => {
        const doubled = tf.mul(x!, 2);
        const y = layer(doubled, w!, b!, { activation: 'tanh' });
        const cubed = tf.pow(y, tf.scalar(3));
        tf.dispose([doubled, y]);
        return [cubed];
      },
      [x, w, b],
    );
  });

  test('any leading axes, and rows of a single example', async () => {
    const inputs = [spread(1, [2, 3, 4], -2, 2), spread(2, [4, 5], -1, 1), spread(3, [5], -1, 1)];
    await agree((x, w, b) => [layer(x!, w!, b, { activation: 'tanh' })], inputs);
    await agree((x, w, b) => [layer(x!, w!, b, { activation: 'relu' })], [spread(1, [4], -2, 2), ...inputs.slice(1)]);
  });

  test('second derivatives', async () => {
    await agree(
      (x, w) => {
        const slope = tf.grad((at) => tf.sum(tf.square(layer(at, w!, undefined, { activation: 'tanh' }))));
        return [slope(x!)];
      },
      [spread(1, [3, 2], -1, 1), spread(2, [2, 4], -1, 1)],
    );
  });

  test('second derivatives where one variable is in two layers', async () => {
    const made: tf.Variable[] = [];
    await agree(
      (x) => {
        const w = tf.variable(tf.tensor2d([0.5, -0.3, 0.8, 0.2], [2, 2]));
        made.push(w);
        const once = (at: tf.Tensor): tf.Tensor => layer(at, w, undefined, { activation: 'tanh' });
        return [tf.grad((at) => tf.sum(tf.square(once(once(at)))))(x!)];
      },
      [spread(1, [3, 2], -1, 1)],
    );
    tf.dispose(made);
  });

  test('what is no number stays so', async () => {
    const y = layer(tf.tensor2d([[Number.NaN, 1]]), tf.ones([2, 3]), tf.zeros([3]), { activation: 'tanh' });
    expect(Array.from(await y.data()).every(Number.isNaN)).toBe(true);
  });
});

ofKernel(SUM, 'sums', () => {
  test.each([2, 3, 9, 30])('of %d tensors, one of them twice', async (count) => {
    const inputs = Array.from({ length: count }, (_, i) => spread(i, [3, 5], -2, 2));
    await agree((...terms) => [addAll([...terms, terms[0]!])], inputs);
  });

  test('of scalars, and of what broadcasts', async () => {
    await agree((a, b) => [addAll([a!, b!])], [spread(1, [], -2, 2), spread(2, [], -2, 2)]);
    await agree((a, b) => [addAll([a!, b!])], [spread(1, [4, 1], -2, 2), spread(2, [3], -2, 2)]);
  });

  test('second derivatives', async () => {
    await agree(
      (a, b) => {
        const slope = tf.grad((at) => tf.sum(tf.pow(addAll([at, tf.mul(at, b!)]), tf.scalar(3))));
        return [slope(a!)];
      },
      [spread(1, [2, 3], -2, 2), spread(2, [2, 3], -2, 2)],
    );
  });

  test('what is disposed of leaves the rest of it alone', async () => {
    const [a, b] = [tf.tensor1d([1, 2, 3]), tf.tensor1d([4, 5, 6])];
    const before = tf.memory().numTensors;
    const gradients = tf.grads((x, y) => addAll([x, y, x]))([a, b]) as [tf.Tensor, tf.Tensor];
    gradients[0].dispose();
    expect(Array.from(await gradients[1].data())).toEqual([1, 1, 1]);
    expect(tf.memory().numTensors).toBe(before + 1);
    tf.dispose([a, b, gradients]);
  });
});

ofKernel(RESHAPE, 'shapes', () => {
  test('another shape, there and back, of the same memory', async () => {
    await agree((x) => [tf.square(withShape(tf.mul(x!, 2), [3, 1, 8])), withShape(x!, [24])], [spread(1, [2, 3, 4], -2, 2)]);
    const x = tf.tensor1d([1, 2, 3, 4], 'int32');
    const y = withShape(x, [2, 2]);
    x.dispose();
    expect([y.dtype, ...Array.from(await y.data())]).toEqual(['int32', 1, 2, 3, 4]);
    y.dispose();
  });

  test('second derivatives', async () => {
    const cubes = (at: tf.Tensor): tf.Scalar => tf.sum(tf.pow(withShape(at, [6]), tf.scalar(3)));
    await agree((x) => [tf.grad(cubes)(x!)], [spread(1, [2, 3], -2, 2)]);
  });
});

ofKernel(TAKE, 'columns', () => {
  test.each([
    [[2, 3, 4], 1],
    [[4, 0, 2], 1],
    [[1, 0], -1],
    [[2], 0],
  ] as const)('takes %j along axis %d', async (indices, axis) => {
    await agree((x) => [take(x!, indices, axis)], [spread(1, [3, 5, 2], -2, 2)]);
  });

  test('are joined', async () => {
    const parts = [spread(1, [4, 2], -1, 1), spread(2, [4, 3], -1, 1)];
    const places = [
      [3, 0],
      [1, 2, 4],
    ];
    await agree((a, b) => [join([a!, b!], places)], parts);
    await agree((a, b) => [tf.grad((x) => tf.sum(tf.square(join([x, b!], places))))(a!)], parts);
  });
});

ofKernel('FlowsPlanar centred', 'planar flows', () => {
  test('a chain whose parts are of other sizes than x says so', () => {
    for (const [dim, sizes] of [
      [3, [2, 2]],
      [2, [2, 3]],
    ] as const) {
      const parts = chain(sizes.map((size) => planar({ dim: size })));
      expect(() => parts.forwardAndLogDet(tf.ones([4, dim]))).toThrow(
        /planar.forwardAndLogDet: x should be a float32 tensor of shape/,
      );
      parts.dispose();
    }
  });

  test.each(['centred', 'original'] as const)('one and several, %s', async (constraint) => {
    for (const [shape, layers] of [
      [[1], 1],
      [[3], 2],
      [[1, 2], 3],
      [[5, 3], 4],
      [[2, 3, 7], 2],
      [[64, 2], 1],
    ] as const) {
      const dim = shape.at(-1) as number;
      const own = Array.from({ length: layers }, (_, l) => [
        spread(10 + l, [dim], -1.5, 1.5),
        spread(20 + l, [dim], -1.5, 1.5),
        spread(30 + l, [], -1, 1),
      ]).flat();
      await agree(
        (x, ...rest) => {
          const parts = Array.from({ length: layers }, (_, l) => {
            const [w, u, b] = rest.slice(3 * l, 3 * l + 3) as [tf.Tensor, tf.Tensor, tf.Tensor];
            return planar({ dim, constraint, given: { w, u, b } });
          });
          return chain(parts).forwardAndLogDet(x!);
        },
        [spread(1, shape, -6, 6), ...own],
      );
    }
  });

  test('tails', async () => {
    const x: Values = [
      [-30, 30, 30, 30, -900, 0, 0, 900, 12, -9, 1e-4, -1e-5],
      [6, 2],
    ];
    const own = [spread(2, [2], 0.5, 1.5), spread(3, [2], -1.5, 1.5), spread(4, [], -1, 1)];
    await agree((x, w, u, b) => planar({ dim: 2, given: { w: w!, u: u!, b: b! } }).forwardAndLogDet(x!), [x, ...own]);
  });

  test('second derivatives', async () => {
    const inputs = [spread(1, [3, 2], -1, 1), spread(2, [2], -1, 1), spread(3, [2], -1, 1), spread(4, [], -1, 1)];
    await agree((x, w, u, b) => {
      const flow = planar({ dim: 2, given: { w: w!, u: u!, b: b! } });
      return [tf.grad((at) => tf.sum(flow.forwardAndLogDet(at)[1]))(x!)];
    }, inputs);
  });
});

ofKernel(SYLVESTER, 'Sylvester flows', () => {
  const flow = (dim: number, [triangles, diagonal, diagonalTilde, b]: readonly tf.Tensor[]) =>
    sylvester({
      dim,
      variant: 'triangular',
      given: { triangles: triangles!, diagonal: diagonal!, diagonalTilde: diagonalTilde!, b: b! },
    });
  const core: Formula = (x, ...rest) => flow(x!.shape.at(-1) as number, rest).forwardAndLogDet(x!);
  /** Parameters with leading axes, the diagonals wide enough for every term to matter. */
  const own = (sets: readonly number[], M: number): Values[] => [
    spread(11, [...sets, M, M], -1, 1),
    spread(12, [...sets, M], -1.5, 1.5),
    spread(13, [...sets, M], -1.5, 1.5),
    spread(14, [...sets, M], -1, 1),
  ];

  test.each([1, 3, 7, 8, 13])('of %d elements, parameters of all rows or their own', async (M) => {
    for (const [batch, sets] of [
      [[], []],
      [[1], []],
      [[5], []],
      [[5], [5]],
      [[2, 3], []],
      [[2, 3], [3]],
      [
        [2, 3],
        [2, 3],
      ],
    ]) {
      await agree(core, [spread(1, [...batch!, M], -2, 2), ...own(sets!, M)]);
    }
  });

  test('parameters that broadcast are composed', async () => {
    await agree(core, [spread(1, [3, 2], -2, 2), ...own([1], 2)]);
    await agree(core, [spread(1, [2, 3, 2], -2, 2), ...own([2, 1], 2)]);
  });

  test.each([0, 1, 2, 3])(
    'parameters of which one has no axes of its own, or has them alone, are composed: %i',
    async (which) => {
      const [each, shared] = [own([3], 2), own([], 2)];
      for (const [some, one] of [
        [each, shared],
        [shared, each],
      ] as const) {
        await agree(core, [spread(1, [3, 2], -2, 2), ...some.map((values, i) => (i === which ? (one[i] as Values) : values))]);
      }
    },
  );

  test('tails', async () => {
    const x: Values = [
      [-30, 30, 30, 30, 30, -30, -30, -30, -30, 0, 0, 0, 9, -9, 12, 1e-4, -1e-5, 3],
      [6, 3],
    ];
    for (const size of [1, 3, 6]) {
      const diagonals = [spread(12, [3], -size, size), spread(13, [3], -size, size)];
      await agree(core, [x, spread(11, [3, 3], -1, 1), ...diagonals, spread(14, [3], -1, 1)]);
    }
    // 1 + r r~ is 2e-8 at its least here, and its sum would be 0.
    const bounds: Values[] = [
      [[9, -9, 9], [3]],
      [[-9, 9, -9.5], [3]],
    ];
    await agree(core, [x, spread(11, [3, 3], -1e-3, 1e-3), ...bounds, [[0, 0, 0], [3]]]);
  });

  test.each([[[]], [[3]]])('second derivatives, leading axes of the parameters %j', async (sets) => {
    await agree((...at) => tf.grads((...again) => weighted(core(...again)))(at), [spread(1, [3, 2], -1, 1), ...own(sets, 2)]);
  });

  test('the inverse finds the input and the negative log-det', async () => {
    const inputs = [spread(1, [4, 3], -5, 5), ...own([4], 3)];
    await agree((x, ...rest) => flow(3, rest).inverseAndLogDet(x!), inputs, { value: 1e-4, gradient: 1e-3 });
  });

  test('leave their results alone, recorded or not', async () => {
    const tensors = [spread(1, [4, 3], -2, 2), ...own([4], 3)].map(([data, shape]) => tf.tensor(Array.from(data), [...shape]));
    const count = (): number[] => [tf.memory().numTensors, tf.engine().backend.numDataIds()];
    const before = count();
    const results = tf.tidy(() => core(...tensors));
    expect(count().map((n, i) => n - before[i]!)).toEqual([2, 2]);
    const all = tf.grads((...at) => tf.tidy(() => weighted(core(...at))))(tensors);
    await all[0]!.data();
    expect(count().map((n, i) => n - before[i]!)).toEqual([7, 7]);
    tf.dispose([tensors, results, all]);
  });

  test('what is no number stays so, and stays in its row', async () => {
    const parameters = own([], 3).map(([data, shape]) => tf.tensor(Array.from(data), [...shape]));
    const [y, logDet] = flow(3, parameters).forwardAndLogDet(tf.tensor2d([1, 2, Number.NaN, 1, 2, 3], [2, 3]));
    const isPoor = async (x: tf.Tensor): Promise<boolean[]> => Array.from(await x.data()).map(Number.isNaN);
    expect(await isPoor(y)).toEqual([true, true, true, false, false, false]);
    expect(await isPoor(logDet)).toEqual([true, false]);
    tf.dispose([parameters, y, logDet]);
  });
});

ofKernel(ADAM, 'adam', () => {
  /** Some steps on two parameters, one of which is shared with a copy. */
  async function train(): Promise<number[]> {
    const [v, u] = [tf.variable(tf.tensor2d([1, -2, 3, 0.5, 7, 2], [3, 2])), tf.variable(tf.scalar(2))];
    const optimizer = adam({ learningRate: 0.1, weightDecay: 0.01 });
    const copy = v.clone();
    const loss = (): tf.Scalar => tf.add(tf.sum(tf.square(tf.sub(v, u))), tf.mul(u, 0.3));
    optimizer.minimize(loss, false, [v, u]);
    const before = tf.memory().numTensors;
    for (let step = 0; step < 9; step++) {
      optimizer.minimize(loss, false, [v, u]);
    }
    expect(tf.memory().numTensors).toBe(before);
    const moments = (await optimizer.getWeights()).slice(1).map(({ tensor }) => tensor);
    const all = await Promise.all([v, u, copy, ...moments].map(async (tensor) => Array.from(await tensor.data())));
    optimizer.dispose();
    tf.dispose([v, u, copy]);
    return all.flat();
  }

  test('takes the same steps, leaves copies alone, and leaves nothing behind', async () => {
    const got = await train();
    const want = await composed(train);
    got.forEach((value, i) => {
      expect(Math.abs(value - want[i]!)).toBeLessThan(1e-4 * Math.max(1, Math.abs(want[i]!)));
    });
  });
});

ofKernel(LOG_DENSITY, 'log-densities', () => {
  const shapes = [[1], [5], [1, 1], [4, 3], [2, 3, 9], [3, 2, 2, 2]];
  const formulas: Record<string, (event: readonly number[]) => Formula> = {
    'a standard normal': (eventShape) => (x) => [standardNormal({ eventShape }).logProb(x!)],
    normals: (event) => (x, logScale) => [diagNormal({ mean: 0.3, logScale: logScale!, eventRank: event.length }).logProb(x!)],
    'Bernoulli variables': (event) => (x, logits) => [bernoulli({ logits: logits!, eventRank: event.length }).logProb(x!)],
  };

  test.each(Object.keys(formulas))('%s, with all their gradients', async (name) => {
    for (const shape of shapes) {
      for (const rank of [1, Math.min(2, shape.length)]) {
        const formula = formulas[name]!(shape.slice(-rank));
        const second: Formula = (...at) => tf.grads((...again) => weighted(formula(...again)))(at as tf.Tensor[]);
        const inputs = [spread(1, shape, 0, 1), spread(2, shape, -2, 2)].slice(0, name === 'a standard normal' ? 1 : 2);
        await agree(formula, inputs);
        await agree(second, inputs);
      }
    }
  });

  test('tails are exact', async () => {
    const logits = [-90, -30, -1e-8, 0, 1e-8, 30, 90, 1e30];
    const inputs: Values[] = [
      [logits.flatMap(() => [0, 1]), [logits.length, 2]],
      [logits.flatMap((logit) => [logit, logit]), [logits.length, 2]],
    ];
    const formula: Formula = (x, l) => [
      bernoulli({ logits: l!, eventShape: [] }).logProb(x!),
      bernoulli({ logits: l! }).logProb(x!),
    ];
    await agree(formula, inputs);
    await agree((x) => [standardNormal({ eventShape: [] }).logProb(x!)], [[[0, 1e-20, -30, 1e15], [4]]]);
  });

  test('a normal is exact as far as float32 goes', async () => {
    const formula: Formula = (x) => [standardNormal({ eventShape: [1] }).logProb(x!)];
    const at = [1e20, -2e19, 1.5e19];
    const { values, gradients } = await differentiated(formula, [[at, [3, 1]]]);
    // -Infinity, or the least number where a GPU has no infinity.
    expect(values[0]![0]).toBeLessThan(-3e38);
    expect(values[0]![1]! / -2e38).toBeCloseTo(1, 6);
    expect(values[0]![2]! / -1.125e38).toBeCloseTo(1, 6);
    gradients[0]!.forEach((gradient, i) => {
      expect(gradient / (-at[i]! * Math.cos(2 * i))).toBeCloseTo(1, 6);
    });
  });

  test('parameters that broadcast are composed', async () => {
    const x = spread(1, [3, 4], -1, 1);
    await agree((x, s) => [diagNormal({ mean: 0, logScale: s! }).logProb(x!)], [x, spread(2, [4], -1, 1)]);
  });
});

ofKernel(NORM, 'norms', () => {
  test('are those of all elements', async () => {
    const [value] = await norm([tf.tensor1d([3, -4, 12]), tf.scalar(84)]).data();
    expect(value).toBeCloseTo(85, 4);
  });

  test('are those of many tensors of any size', async () => {
    const tensors = Array.from({ length: 37 }, (_, i) => {
      const shape = [1 + ((i * 131) % 700), 1 + (i % 3)];
      return tf.tensor(Array.from(spread(i, shape, -2, 2)[0]), shape);
    });
    const want = Math.hypot(...(await Promise.all(tensors.map(async (one) => Array.from(await one.data())))).flat());
    const [value] = await norm(tensors).data();
    expect(Math.abs((value as number) / want - 1)).toBeLessThan(1e-6);
    tf.dispose(tensors);
  });
});

ofKernel(NORMALS, 'noise', () => {
  /** What the host and the backend draw from here. */
  const both = async (start: RngState, draws: (rng: Rng) => tf.Tensor[]): Promise<[got: number[], want: number[]]> => {
    const draw = async (): Promise<number[]> => {
      const rng = createRng(start);
      const tensors = draws(rng);
      const values = await Promise.all(tensors.map(async (tensor) => [...tensor.shape, ...(await tensor.data())]));
      tf.dispose(tensors);
      return [...values.flat(), ...rng.bits(3)];
    };
    const [got, want] = [await draw(), await composed(draw)];
    expect(got.length).toBe(want.length);
    return [got, want];
  };

  test.each([
    { key: [7, 9], counter: 0 },
    // Where a counter's lower word wraps around, and where it has no more bits.
    { key: [4294967295, 1], counter: 2 ** 32 - 3 },
    { key: [65536, 2 ** 31], counter: 2 ** 53 - 2 ** 13 },
    // Words 70 and 2^32 - 32 near the beginning: the longest radius, and the shortest one.
    { key: [7, 9], counter: 20401 },
    { key: [7, 9], counter: 1132926 },
  ] as RngState[])('is that of the host, and the generator moves on as far: %j', async (start) => {
    const shapes = [[], [1], [3], [5], [0], [16], [7, 11], [1000], [3, 5, 67]];
    const [got, want] = await both(start, (rng) => shapes.flatMap((shape) => [rng.normal(shape), rng.uniform(shape, -2, 5)]));
    got.forEach((value, i) => {
      // An ulp, once in ten million; a GPU's square roots and quotients may be off by two or three.
      expect(Math.abs(value - want[i]!)).toBeLessThan(backendName === 'wasm' ? 5e-7 : 2e-6);
    });
    const [units, same] = await both(start, (rng) => shapes.map((shape) => rng.uniform(shape)));
    expect(units).toEqual(same);
  });

  test('uniform numbers are within ends that float32 does not hold', async () => {
    const rng = createRng(3);
    for (const [low, high] of [
      [0.1, 0.3],
      [-0.7, 1e-7],
      [16777215, 16777217],
    ] as const) {
      const drawn = rng.uniform([5000], low, high);
      const values = await drawn.data();
      drawn.dispose();
      expect(Math.min(...values)).toBeGreaterThanOrEqual(Math.fround(low));
      expect(Math.max(...values)).toBeLessThanOrEqual(Math.fround(high));
    }
  });

  test('no draw needs a program of its own', () => {
    const { pipelineCache, binaryCache } = tf.backend() as { pipelineCache?: object; binaryCache?: object };
    const programs = (): number => Object.keys(pipelineCache ?? binaryCache ?? {}).length;
    const draw = (size: number): void =>
      tf.dispose([createRng(size).normal([size, 3]), createRng(size).uniform([size], 0, size)]);
    draw(9);
    const before = programs();
    expect(before > 0).toBe(backendName !== 'wasm');
    for (const size of [10, 11, 12, 90]) {
      draw(size);
    }
    expect(programs()).toBe(before);
  });
});

ofKernel(NORMAL_LOG_SUMS, 'sums over pairs', () => {
  test.each([
    [1, 1, 1],
    [3, 5, 3],
    [70, 9, 2],
    [5, 257, 1],
    [6, 1100, 33],
  ] as [number, number, number][])('%d points, %d normals, %d dimensions', async (points, count, dim) => {
    const run = async (): Promise<number[]> => {
      const [mean, logScale] = [spread(1, [count, dim], -2, 2), spread(2, [count, dim], -3, 0.5)].map(([data]) =>
        tf.tensor2d(Array.from(data), [count, dim]),
      ) as [tf.Tensor2D, tf.Tensor2D];
      const z = tf.tensor2d(Array.from(spread(3, [points, dim], -2, 2)[0]), [points, dim]);
      const rows = (all: tf.Tensor2D, from: number, to: number): tf.Tensor => tf.slice(all, from, to - from);
      const options = {
        posterior: (from: number, to: number) => diagNormal({ mean: rows(mean, from, to), logScale: rows(logScale, from, to) }),
        count,
        z,
      };
      const all = await aggregatedPosteriorLogProb(options);
      // A pair that is given is not evaluated.
      const own = { index: (m: number) => m % count, logProb: Array.from({ length: points }, (_, m) => -m - 1) };
      const given = await aggregatedPosteriorLogProb({ ...options, own });
      tf.dispose([mean, logScale, z]);
      return [...all, ...given];
    };
    const [got, want] = [await run(), await composed(run)];
    expect(got.length).toBe(2 * points);
    got.forEach((value, i) => {
      expect(Math.abs(value - want[i]!)).toBeLessThan(2e-6 * Math.max(1, Math.abs(want[i]!)));
    });
  });

  test('points far from all normals', async () => {
    const [mean, scale] = [tf.tensor2d([-1, 2, 0.5], [3, 1]), tf.tensor2d([0.01, 0.02, 0.03], [3, 1])];
    const rows = (all: tf.Tensor2D, from: number, to: number): tf.Tensor => tf.slice(all, from, to - from);
    const posterior = (from: number, to: number) => diagNormal({ mean: rows(mean, from, to), scale: rows(scale, from, to) });
    const z = tf.tensor2d([30, -1e5], [2, 1]);
    const got = await aggregatedPosteriorLogProb({ posterior, count: 3, z });
    // The widest one is all there is.
    const want = [30, -1e5].map(
      (x) => -0.5 * ((x - 0.5) / 0.03) ** 2 - Math.log(0.03) - 0.5 * Math.log(2 * Math.PI) - Math.log(3),
    );
    got.forEach((value, i) => {
      expect(Math.abs(value / want[i]! - 1)).toBeLessThan(1e-6);
    });
    tf.dispose([mean, scale, z]);
  });

  test('a NaN is an error', async () => {
    const posterior = () => diagNormal({ mean: tf.tensor2d([[0], [Number.NaN]]), scale: tf.ones([2, 1]) });
    await expect(aggregatedPosteriorLogProb({ posterior, count: 2, z: tf.zeros([1, 1]) })).rejects.toThrow(/NaN/);
  });
});

if (backendName === 'wasm') {
  describe("what gradients of TensorFlow.js's ops need", () => {
    const images = (): Values[] => [spread(1, [2, 5, 6, 3], -1, 1), spread(2, [3, 2, 3, 4], -1, 1)];

    test.each([
      [1, 'same'],
      [2, 'valid'],
      [[1, 2], 'same'],
    ] as [number, 'same' | 'valid'][])('convolutions: strides %j, padding %j', async (strides, pad) => {
      await agree((x, w) => [tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, strides, pad)], images());
    });

    test.each([
      [1, 'same'],
      [2, 'valid'],
    ] as const)('depthwise convolutions: strides %j, padding %j', async (strides, pad) => {
      const inputs = [spread(1, [2, 6, 5, 2], -1, 1), spread(2, [3, 2, 2, 3], -1, 1)];
      await agree((x, w) => [tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, strides, pad)], inputs);
    });

    test.each([
      [[7], [2], [4]],
      [[3], [1], [0]],
      [
        [4, 5],
        [1, 0],
        [2, 5],
      ],
      [
        [4, 5],
        [0, 1],
        [4, 3],
      ],
      [
        [4, 5],
        [2, 4],
        [1, 1],
      ],
      [
        [3, 4, 2],
        [1, 1, 0],
        [2, 2, 2],
      ],
      [
        [3, 4, 2],
        [0, 0, 1],
        [3, 4, 1],
      ],
      [
        [2, 3, 4, 2],
        [1, 1, 2, 0],
        [1, 2, 2, 2],
      ],
      [
        [2, 2, 3, 2, 3],
        [0, 1, 0, 0, 1],
        [2, 1, 2, 1, 2],
      ],
    ])('slices of %j from %j on, of size %j', async (shape, begin, size) => {
      await agree((x) => [tf.slice(x!, begin, size)], [spread(1, shape, -1, 1)]);
    });

    test('slices of integers', async () => {
      expect(Array.from(await tf.slice(tf.tensor2d([1, 2, 3, 4], [2, 2], 'int32'), [0, 1], [2, 1]).data())).toEqual([2, 4]);
    });

    test('gathers', async () => {
      await agree((x) => [tf.gather(x!, tf.tensor1d([2, 0, 2, 1, 2], 'int32'))], [spread(1, [4, 3], -1, 1)]);
    });

    test.each([
      ['ij,jk->ik', [3, 4], [4, 5]],
      ['bqhd,bkhd->bhqk', [2, 3, 2, 4], [2, 5, 2, 4]],
      ['ij->ji', [3, 4]],
      ['ijk->j', [3, 4, 2]],
      ['i,j->ij', [3], [4]],
      ['ij,ij->', [3, 4], [3, 4]],
    ] as [string, ...number[][]][])('einsum %s', async (equation, ...shapes) => {
      const run = async (): Promise<number[]> => {
        const operands = shapes.map((shape, i) => tf.tensor(Array.from(spread(i, shape, -1, 1)[0]), [...shape]));
        const result = tf.einsum(equation, ...operands);
        const values = [...result.shape, ...(await result.data())];
        tf.dispose([operands, result]);
        return values;
      };
      const [got, want] = [await run(), await composed(run)];
      expect(got.length).toBe(want.length);
      got.forEach((value, i) => {
        expect(Math.abs(value - want[i]!)).toBeLessThan(1e-5);
      });
    });
  });
}
