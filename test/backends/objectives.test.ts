// The objectives, the dequantizer and ELBO surgery give on every backend what they give on the CPU.
import * as tf from '@tensorflow/tfjs';
import type { Distribution, LatentVariableModel, Objective } from 'tfjs-flows';
import {
  affineCoupling,
  betaElbo,
  bitsPerDim,
  createRng,
  dequantizedLogProb,
  diagNormal,
  elbo,
  elboSurgery,
  flow,
  invert,
  iwae,
  logistic,
  logitPreprocess,
  mlp,
  monotoneRoot,
  planar,
  standardNormal,
  uniformDequantizer,
  vae,
  variationalDequantizer,
} from 'tfjs-flows';
import { randomizeParameters } from 'tfjs-flows/testing';
import { expect, it } from 'vitest';
import { backendName, ready } from '../setup/backend.js';

interface Found {
  readonly values: number[];
  /** Along the gradient's own direction and for every parameter: its norm. */
  readonly gradients: number[];
}

/** Values, and norms of the gradients in all parameters, on the backend that is current. */
async function evaluate(make: (model: LatentVariableModel) => Objective): Promise<Found> {
  const rng = createRng(3);
  const model = vae({
    encoder: mlp({ inputDim: 6, hidden: [5], outputDim: 7, rng }),
    decoder: mlp({ inputDim: 2, hidden: [5], outputDim: 6, rng }),
    posteriorFlow: planar({ dim: 2, contextDim: 3, rng }),
  });
  const x = createRng(4).uniform([4, 6]);
  const objective = make(model);
  const value = objective(x, { rng: createRng(5) });
  const variables = Object.values(model.parameters);
  const { value: total, grads } = tf.variableGrads(() => tf.sum(objective(x, { rng: createRng(5) })) as tf.Scalar, variables);
  const norms = variables.map((variable) => tf.tidy(() => tf.sqrt(tf.sum(tf.square(grads[variable.name] as tf.Tensor)))));
  const read = async (t: tf.Tensor): Promise<number[]> => [...(await t.data())];
  const found = { values: await read(value), gradients: (await Promise.all(norms.map(read))).flat() };
  tf.dispose([value, total, grads, norms, x]);
  model.dispose();
  return found;
}

const close = (found: number[], expected: number[]): void => {
  expect(found).toHaveLength(expected.length);
  found.forEach((value, i) => {
    const reference = expected[i] as number;
    expect(Math.abs(value - reference)).toBeLessThan(1e-4 * (1 + Math.abs(reference)));
  });
};

/** The same on the CPU and on the project's backend. */
async function onBoth<T>(run: () => Promise<T>): Promise<[cpu: T, here: T]> {
  await ready();
  const before = tf.memory().numTensors;
  const here = await run();
  expect(tf.memory().numTensors).toBe(before);
  await tf.setBackend('cpu');
  try {
    return [await run(), here];
  } finally {
    await tf.setBackend(backendName);
  }
}

it.each([
  ['elbo', (model: LatentVariableModel) => elbo({ model })],
  ['betaElbo', (model: LatentVariableModel) => betaElbo({ model, beta: 2, samples: 2 })],
  ['iwae', (model: LatentVariableModel) => iwae({ model, samples: 3 })],
] as const)('%s: values, gradients and memory', async (_, make) => {
  const [expected, found] = await onBoth(() => evaluate(make));
  close(found.values, expected.values);
  close(found.gradients, expected.gradients);
  expect(Math.min(...found.gradients)).toBeGreaterThan(0);
});

it('dequantization: noise, bound and bits', async () => {
  const run = async (): Promise<number[]> => {
    const dequantizer = uniformDequantizer({ levels: 256 });
    const x = tf.tensor2d([
      [0, 17, 255],
      [128, 3, 254],
    ]);
    const [y, logQ] = dequantizer.sampleAndLogProb(x, { rng: createRng(1) });
    const back = dequantizer.quantize(y);
    const distribution = diagNormal({ mean: 120, scale: 60, eventShape: [3] });
    const bound = dequantizedLogProb({ distribution, dequantizer, samples: 4, bound: 'importance' })(x, { rng: createRng(2) });
    const bits = bitsPerDim({ logProb: bound, dim: 3 });
    expect([...(await back.data())]).toEqual([0, 17, 255, 128, 3, 254]);
    const all = (await Promise.all([y, logQ, bits].map((t) => t.data()))).flatMap((values) => [...values]);
    tf.dispose([x, y, logQ, back, bound, bits]);
    return all;
  };
  const [expected, found] = await onBoth(run);
  close(found, expected);
});

