import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { mlp } from '../conditioners/mlp.js';
import type { CallOptions } from '../core/bijector.js';
import type { Distribution } from '../core/distribution.js';
import { createRng } from '../core/rng.js';
import { elbo } from '../objectives/elbo.js';
import type { Vae } from '../objectives/vae.js';
import { vae } from '../objectives/vae.js';
import { diagNormal } from './diagNormal.js';
import { vampPrior } from './vampPrior.js';

const numbers = (t: tf.Tensor): number[] => Array.from(t.dataSync());

const rows = [
  [0.5, -1, 2],
  [1, 0.3, -0.4],
];
/** q(z | u) = N((u0 - u1, u2), (0.5, e^(u0 / 2))). */
const posterior = (u: tf.Tensor): Distribution => {
  const column = (j: number): tf.Tensor => tf.slice(u, [0, j], [-1, 1]);
  return diagNormal({
    mean: tf.concat([tf.sub(column(0), column(1)), column(2)], 1),
    scale: tf.concat([tf.fill([u.shape[0] as number, 1], 0.5), tf.exp(tf.mul(column(0), 0.5))], 1),
  });
};
const make = (): Distribution => vampPrior({ posterior, pseudoInputs: tf.tensor2d(rows), eventShape: [2] });
const density = (x: number, m: number, s: number): number => Math.exp(-(((x - m) / s) ** 2) / 2) / (s * Math.sqrt(2 * Math.PI));
const exact = ([a, b]: number[], inputs = rows): number =>
  Math.log(
    inputs.reduce((sum, [u0, u1, u2]) => sum + density(a!, u0! - u1!, 0.5) * density(b!, u2!, Math.exp(u0! / 2)), 0) /
      inputs.length,
  );

