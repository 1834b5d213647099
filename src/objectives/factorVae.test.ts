import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { mlp } from '../conditioners/mlp.js';
import type { Conditioner } from '../core/conditioner.js';
import { defineModule } from '../core/module.js';
import { createRng } from '../core/rng.js';
import { diagNormal } from '../distributions/diagNormal.js';
import { standardNormal } from '../distributions/standardNormal.js';
import { randomizeParameters } from '../testing/randomizeParameters.js';
import { adam } from '../training/adam.js';
import { fit } from '../training/fit.js';
import { linearSchedule } from '../training/schedules.js';
import { elbo } from './elbo.js';
import type { FactorVaeOptions } from './factorVae.js';
import { factorVae } from './factorVae.js';
import type { LatentVariableModel } from './latentVariableModel.js';
import { vae } from './vae.js';

const numbers = (t: tf.Tensor): number[] => Array.from(t.dataSync());

/** The code is the data, all but exactly. */
const transparent: LatentVariableModel = {
  prior: standardNormal({ eventShape: [2] }),
  posterior: (x) => diagNormal({ mean: x, scale: 1e-3 }),
  likelihood: (z) => diagNormal({ mean: z, scale: 0.5 }),
};

/** A network that is a function. */
const given = (of: (z: tf.Tensor) => tf.Tensor, sizes: Partial<Conditioner> = {}): Conditioner => ({
  ...defineModule({}),
  inputDim: 2,
  outputDim: 1,
  contextDim: 0,
  apply: (z) => of(z),
  ...sizes,
});
const RHO = 0.8;
const INFORMATION = -0.5 * Math.log(1 - RHO ** 2);
const element = (z: tf.Tensor, d: number): tf.Tensor =>
  tf.slice(z, [...z.shape.slice(1).map(() => 0), d], [...z.shape.slice(0, -1), 1]);
/** log q(z) - log q(z_1) q(z_2) of a normal with unit variances and correlation rho. */
const logRatio = (z: tf.Tensor): tf.Tensor => {
  const [a, b] = [element(z, 0), element(z, 1)];
  const quadratic = tf.sub(tf.mul(tf.add(tf.square(a), tf.square(b)), RHO ** 2), tf.mul(tf.mul(a, b), 2 * RHO));
  return tf.add(tf.div(quadratic, -2 * (1 - RHO ** 2)), INFORMATION);
};
const correlated = (seed: number, rows: number): tf.Tensor => {
  const noise = createRng(seed).normal([rows, 2]);
  const [a, b] = [element(noise, 0), element(noise, 1)];
  return tf.concat([a, tf.add(tf.mul(a, RHO), tf.mul(b, Math.sqrt(1 - RHO ** 2)))], 1);
};

const trainable = (seed = 1) => {
  const rng = createRng(seed);
  const model = vae({
    encoder: mlp({ inputDim: 4, hidden: [5], outputDim: 4, rng }),
    decoder: mlp({ inputDim: 2, hidden: [5], outputDim: 4, rng }),
  });
  const discriminator = mlp({ inputDim: 2, hidden: [6], outputDim: 1, activation: 'tanh', rng });
  randomizeParameters(defineModule({ parts: { model, discriminator } }), { rng, scale: 0.5 });
  const x = rng.uniform([6, 4]);
  return { model, discriminator, x };
};