it('dequantization: the largest noise stays below the next level', async () => {
  await ready();
  const dequantizer = uniformDequantizer({ levels: 65536 });
  const x = tf.tensor1d([0, 1, 255, 256, 32767, 65534, 65535]);
  const rng = { ...createRng(0), uniform: (shape: readonly number[]) => tf.fill([...shape], 1 - 2 ** -24) };
  const [y, logQ] = dequantizer.sampleAndLogProb(x, { rng });
  const back = dequantizer.quantize(y);
  expect([...(await back.data())]).toEqual([...(await x.data())]);
  tf.dispose([x, y, logQ, back]);
});

it('dequantization by a flow: noise, bounds and their gradients', async () => {
  const run = async (): Promise<number[]> => {
    const rng = createRng(4);
    const dequantizer = variationalDequantizer({
      levels: 256,
      flow: flow({
        base: logistic({ location: 0, scale: 1, eventShape: [2] }),
        bijector: affineCoupling({ dim: 2, contextDim: 3, hidden: [4], rng }),
      }),
      encoder: mlp({ inputDim: 2, hidden: [4], outputDim: 3, rng }),
    });
    randomizeParameters(dequantizer, { rng });
    const x = tf.tensor2d([
      [0, 255],
      [17, 128],
    ]);
    const toLine = logitPreprocess({ levels: 256 });
    const distribution = flow({ base: standardNormal({ eventShape: [2] }), bijector: invert(toLine) });
    const objective = dequantizedLogProb({ distribution, dequantizer, samples: 3, bound: 'renyi', alpha: 0.5 });
    const [y, logQ] = dequantizer.sampleAndLogProb(x, { shape: [3], rng: createRng(5) });
    const back = dequantizer.quantize(y);
    expect([...(await back.data())]).toEqual([0, 255, 17, 128, 0, 255, 17, 128, 0, 255, 17, 128]);
    const parameters = Object.values(dequantizer.parameters);
    const { value, grads } = tf.variableGrads(() => tf.sum(objective(x, { rng: createRng(5) })) as tf.Scalar, parameters);
    const results = [y, logQ, value, ...parameters.map((parameter) => grads[parameter.name] as tf.Tensor)];
    const all = (await Promise.all(results.map((t) => t.data()))).flatMap((values) => [...values]);
    tf.dispose([x, back, results]);
    dequantizer.dispose();
    return all;
  };
  const [expected, found] = await onBoth(run);
  close(found, expected);
});

it('dequantization: noise of a flow stays in its bin, however far out', async () => {
  await ready();
  const q = standardNormal({ eventShape: [] });
  const x = tf.tensor1d([0, 1, 255, 256, 32767, 65534, 65535]);
  for (const v of [-200, -20, 17, 200]) {
    const noise: Distribution = { ...q, sampleAndLogProb: () => [tf.fill([7], v), tf.fill([7], -1)] };
    const dequantizer = variationalDequantizer({ levels: 65536, flow: noise });
    const [y, logQ] = dequantizer.sampleAndLogProb(x);
    const back = dequantizer.quantize(y);
    expect([...(await back.data())]).toEqual([...(await x.data())]);
    close([...(await logQ.data())], Array(7).fill(Math.abs(v) - 1));
    tf.dispose([y, logQ, back]);
  }
  x.dispose();
});

it('dequantization: several draws of a batch of images, which have five axes', async () => {
  await ready();
  const dequantizer = uniformDequantizer({ levels: 4, eventRank: 3 });
  const x = tf.tensor4d([0, 1, 2, 3, 3, 2, 1, 0], [2, 2, 2, 1]);
  const [y, logQ] = dequantizer.sampleAndLogProb(x, { shape: [2], rng: createRng(0) });
  const back = dequantizer.quantize(y);
  expect([y.shape, logQ.shape]).toEqual([
    [2, 2, 2, 2, 1],
    [2, 2],
  ]);
  expect([...(await back.data())]).toEqual([...(await x.data()), ...(await x.data())]);
  tf.dispose([x, y, logQ, back]);
});