describe('vampPrior', () => {
  it('is the mean of the posteriors of its pseudo-inputs, far out too', () => {
    const prior = make();
    const points = [
      [1.2, 1],
      [0.4, -0.3],
      [-20, 3],
      [1.5, 2.5],
      [0, 0],
      [0.7, -9],
    ];
    expect(prior.eventShape).toEqual([2]);
    expect(numbers(prior.logProb(tf.tensor2d(points)))).toSatisfy((values: number[]) =>
      values.every((value, i) => {
        const reference = i === 2 ? -0.5 * (((-20 - 0.7) / 0.5) ** 2 + ((3 + 0.4) / Math.exp(0.5)) ** 2) : exact(points[i]!);
        return Math.abs(value - reference) < (i === 2 ? 5 : 2e-5 * (1 + Math.abs(reference)));
      }),
    );
    for (const batch of [[], [1], [2, 3], [2, 1, 1, 3]]) {
      expect(prior.logProb(tf.ones([...batch, 2])).shape).toEqual(batch);
    }
    const cube = prior.logProb(
      tf.tensor3d([
        [points[0]!, points[1]!],
        [points[3]!, points[4]!],
      ]),
    );
    expect(numbers(cube)[2]).toBeCloseTo(exact(points[3]!), 5);
  });

  it('has gradients in its pseudo-inputs and in z', () => {
    const prior = make();
    const { pseudoInputs } = prior.parameters as { pseudoInputs: tf.Variable };
    const z = [0.9, 0.4];
    const { grads } = tf.variableGrads(() => prior.logProb(tf.tensor1d(z)) as tf.Scalar, [pseudoInputs]);
    numbers(grads[pseudoInputs.name] as tf.Tensor).forEach((slope, i) => {
      const at = (step: number): number =>
        exact(
          z,
          rows.map((row, k) => row.map((u, j) => (3 * k + j === i ? u + step : u))),
        );
      expect(slope).toBeCloseTo((at(1e-4) - at(-1e-4)) / 2e-4, 4);
    });
    const slopes = numbers(tf.grad((at: tf.Tensor) => prior.logProb(at))(tf.tensor1d(z)));
    expect(slopes[0]).toBeCloseTo((exact([0.9001, 0.4]) - exact([0.8999, 0.4])) / 2e-4, 4);
    expect(slopes[1]).toBeCloseTo((exact([0.9, 0.4001]) - exact([0.9, 0.3999])) / 2e-4, 4);
  });

  it('draws from every component, reparameterised within it', () => {
    const prior = make();
    const draws = 20_000;
    const z = prior.sample({ shape: [draws / 2, 2], rng: createRng(0) });
    expect(z.shape).toEqual([draws / 2, 2, 2]);
    const flat = tf.reshape(z, [-1, 2]);
    const [means, squares] = [numbers(tf.mean(flat, 0)), numbers(tf.mean(tf.square(flat), 0))];
    const wanted = [
      [(1.5 + 0.7) / 2, (2 - 0.4) / 2],
      [(1.5 ** 2 + 0.7 ** 2) / 2 + 0.25, (2 ** 2 + 0.4 ** 2 + Math.exp(0.5) + Math.E) / 2],
    ];
    [0, 1].forEach((d) => {
      expect(Math.abs(means[d]! - wanted[0]![d]!)).toBeLessThan(0.05);
      expect(Math.abs(squares[d]! - wanted[1]![d]!)).toBeLessThan(0.15);
    });
    expect(prior.sample({ rng: createRng(1) }).shape).toEqual([2]);
    expect(numbers(prior.sample({ shape: [4], rng: createRng(1) }))).toEqual(
      numbers(prior.sample({ shape: [4], rng: createRng(1) })),
    );
    const [value, logProb] = prior.sampleAndLogProb({ shape: [3], rng: createRng(2) });
    expect(numbers(logProb)).toEqual(numbers(prior.logProb(value)));
    // d mean / du = 1 for u2, all draws together, whichever component they come from.
    const { pseudoInputs } = prior.parameters as { pseudoInputs: tf.Variable };
    const second = (): tf.Scalar =>
      tf.sum(tf.slice(prior.sample({ shape: [10], rng: createRng(3) }), [0, 1], [-1, 1])) as tf.Scalar;
    const slopes = numbers(tf.variableGrads(second, [pseudoInputs]).grads[pseudoInputs.name] as tf.Tensor);
    expect(slopes[2]! + slopes[5]!).toBeCloseTo(10, 5);
    expect(Math.min(slopes[2]!, slopes[5]!)).toBeGreaterThan(0);
  });

  it('holds pseudo-inputs and posterior constant in a frozen call, and hands no context on', () => {
    const calls: (CallOptions | undefined)[] = [];
    const prior = vampPrior({
      posterior: (u, call) => {
        calls.push(call);
        return posterior(u);
      },
      pseudoInputs: tf.tensor2d(rows),
      eventShape: [2],
    });
    const { pseudoInputs } = prior.parameters as { pseudoInputs: tf.Variable };
    for (const of of [
      (frozen: boolean) => prior.logProb(tf.tensor1d([1, 2]), { frozen, context: tf.zeros([1, 3]) }),
      (frozen: boolean) => tf.sum(prior.sample({ frozen, context: tf.zeros([1, 3]) })),
    ]) {
      const slope = (frozen: boolean): number => {
        const f = (): tf.Scalar => tf.add(of(frozen), tf.mul(tf.sum(pseudoInputs), 0));
        return tf.max(tf.abs(tf.variableGrads(f, [pseudoInputs]).grads[pseudoInputs.name] as tf.Tensor)).dataSync()[0] as number;
      };
      expect(slope(false)).toBeGreaterThan(0.01);
      expect(slope(true)).toBe(0);
    }
    expect(calls.map((call) => [call?.frozen, call?.context])).toEqual([
      [false, undefined],
      [true, undefined],
      [false, undefined],
      [true, undefined],
    ]);
  });

  it('is a prior of the model whose posterior it is made of', () => {
    const rng = createRng(0);
    const data = rng.uniform([6, 4]);
    const model: Vae = vae({
      encoder: mlp({ inputDim: 4, hidden: [3], outputDim: 4, rng }),
      decoder: mlp({ inputDim: 2, hidden: [3], outputDim: 4, rng }),
      prior: vampPrior({ posterior: (u, call) => model.posterior(u, call), pseudoInputs: tf.slice(data, 0, 3), eventShape: [2] }),
    });
    expect(Object.keys(model.parameters)).toContain('prior.pseudoInputs');
    const value = (): tf.Scalar => tf.sum(elbo({ model, samples: 2 })(data, { rng: createRng(1) })) as tf.Scalar;
    const { grads } = tf.variableGrads(value, Object.values(model.parameters));
    for (const name of ['prior.pseudoInputs', 'encoder.output.kernel', 'encoder.hidden0.kernel']) {
      const variable = model.parameters[name] as tf.Variable;
      const gradient = grads[variable.name] as tf.Tensor;
      const before = tf.clone(variable);
      const step = tf.mul(gradient, 1e-2 / (tf.norm(gradient).dataSync()[0] as number));
      variable.assign(tf.add(before, step));
      const up = value().dataSync()[0] as number;
      variable.assign(tf.sub(before, step));
      const down = value().dataSync()[0] as number;
      variable.assign(before);
      expect((up - down) / 2e-2 / (tf.norm(gradient).dataSync()[0] as number)).toBeCloseTo(1, 1);
    }
    // With one pseudo-input that is the data point itself, the KL is 0.
    const point = tf.slice(data, 1, 1);
    const own = { ...model, prior: vampPrior({ posterior: (u) => model.posterior(u), pseudoInputs: point, eventShape: [2] }) };
    const { kl } = elbo({ model: own, samples: 3 }).terms(point);
    expect(numbers(kl)[0]).toBeCloseTo(0, 5);
  });

  it('leaves only its results', () => {
    const prior = make();
    const z = tf.ones([3, 2]);
    const before = tf.memory().numTensors;
    prior.logProb(z).dispose();
    prior.sample({ shape: [2] }).dispose();
    tf.dispose(prior.sampleAndLogProb({ shape: [2] }));
    expect(tf.memory().numTensors).toBe(before);
    prior.dispose();
    prior.dispose();
    expect(tf.memory().numTensors).toBe(before - 1);
  });

  it('refuses what is wrong, by name', () => {
    const pseudoInputs = tf.tensor2d(rows);
    const at =
      (options: object): (() => unknown) =>
      () =>
        vampPrior({ posterior, pseudoInputs, eventShape: [2], ...options } as never);
    expect(at({ posterior: 1 })).toThrow(
      'vampPrior: options.posterior should be a function from pseudo-inputs to a distribution, but got 1.',
    );
    const gone = tf.zeros([2, 3]);
    gone.dispose();
    for (const wrong of [rows, tf.scalar(1), tf.zeros([0, 3]), tf.zeros([2, 3], 'int32'), gone]) {
      expect(at({ pseudoInputs: wrong })).toThrow(
        'vampPrior: options.pseudoInputs should be a float32 tensor of shape [K, ...data]',
      );
    }
    expect(at({ eventShape: 2 })).toThrow('vampPrior: options.eventShape');
    expect(at({ count: 2 })).toThrow("vampPrior: unknown option 'count'");
    const narrow = vampPrior({ posterior, pseudoInputs, eventShape: [3] });
    const expected =
      'vampPrior: what options.posterior returns should be a batch of 2 distributions over events of shape [3], but got ';
    expect(() => narrow.logProb(tf.zeros([3]))).toThrow(`${expected}{"batchShape":[2],"eventShape":[2]}.`);
    const single = vampPrior({
      posterior: () => diagNormal({ mean: 0, scale: 1, eventShape: [2] }),
      pseudoInputs,
      eventShape: [2],
    });
    expect(() => single.logProb(tf.zeros([2]))).toThrow('but got {"batchShape":[],"eventShape":[2]}.');
    const { batchShape: _, ...bare } = posterior(pseudoInputs);
    const unshaped = vampPrior({ posterior: () => bare, pseudoInputs, eventShape: [2] });
    expect(() => unshaped.logProb(tf.zeros([2]))).toThrow('but got {"batchShape":[],"eventShape":[2]}.');
  });

  it('takes pseudo-inputs that are numbers', () => {
    const prior = vampPrior({
      posterior: (u) => diagNormal({ mean: tf.reshape(u, [-1, 1]), scale: 0.5 }),
      pseudoInputs: tf.tensor1d([-1, 2, 0.5]),
      eventShape: [1],
    });
    const exactly = Math.log((density(0.7, -1, 0.5) + density(0.7, 2, 0.5) + density(0.7, 0.5, 0.5)) / 3);
    expect(numbers(prior.logProb(tf.tensor1d([0.7])))[0]).toBeCloseTo(exactly, 5);
    expect(prior.sample({ shape: [4] }).shape).toEqual([4, 1]);
  });
});
