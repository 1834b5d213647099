import * as tf from '@tensorflow/tfjs';
import type { Module, Rng } from 'tfjs-flows';
import { createRng, defineModule } from 'tfjs-flows';
import type { CheckpointStore, EpochOptions, FitOptions, Optimizer } from 'tfjs-flows/training';
import { adam, fit, warmupSchedule } from 'tfjs-flows/training';
import { expect, it } from 'vitest';
import { ready } from '../setup/backend.js';

const STEPS = 17;

/** An affine flow with a buffer that its loss changes. Few ops: shaders for a software GPU take their time. */
function affine(rng: Rng): { model: Module; loss: FitOptions<tf.Tensor>['loss'] } {
  const kernel = tf.tidy(() => tf.variable(rng.normal([2, 2]) as tf.Tensor2D, true));
  const shift = tf.tidy(() => tf.variable(rng.normal([2])));
  const mean = tf.tidy(() => tf.variable(tf.zeros([2]), false));
  return {
    model: defineModule({ parameters: { kernel, shift }, buffers: { mean } }),
    loss: (x, call) => {
      mean.assign(tf.add(tf.mul(mean, 0.9), tf.mul(tf.mean(x, 0), 0.1)));
      const noisy = tf.add(x, tf.mul(call.rng.normal(x.shape), 0.1)) as tf.Tensor2D;
      return tf.sub(tf.square(tf.add(tf.matMul(noisy, kernel), shift)), tf.mean(tf.log(tf.square(kernel))));
    },
  };
}

/** Trains from the same start; returns all values, parameters and buffer. */
async function run(optimizer: Optimizer, more: Partial<FitOptions<tf.Tensor>>): Promise<number[][]> {
  await ready();
  const rng = createRng(5);
  const { model, loss } = affine(rng);
  const data = rng.normal([23, 2]);
  await fit<tf.Tensor>({
    model,
    data,
    // 6 batches an epoch: the interruptions come within one.
    ...(more.data === undefined ? { batchSize: 4 } : {}),
    steps: STEPS,
    optimizer,
    rng,
    clipNorm: 1.5,
    schedule: warmupSchedule({ steps: 10, then: 0.05 }),
    loss,
    ...more,
  });
  const values = await Promise.all(
    [...Object.values(model.parameters), ...Object.values(model.buffers)].map(async (v) => [...(await v.data())]),
  );
  model.dispose();
  data.dispose();
  optimizer.dispose();
  return values;
}

function memoryStore(): CheckpointStore {
  let kept: Uint8Array | undefined;
  return {
    read: async () => kept,
    write: async (bytes) => {
      kept = bytes;
    },
  };
}

/** Stops after steps 4 and 11, each time going on with a new model, optimizer and generator. */
async function interrupted(makeOptimizer: () => Optimizer, more: Partial<FitOptions<tf.Tensor>> = {}): Promise<number[][]> {
  const checkpoint = { store: memoryStore(), every: 3 };
  let values: number[][] = [];
  for (const until of [4, 11, STEPS]) {
    const controller = new AbortController();
    values = await run(makeOptimizer(), {
      ...more,
      checkpoint,
      resume: true,
      signal: controller.signal,
      onProgress: ({ step }) => {
        if (step === until && step < STEPS) controller.abort();
      },
    });
  }
  return values;
}

it.each<[string, () => Optimizer]>([
  ['adam', () => adam({ learningRate: 0.05, weightDecay: 0.1 })],
  ['tf.train.adam', () => tf.train.adam(0.05)],
  ['tf.train.adamax', () => tf.train.adamax(0.05, 0.9, 0.999, 1e-7, 0.01)],
  ['tf.train.sgd', () => tf.train.sgd(0.05)],
  ['tf.train.momentum', () => tf.train.momentum(0.05, 0.9, true)],
  ['tf.train.rmsprop', () => tf.train.rmsprop(0.05, 0.9, 0.5)],
  ['tf.train.adagrad', () => tf.train.adagrad(0.05)],
  ['tf.train.adadelta', () => tf.train.adadelta(0.05)],
])('%s: a run that was interrupted ends with the same bits', async (_, makeOptimizer) => {
  const whole = await run(makeOptimizer(), {});
  expect(whole.flat().every(Number.isFinite)).toBe(true);
  expect(await interrupted(makeOptimizer)).toEqual(whole);
});

it('resumes in the middle of an epoch of drawn batches', async () => {
  function* data({ epoch, rng }: EpochOptions): Generator<tf.Tensor> {
    for (let batch = 0; batch < 5 + epoch; batch++) {
      yield rng.normal([3, 2]);
    }
  }
  const whole = await run(adam(), { data });
  expect(await interrupted(adam, { data })).toEqual(whole);
});

it('a run that was killed between checkpoints ends with the same bits', async () => {
  const whole = await run(adam(), {});
  const checkpoint = { store: memoryStore(), every: 3 };
  const onProgress = ({ step }: { step: number }): void => {
    if (step === 8) throw new Error('killed');
  };
  await expect(run(adam(), { checkpoint, onProgress })).rejects.toThrow('killed');
  expect(await run(adam(), { checkpoint, resume: true })).toEqual(whole);
});

it('stops at a NaN with the weights from before', async () => {
  await ready();
  const { model, loss } = affine(createRng(1));
  const data = createRng(2).normal([8, 2]);
  const state = [...Object.values(model.parameters), ...Object.values(model.buffers)];
  const seen: number[][] = [];
  const read = async (): Promise<number[]> => (await Promise.all(state.map((v) => v.data()))).flatMap((v) => [...v]);
  const before = tf.memory().numTensors;
  await expect(
    fit<tf.Tensor>({
      model,
      data,
      batchSize: 4,
      steps: 5,
      loss: (x, call) => tf.mul(loss(x, call), call.step === 4 ? Number.NaN : 1),
      onProgress: async () => {
        seen.push(await read());
      },
    }),
  ).rejects.toThrow(/^fit: at step 4 \(epoch 2\) the loss is NaN, the gradient of parameter 'kernel' has NaN/);
  expect(await read()).toEqual(seen[2]);
  expect(tf.memory().numTensors).toBe(before);
  model.dispose();
  data.dispose();
});