it('roots are found on tensors of five axes', async () => {
  await ready();
  const y = tf.tensor5d([1, 8, 27, 0.125], [1, 2, 1, 1, 2]);
  const root = monotoneRoot({
    residual: (x) => [tf.sub(tf.mul(x, tf.square(x)), y), tf.mul(tf.square(x), 3)],
    low: tf.zerosLike(y),
    high: tf.fill(y.shape, 4),
  });
  const found = await root.data();
  [1, 2, 3, 0.5].forEach((wanted, i) => {
    expect(found[i]).toBeCloseTo(wanted, 5);
  });
  tf.dispose([y, root]);
});

it('dequantization: x outside the levels is an error, or NaN where it is not looked at', async () => {
  await ready();
  const x = tf.tensor1d([3, -1, 8, 2.5]);
  await expect(uniformDequantizer({ levels: 8 }).check(x)).rejects.toThrow('integers of 0 ... 7, but element 1 is -1');
  if (backendName !== 'webgpu') {
    expect(() => uniformDequantizer({ levels: 8 }).sampleAndLogProb(x)).toThrow('integers of 0 ... 7, but element 1 is -1');
  }
  const [y, logQ] = uniformDequantizer({ levels: 8, validate: false }).sampleAndLogProb(x);
  expect([...(await y.data())].map(Number.isNaN)).toEqual([false, true, true, true]);
  tf.dispose([x, y, logQ]);
});

it.each(['gaussian', 'flow'] as const)('ELBO surgery, %s posterior', async (posterior) => {
  const run = async (): Promise<number[]> => {
    const rng = createRng(3);
    const model = vae({
      encoder: mlp({ inputDim: 6, hidden: [5], outputDim: posterior === 'flow' ? 7 : 4, rng }),
      decoder: mlp({ inputDim: 2, hidden: [5], outputDim: 6, rng }),
      ...(posterior === 'flow' ? { posteriorFlow: planar({ dim: 2, contextDim: 3, rng }) } : {}),
    });
    const data = createRng(4).uniform([7, 6]);
    const report = await elboSurgery({ model, data, samples: 2, tile: 4, rng: createRng(5) });
    model.dispose();
    data.dispose();
    return [report.elbo, report.reconstruction, report.averageKl, report.mutualInformation, report.marginalKl];
  };
  const [expected, found] = await onBoth(run);
  close(found, expected);
});

it('images count as their pixels in a row, also where draws and examples make their axes five', async () => {
  const weights = createRng(6).normal([2, 4]);
  const ofPixels = (shape: number[]): LatentVariableModel => ({
    prior: standardNormal({ eventShape: [2] }),
    posterior: (x) => diagNormal({ mean: tf.sum(tf.reshape(x, [-1, 2, 2]), 2), scale: tf.fill([x.shape[0] as number, 2], 0.5) }),
    likelihood: (z) => {
      const mean = tf.reshape(tf.matMul(tf.reshape(z, [-1, 2]), weights), [...z.shape.slice(0, -1), ...shape]);
      return diagNormal({ mean, scale: tf.fill(mean.shape, 0.7), eventRank: shape.length });
    },
  });
  const pixels = createRng(7).normal([3, 4]);
  const results = [[4], [2, 2, 1]].map(async (shape) => {
    const data = tf.reshape(pixels, [3, ...shape]);
    const model = ofPixels(shape);
    const value = (x: tf.Tensor): tf.Tensor => elbo({ model, samples: 2 })(x, { rng: createRng(8) });
    const gradient = tf.grad((x) => tf.sum(value(x)))(data);
    const { elbo: surgery } = await elboSurgery({ model, data, samples: 2, rng: createRng(8) });
    return [...(await value(data).data()), ...(await gradient.data()), surgery];
  });
  const [rows, images] = (await Promise.all(results)) as [number[], number[]];
  close(images, rows);
});