describe('factorVae', () => {
  it('is the ELBO less gamma times what the discriminator says at the draws', () => {
    const { model, x } = trainable();
    const discriminator = given((z) => tf.add(tf.mul(element(z, 0), element(z, 1)), 0.3));
    const objective = factorVae({ model, samples: 3, kl: 'monteCarlo', discriminator, gamma: 6 });
    const { value, reconstruction, kl, totalCorrelation } = objective.terms(x, { rng: createRng(2) });
    const plain = elbo({ model, samples: 3, kl: 'monteCarlo' }).terms(x, { rng: createRng(2) });
    expect(numbers(reconstruction)).toEqual(numbers(plain.reconstruction));
    expect(numbers(kl)).toEqual(numbers(plain.kl));
    const z = model
      .posterior(x)
      .sample({ shape: [3], rng: createRng(2) })
      .arraySync() as number[][][];
    for (let i = 0; i < 6; i++) {
      const expected = z.reduce((sum, draw) => sum + draw[i]![0]! * draw[i]![1]! + 0.3, 0) / 3;
      expect(numbers(totalCorrelation)[i]).toBeCloseTo(expected, 5);
      expect(numbers(value)[i]).toBeCloseTo(numbers(plain.value)[i]! - 6 * expected, 4);
    }
    expect(numbers(objective(x, { rng: createRng(2) }))).toEqual(numbers(value));
    expect([value.shape, totalCorrelation.shape]).toEqual([[6], [6]]);
    // By formula unless told otherwise, with the same draws.
    const analytic = factorVae({ model, discriminator, gamma: 6 }).terms(x, { rng: createRng(2) });
    expect(numbers(analytic.kl)).toEqual(numbers(elbo({ model }).terms(x, { rng: createRng(2) }).kl));
  });

  it('has the total correlation of a normal where the discriminator is the true ratio, which no other beats', () => {
    const x = correlated(3, 10_000);
    const at = (discriminator: Conditioner) => factorVae({ model: transparent, discriminator, gamma: 1 });
    const exact = at(given(logRatio));
    expect(numbers(tf.mean(exact.terms(x, { rng: createRng(1) }).totalCorrelation))[0]).toBeCloseTo(INFORMATION, 1);
    const loss = (of: (z: tf.Tensor) => tf.Tensor): number =>
      numbers(tf.mean(at(given(of)).discriminatorLoss(x, { rng: createRng(1) })))[0]!;
    const best = loss(logRatio);
    expect(best).toBeLessThan(Math.LN2 - 0.1);
    for (const other of [
      (z: tf.Tensor) => tf.mul(logRatio(z), 0.85),
      (z: tf.Tensor) => tf.mul(logRatio(z), 1.15),
      (z: tf.Tensor) => tf.add(logRatio(z), 0.15),
      (z: tf.Tensor) => tf.sub(logRatio(z), 0.15),
      (z: tf.Tensor) => tf.add(logRatio(z), tf.mul(element(z, 0), 0.15)),
    ]) {
      expect(loss(other)).toBeGreaterThan(best + 3e-4);
    }
    expect(loss((z) => tf.zerosLike(element(z, 0)))).toBeCloseTo(Math.LN2, 5);
  });

  it('learns the true ratio', async () => {
    const rng = createRng(0);
    // Products of the elements as features make an affine network enough.
    const head = mlp({ inputDim: 5, hidden: [], outputDim: 1, rng });
    const features = (z: tf.Tensor): tf.Tensor => {
      const [a, b] = [element(z, 0), element(z, 1)];
      return tf.concat([a, b, tf.square(a), tf.mul(a, b), tf.square(b)], -1);
    };
    const discriminator: Conditioner = { ...head, inputDim: 2, apply: (z, call) => head.apply(features(z), call) };
    const objective = factorVae({ model: transparent, discriminator, gamma: 1 });
    await fit({
      model: head,
      data: correlated(4, 1600),
      batchSize: 400,
      steps: 120,
      optimizer: adam({ learningRate: 0.1 }),
      rng,
      loss: (x, call) => objective.discriminatorLoss(x, call),
    });
    const kernel = numbers(head.parameters['output.kernel'] as tf.Tensor);
    const factor = 1 - RHO ** 2;
    [0, 0, -(RHO ** 2) / 2 / factor, RHO / factor, -(RHO ** 2) / 2 / factor].forEach((expected, k) => {
      expect(Math.abs(kernel[k]! - expected)).toBeLessThan(0.2);
    });
    expect(Math.abs(numbers(head.parameters['output.bias'] as tf.Tensor)[0]! - INFORMATION)).toBeLessThan(0.2);
    head.dispose();
  });

  it('takes the loss from the codes and their shuffled elements', () => {
    const { model, x } = trainable();
    const seen: tf.Tensor[] = [];
    const spy = given((z) => {
      seen.push(tf.keep(tf.clone(z)));
      return tf.sub(tf.mul(element(z, 0), 2), tf.square(element(z, 1)));
    });
    const found = numbers(factorVae({ model, discriminator: spy, gamma: 1 }).discriminatorLoss(x, { rng: createRng(5) }));
    const [codes, shuffled] = seen.map((t) => t.arraySync() as number[][]) as [number[][], number[][]];
    const drawn = model
      .posterior(x)
      .sample({ rng: createRng(5) })
      .arraySync() as number[][];
    expect(codes).toEqual(drawn);
    expect(shuffled).not.toEqual(codes);
    [0, 1].forEach((d) => {
      const sorted = (rows: number[][]): number[] => rows.map((row) => row[d]!).sort((a, b) => a - b);
      expect(sorted(shuffled)).toEqual(sorted(codes));
    });
    const ratio = ([a, b]: number[]): number => 2 * a! - b! ** 2;
    codes.forEach((row, i) => {
      const expected = 0.5 * (Math.log1p(Math.exp(-ratio(row))) + Math.log1p(Math.exp(ratio(shuffled[i]!))));
      expect(found[i]).toBeCloseTo(expected, 5);
    });
    tf.dispose(seen);
  });

  it('is a constant to the discriminator, as the model is to the loss of that', () => {
    const { model, discriminator, x } = trainable();
    const objective = factorVae({ model, discriminator, gamma: 6 });
    const rng = () => createRng(3);
    const both = [...Object.values(model.parameters), ...Object.values(discriminator.parameters)];
    const slopes = (of: () => tf.Tensor): Record<string, number> => {
      const { grads } = tf.variableGrads(() => tf.sum(of()) as tf.Scalar);
      return Object.fromEntries(Object.entries(grads).map(([name, slope]) => [name, numbers(tf.norm(slope))[0]!]));
    };
    const ofModel = slopes(() => objective(x, { rng: rng() }));
    const ofDiscriminator = slopes(() => objective.discriminatorLoss(x, { rng: rng() }));
    for (const { name } of both) {
      const isModel = Object.values(model.parameters).some((variable) => variable.name === name);
      expect(ofModel[name] ?? 0)[isModel ? 'toBeGreaterThan' : 'toBe'](isModel ? 1e-6 : 0);
      expect(ofDiscriminator[name] ?? 0)[isModel ? 'toBe' : 'toBeGreaterThan'](isModel ? 0 : 1e-6);
    }
    // The penalty reaches the encoder through the draws.
    const without = slopes(() => factorVae({ model, discriminator, gamma: 0 })(x, { rng: rng() }));
    const name = Object.values(model.encoder.parameters)[0]!.name;
    expect(Math.abs(ofModel[name]! - without[name]!)).toBeGreaterThan(1e-3);
    expect(() => tf.variableGrads(() => tf.sum(objective(x, { frozen: true })) as tf.Scalar, both)).toThrow(/connection/);
    expect(() => tf.variableGrads(() => tf.sum(objective.discriminatorLoss(x, { frozen: true })) as tf.Scalar, both)).toThrow(
      /connection/,
    );
    model.dispose();
    discriminator.dispose();
  });

  it('differentiates as finite differences do', () => {
    const { model, discriminator, x } = trainable();
    const objective = factorVae({ model, discriminator, gamma: 6, samples: 2 });
    for (const [variable, of] of [
      [model.parameters['encoder.hidden0.kernel']!, () => objective(x, { rng: createRng(3) })],
      [discriminator.parameters['hidden0.kernel']!, () => objective.discriminatorLoss(x, { rng: createRng(3) })],
    ] as const) {
      const start = variable.clone();
      const direction = createRng(9).normal(variable.shape);
      const { grads } = tf.variableGrads(() => tf.sum(of()) as tf.Scalar, [variable]);
      const at = (step: number): number => {
        variable.assign(tf.add(start, tf.mul(direction, step)));
        return numbers(tf.sum(of()))[0]!;
      };
      const expected = (at(5e-3) - at(-5e-3)) / 1e-2;
      variable.assign(start);
      expect(numbers(tf.sum(tf.mul(grads[variable.name]!, direction)))[0]! / expected).toBeCloseTo(1, 2);
    }
  });

  it('trains both at once, or in turns', async () => {
    const snapshot = (module: { parameters: Readonly<Record<string, tf.Variable>> }): number[] =>
      Object.values(module.parameters).flatMap(numbers);
    const { model, discriminator, x } = trainable();
    const whole = defineModule({ parts: { model, discriminator } });
    const objective = factorVae({ model, discriminator, gamma: 2 });
    const before = [snapshot(model), snapshot(discriminator)];
    await fit({
      model: whole,
      data: x,
      steps: 3,
      rng: createRng(0),
      loss: (batch, call) => tf.sub(objective.discriminatorLoss(batch, call), objective(batch, call)),
    });
    expect(snapshot(model)).not.toEqual(before[0]);
    expect(snapshot(discriminator)).not.toEqual(before[1]);

    const history: number[][][] = [];
    await fit({
      model: whole,
      data: x,
      steps: 3,
      rng: createRng(0),
      allowUnused: true,
      loss: (batch, call) => (call.step % 2 === 0 ? tf.neg(objective(batch, call)) : objective.discriminatorLoss(batch, call)),
      onProgress: () => {
        history.push([snapshot(model), snapshot(discriminator)]);
      },
    });
    const [one, two, three] = history as [number[][], number[][], number[][]];
    expect(two[0]).not.toEqual(one[0]);
    expect(two[1]).toEqual(one[1]);
    expect(three[0]).toEqual(two[0]);
    expect(three[1]).not.toEqual(two[1]);
    whole.dispose();
  });

  it('takes any batch axes as one minibatch, events of any rank, and a schedule', () => {
    const shaped: LatentVariableModel = {
      prior: diagNormal({ mean: 0, scale: 1, eventShape: [2, 1] }),
      posterior: (x) => diagNormal({ mean: x, scale: 0.7, eventRank: 2 }),
      likelihood: (z) => diagNormal({ mean: z, scale: 0.5, eventRank: 2 }),
    };
    const discriminator = given(logRatio);
    const x = createRng(1).normal([3, 2, 2, 1]);
    const schedule = linearSchedule({ to: 8, steps: 4 });
    const objective = factorVae({ model: shaped, discriminator, gamma: schedule });
    const { value, reconstruction, kl, totalCorrelation } = objective.terms(x, { rng: createRng(2), step: 2 });
    expect([value.shape, totalCorrelation.shape]).toEqual([
      [3, 2],
      [3, 2],
    ]);
    const expected = tf.sub(tf.sub(reconstruction, kl), tf.mul(totalCorrelation, schedule(2)));
    expect(numbers(value)).toEqual(numbers(expected));
    expect(() => objective(x)).toThrow('factorVae: options.step of a call should be given where gamma is a function of it');
    const loss = objective.discriminatorLoss(x, { rng: createRng(2), step: 2 });
    expect(loss.shape).toEqual([3, 2]);
    const single = factorVae({ model: transparent, discriminator, gamma: 1 });
    expect(single(tf.tensor2d([[0.3, 0.7]])).shape).toEqual([1]);
    expect(() => single.discriminatorLoss(tf.tensor2d([[0.3, 0.7]]))).toThrow(
      'factorVae.discriminatorLoss: x should be a minibatch of at least 2 examples, [...batch, ...event], but got a float32 tensor of shape [1, 2].',
    );
  });

  it('leaves its result and nothing else', () => {
    const { model, discriminator, x } = trainable();
    const objective = factorVae({ model, discriminator, gamma: 2 });
    const before = tf.memory().numTensors;
    for (const make of [() => objective(x), () => objective.discriminatorLoss(x)]) {
      const value = make();
      expect(tf.memory().numTensors).toBe(before + 1);
      value.dispose();
    }
    tf.dispose(objective.terms(x));
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
    discriminator.dispose();
  });

  it.each([
    [
      { discriminator: given(logRatio, { inputDim: 3 }) },
      'options.discriminator should be a conditioner from 2 inputs to 1 output without context',
    ],
    [{ discriminator: given(logRatio, { outputDim: 2 }) }, 'options.discriminator should be'],
    [{ discriminator: given(logRatio, { contextDim: 1 }) }, 'options.discriminator should be'],
    [{ discriminator: { ...given(logRatio), apply: undefined } }, 'options.discriminator should be'],
    [{ discriminator: undefined }, 'options.discriminator should be'],
    [{ gamma: undefined }, 'options.gamma should be a finite number at least 0'],
    [{ gamma: -1 }, 'options.gamma should be'],
    [{ samples: 0 }, 'options.samples should be'],
    [{ kl: 'none' }, 'options.kl should be'],
    [{ model: 1 }, 'options.model should be'],
    [{ beta: 3 }, "unknown option 'beta'"],
  ])('refuses %#', (wrong, message) => {
    const options = { model: transparent, discriminator: given(logRatio), gamma: 1, ...wrong } as unknown as FactorVaeOptions;
    expect(() => factorVae(options)).toThrow(`factorVae: ${message}`);
    const objective = factorVae({ model: transparent, discriminator: given(logRatio), gamma: 1 });
    expect(() => objective.discriminatorLoss(correlated(0, 3), { seed: 1 } as object)).toThrow(
      "factorVae.discriminatorLoss: unknown option 'seed'",
    );
  });
});
