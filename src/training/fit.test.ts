import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { planar } from '../bijectors/planar.js';
import type { Module } from '../core/module.js';
import { buffer, defineModule, parameter } from '../core/module.js';
import { createRng } from '../core/rng.js';
import { loadSafetensors } from '../io/loadSafetensors.js';
import { adam } from './adam.js';
import type { CheckpointStore } from './checkpoint.js';
import { fileStore } from './checkpoint.js';
import type { FitOptions } from './fit.js';
import { fit } from './fit.js';
import type { FitProgress } from './progress.js';

/** A line y = w x + b, whose squared error has gradients that one can write down. */
function line(w = 0, b = 0): Module {
  return defineModule({ parameters: { w: parameter(() => tf.scalar(w)), 'deep.b': parameter(() => tf.scalar(b)) } });
}

const valuesOf = (module: Module): number[] =>
  [...Object.values(module.parameters), ...Object.values(module.buffers)].flatMap((variable) => [...variable.dataSync()]);

const predict = (module: Module, x: tf.Tensor): tf.Tensor =>
  tf.add(tf.mul(module.parameters.w!, x), module.parameters['deep.b']!);

/** Rows [x, y]. */
const squaredError =
  (module: Module) =>
  (rows: tf.Tensor): tf.Tensor => {
    const [x, y] = tf.split(rows, 2, -1) as [tf.Tensor, tf.Tensor];
    return tf.square(tf.sub(predict(module, x), y));
  };

const POINTS = [0, 1, 2, 3, 4, 5, 6].map((x) => [x / 4, 2 - x / 2 + (x % 2)]);

function memoryStore(): CheckpointStore & { bytes?: Uint8Array; writes: number } {
  const store: CheckpointStore & { bytes?: Uint8Array; writes: number } = {
    writes: 0,
    read: async () => store.bytes,
    write: async (bytes) => {
      store.bytes = bytes;
      store.writes += 1;
    },
  };
  return store;
}

let tensorsBefore: number;
beforeEach(() => {
  tensorsBefore = tf.memory().numTensors;
});
// Whatever way training ends, a test that disposes what it made is back at the start.
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensorsBefore);
});

/** Runs `body` with a line and points; frees both. */
async function withLine(
  body: (base: { model: Module; data: tf.Tensor; loss: (rows: tf.Tensor) => tf.Tensor }) => Promise<void>,
): Promise<void> {
  const model = line();
  const data = tf.tensor2d(POINTS);
  try {
    await body({ model, data, loss: squaredError(model) });
  } finally {
    model.dispose();
    data.dispose();
  }
}

/** Gradient descent on the line, in float64. */
function descend(
  batches: number[][][],
  rate: (step: number) => number,
  clip = Number.POSITIVE_INFINITY,
): { at: number[]; norms: number[]; losses: number[] } {
  let [w, b] = [0, 0];
  const norms: number[] = [];
  const losses: number[] = [];
  for (const [i, batch] of batches.entries()) {
    const errors = batch.map(([x, y]) => w * x! + b - y!);
    const dw = errors.reduce((total, error, j) => total + (2 * error * batch[j]![0]!) / batch.length, 0);
    const db = errors.reduce((total, error) => total + (2 * error) / batch.length, 0);
    const norm = Math.hypot(dw, db);
    const scale = Math.min(1, clip / norm);
    losses.push(errors.reduce((total, error) => total + error ** 2 / batch.length, 0));
    norms.push(norm);
    w -= rate(i + 1) * dw * scale;
    b -= rate(i + 1) * db * scale;
  }
  return { at: [w, b], norms, losses };
}

const inOrder = (size: number, epochs: number): number[][][] =>
  Array.from({ length: epochs }, () =>
    Array.from({ length: Math.ceil(7 / size) }, (_, i) => POINTS.slice(i * size, (i + 1) * size)),
  ).flat();

const expectClose = (actual: number[], expected: number[]): void => {
  expect(actual.length).toBe(expected.length);
  for (const [i, value] of actual.entries()) {
    expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-5 * Math.max(1, Math.abs(expected[i]!)));
  }
};

describe('fit', () => {
  it('is gradient descent on the mean loss of each batch, the last one smaller', () =>
    withLine(async (base) => {
      const seen: FitProgress[] = [];
      const optimizer = tf.train.sgd(0.1);
      const result = await fit({
        ...base,
        batchSize: 3,
        epochs: 4,
        shuffle: false,
        optimizer,
        onProgress: (p) => void seen.push(p),
      });
      const expected = descend(inOrder(3, 4), () => 0.1);
      expectClose(valuesOf(base.model), expected.at);
      expectClose(
        seen.map(({ loss }) => loss),
        expected.losses,
      );
      expectClose(
        seen.map(({ gradientNorm }) => gradientNorm),
        expected.norms,
      );
      expect(seen.map(({ step, epoch, steps, learningRate }) => [step, epoch, steps, learningRate])).toEqual(
        Array.from({ length: 12 }, (_, i) => [i + 1, Math.floor(i / 3) + 1, 12, 0.1]),
      );
      expect(seen.every(({ stepsPerSecond, secondsLeft }) => stepsPerSecond > 0 && secondsLeft! >= 0)).toBe(true);
      expect(seen[11]!.secondsLeft).toBe(0);
      expect(result).toEqual({ stopped: 'finished', step: 12, loss: seen[11]!.loss });
      optimizer.dispose();
    }));

  it('clips the global norm and leaves a smaller one alone', () =>
    withLine(async (base) => {
      const optimizer = tf.train.sgd(0.1);
      await fit({ ...base, batchSize: 7, steps: 20, shuffle: false, optimizer, clipNorm: 0.8 });
      const expected = descend(inOrder(7, 20), () => 0.1, 0.8);
      expect(expected.norms[0]).toBeGreaterThan(0.8);
      expect(expected.norms[19]).toBeLessThan(0.8);
      expectClose(valuesOf(base.model), expected.at);
      optimizer.dispose();
    }));

  it('sets the rate of a schedule, in adam and in optimizers that keep it on the device', () =>
    withLine(async (base) => {
      const schedule = (step: number): number => 0.2 / step;
      const rates: number[] = [];
      const optimizer = tf.train.sgd(5);
      const onProgress = ({ learningRate }: FitProgress): void => void rates.push(learningRate!);
      await fit({ ...base, batchSize: 7, steps: 5, shuffle: false, optimizer, schedule, onProgress });
      expectClose(valuesOf(base.model), descend(inOrder(7, 5), schedule).at);
      expect(rates).toEqual([1, 2, 3, 4, 5].map(schedule));
      const ours = adam({ learningRate: 9 });
      await fit({ ...base, steps: 2, optimizer: ours, schedule: () => 0, onProgress });
      expect(rates.slice(5)).toEqual([0, 0]);
      await expect(fit({ ...base, steps: 1, schedule: () => Number.NaN })).rejects.toThrow(
        /what options.schedule returns for step 1 should be a finite number at least 0, but got NaN/,
      );
      const fixed = { applyGradients: () => undefined, dispose: () => undefined };
      await expect(fit({ ...base, steps: 1, optimizer: fixed, schedule })).rejects.toThrow(
        /needs an optimizer with setLearningRate/,
      );
      optimizer.dispose();
      ours.dispose();
    }));

  it('draws a new order every epoch, each row once, from the generator', () =>
    withLine(async ({ model, loss }) => {
      const rows = tf.tensor2d(Array.from({ length: 10 }, (_, i) => [i, 0]));
      const orders = async (seed: number): Promise<number[][]> => {
        const seen: number[] = [];
        await fit({
          model,
          data: { rows },
          batchSize: 4,
          epochs: 3,
          rng: createRng(seed),
          schedule: () => 0,
          loss: (batch) => {
            seen.push(...tf.tidy(() => tf.slice(batch.rows!, [0, 0], [-1, 1]).dataSync()));
            return loss(batch.rows!);
          },
        });
        return [seen.slice(0, 10), seen.slice(10, 20), seen.slice(20)];
      };
      const first = await orders(1);
      for (const order of first) {
        expect([...order].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      }
      expect(first[0]).not.toEqual(first[1]);
      expect(await orders(1)).toEqual(first);
      expect(await orders(2)).not.toEqual(first);
      rows.dispose();
    }));

  it('keeps rows of several tensors together, whatever their rank and dtype', () =>
    withLine(async ({ model }) => {
      const data = { x: tf.tensor1d([0, 1, 2, 3, 4]), label: tf.tensor3d([0, 0, 1, 1, 2, 2, 3, 3, 4, 4], [5, 1, 2], 'int32') };
      let batches = 0;
      await fit({
        model,
        data,
        batchSize: 2,
        epochs: 2,
        loss: ({ x, label }) => {
          const twice = tf.reshape(tf.sum(label!, [1, 2]), [-1]);
          expect(tf.max(tf.abs(tf.sub(twice, tf.mul(x!, 2)))).dataSync()[0]).toBe(0);
          batches += 1;
          return predict(model, x!);
        },
      });
      expect(batches).toBe(6);
      tf.dispose(data);
    }));

  it('fits a planar flow to a banana better than its base', async () => {
    const rng = createRng(3);
    const flow = planar({ dim: 2, rng });
    const data = tf.tidy(() => {
      const z = rng.normal([512, 2]);
      return tf.mul(tf.tanh(z), [2, 1]);
    });
    const negativeLogLikelihood = (x: tf.Tensor): tf.Tensor => {
      const [z, logDet] = flow.inverseAndLogDet(x);
      return tf.sub(tf.add(tf.mul(tf.sum(tf.square(z), -1), 0.5), Math.log(2 * Math.PI)), logDet);
    };
    const losses: number[] = [];
    const optimizer = adam({ learningRate: 0.05 });
    await fit({
      model: flow,
      data,
      batchSize: 512,
      steps: 60,
      optimizer,
      rng,
      loss: negativeLogLikelihood,
      onProgress: ({ loss }) => void losses.push(loss),
    });
    expect(losses[59]).toBeLessThan(losses[0]! - 0.1);
    tf.dispose(data);
    flow.dispose();
    optimizer.dispose();
  });

  it('leaves no tensor behind in 100 steps', () =>
    withLine(async (base) => {
      const counts: number[] = [];
      const onProgress = (): void => void counts.push(tf.memory().numTensors);
      await fit({ ...base, batchSize: 2, steps: 100, clipNorm: 0.1, schedule: () => 0.01, onProgress });
      expect(new Set(counts.slice(1)).size).toBe(1);
    }));

  it('trains the model only, each variable once, and no frozen one', async () => {
    const w = parameter(() => tf.scalar(1));
    const frozen = parameter(() => tf.scalar(1));
    const other = parameter(() => tf.scalar(1));
    frozen.trainable = false;
    const model = defineModule({ parameters: { w, again: w, frozen } });
    const optimizer = tf.train.sgd(0.5);
    const loss = (x: tf.Tensor): tf.Tensor => tf.mul(tf.add(tf.add(w, frozen), other), x);
    const data = tf.tensor1d([1]);
    await fit({ model, data, steps: 1, optimizer, loss });
    expect([w, frozen, other].map((variable) => variable.dataSync()[0])).toEqual([0.5, 1, 1]);
    tf.dispose([data, other]);
    model.dispose();
    optimizer.dispose();
  });

  it('reports every so many steps, and the last', () =>
    withLine(async (base) => {
      const steps: number[] = [];
      const onProgress = async ({ step }: FitProgress): Promise<void> => void steps.push(step);
      await fit({ ...base, steps: 7, onProgress, progressEvery: 3 });
      expect(steps).toEqual([3, 6, 7]);
      await fit({ ...base, steps: 6, onProgress, progressEvery: 3 });
      expect(steps).toEqual([3, 6, 7, 3, 6]);
    }));

  it('lets timers run', () =>
    withLine(async (base) => {
      let ticks = 0;
      const timer = setInterval(() => {
        ticks += 1;
      }, 1);
      const start = performance.now();
      await fit({
        ...base,
        steps: 6,
        loss: (rows) => {
          const until = performance.now() + 10;
          while (performance.now() < until);
          return base.loss(rows);
        },
      });
      clearInterval(timer);
      expect(performance.now() - start).toBeGreaterThan(59);
      expect(ticks).toBeGreaterThan(1);
    }));

  it('keeps the backend', () =>
    withLine(async (base) => {
      const before = tf.getBackend();
      await fit({ ...base, steps: 1 });
      expect(tf.getBackend()).toBe(before);
    }));
});

describe('fit: data in batches', () => {
  const batchesOf = (size = 3): tf.Tensor[] =>
    [0, 3, 6].slice(0, Math.ceil(7 / size)).map((start) => tf.tensor2d(POINTS.slice(start, start + size)));

  it('takes an array of batches, which stay the caller’s', () =>
    withLine(async ({ model, loss }) => {
      const batches = batchesOf();
      const optimizer = tf.train.sgd(0.1);
      const steps: (number | undefined)[] = [];
      await fit({ model, loss, data: batches, epochs: 4, optimizer, onProgress: (p) => void steps.push(p.steps) });
      expectClose(valuesOf(model), descend(inOrder(3, 4), () => 0.1).at);
      expect(batches.every((batch) => !batch.isDisposed)).toBe(true);
      expect(steps).toEqual([undefined, undefined, undefined, 12, 12, 12, 12, 12, 12, 12, 12, 12]);
      tf.dispose(batches);
      optimizer.dispose();
    }));

  it('takes functions of generators, async ones too, and frees their batches', () =>
    withLine(async ({ model, loss }) => {
      const epochs: number[] = [];
      const optimizer = tf.train.sgd(0.1);
      function* batches(): Generator<tf.Tensor> {
        yield* batchesOf();
      }
      async function* later(): AsyncGenerator<tf.Tensor> {
        for (const batch of batches()) {
          await new Promise((resolve) => setTimeout(resolve, 1));
          yield batch;
        }
      }
      const data = ({ epoch }: { epoch: number }) => {
        epochs.push(epoch);
        return epoch % 2 === 0 ? later() : batches();
      };
      await fit({ model, loss, data, epochs: 4, optimizer });
      expectClose(valuesOf(model), descend(inOrder(3, 4), () => 0.1).at);
      expect(epochs).toEqual([1, 2, 3, 4]);
      await fit({ model, loss, data: later(), epochs: 1, optimizer });
      optimizer.dispose();
    }));

  it('closes a generator that it leaves', () =>
    withLine(async ({ model, loss }) => {
      let closed = false;
      function* forever(): Generator<tf.Tensor> {
        try {
          for (;;) yield tf.tensor2d(POINTS);
        } finally {
          closed = true;
        }
      }
      expect(await fit({ model, loss, data: forever(), steps: 3 })).toMatchObject({ stopped: 'finished', step: 3 });
      expect(closed).toBe(true);
    }));

  it('says that a generator is exhausted', () =>
    withLine(async ({ model, loss }) => {
      function* once(): Generator<tf.Tensor> {
        yield* batchesOf();
      }
      await expect(fit({ model, loss, data: once(), epochs: 2 })).rejects.toThrow(
        'fit: options.data ended after 3 steps, in epoch 1, but 2 epochs are wanted. A generator can be read once: pass the function that makes it.',
      );
      await expect(fit({ model, loss, data: once(), steps: 9 })).rejects.toThrow(
        /ended after 3 steps, .* but 9 steps are wanted/,
      );
      await expect(fit({ model, loss, data: [], epochs: 2 })).rejects.toThrow('fit: options.data has no batch.');
      expect(valuesOf(model)).not.toEqual([0, 0]);
    }));

  it('keeps or frees as told, and says so where a batch is gone', () =>
    withLine(async ({ model, loss }) => {
      const batches = batchesOf();
      await fit({ model, loss, data: new Set(batches), epochs: 2, keepBatches: true });
      await expect(fit({ model, loss, data: new Set(batches), epochs: 2 })).rejects.toThrow(
        /batch 1 of epoch 2 is disposed\. .*keepBatches: true leaves them/,
      );
      await expect(fit({ model, loss, data: [tf.zeros([1]), 3] as never, epochs: 1, keepBatches: false })).rejects.toThrow();
    }));

  it('refuses wrong data', () =>
    withLine(async ({ model, loss, data }) => {
      const scalar = tf.scalar(1);
      const nothing = tf.zeros([0, 2]);
      const three = tf.zeros([3]);
      const attempt = (wrong: unknown, more: object = {}): Promise<unknown> =>
        fit({ model, loss, data: wrong as tf.Tensor, epochs: 1, ...more });
      await expect(attempt(5)).rejects.toThrow(/options.data should be a tensor, tensors by name, an iterable of batches/);
      await expect(attempt({})).rejects.toThrow(/options.data should be a tensor/);
      await expect(attempt(scalar)).rejects.toThrow(
        /options.data should be a tensor with at least one row, but got a float32 tensor/,
      );
      await expect(attempt(nothing)).rejects.toThrow(/at least one row/);
      await expect(attempt({ data, three })).rejects.toThrow(/options.data.three should be a tensor with 7 rows/);
      await expect(attempt(() => 5)).rejects.toThrow(/what options.data returns should be an iterable of batches, but got 5/);
      await expect(attempt([5])).rejects.toThrow(/batch 1 of epoch 1 should be a tensor or tensors by name, but got 5/);
      await expect(attempt([data], { batchSize: 3 })).rejects.toThrow(/options.batchSize should be left out/);
      await expect(attempt([data], { shuffle: false })).rejects.toThrow(/options.shuffle should be left out/);
      await expect(attempt(data, { batchSize: 0 })).rejects.toThrow(/options.batchSize should be a positive integer/);
      tf.dispose([scalar, nothing, three]);
    }));
});

describe('fit: what is not finite', () => {
  it('refuses tensor data with a NaN or an infinity at once, naming the row', () =>
    withLine(async ({ model, loss, data }) => {
      const bad = tf.tensor2d([...POINTS.slice(0, 5), [Number.NaN, 1]]);
      const infinite = tf.tensor1d([1, 2, 3, 4, Number.NEGATIVE_INFINITY, 5, 6]);
      await expect(fit({ model, loss, data: bad, epochs: 1 })).rejects.toThrow(
        'fit: options.data should be finite, but has NaN in row 5.',
      );
      await expect(fit({ model, loss: ({ data: rows }) => loss(rows), data: { data, infinite }, epochs: 1 })).rejects.toThrow(
        'fit: options.data.infinite should be finite, but has -Infinity in row 4.',
      );
      expect(valuesOf(model)).toEqual([0, 0]);
      tf.dispose([bad, infinite]);
    }));

  it.each<[string, (x: tf.Tensor) => tf.Tensor, RegExp, string | undefined]>([
    [
      'loss',
      (x) => tf.mul(x, Number.NaN),
      /^fit: at step 4 \(epoch 2\) the loss is NaN, the gradient of parameter 'w' has NaN\./,
      'w',
    ],
    ['infinite loss', (x) => tf.add(x, Number.POSITIVE_INFINITY), /at step 4 \(epoch 2\) the loss is Infinity\./, undefined],
    [
      'gradient',
      tf.customGrad((x) => ({ value: tf.clone(x as tf.Tensor), gradFunc: (dy) => [tf.mul(dy, Number.NaN)] })),
      /at step 4 \(epoch 2\) the gradient of parameter 'w' has NaN, the loss is \d/,
      'w',
    ],
    [
      'gradient that is too large',
      tf.customGrad((x) => ({ value: tf.clone(x as tf.Tensor), gradFunc: (dy) => [tf.mul(dy, 1e30)] })),
      /the global norm of the gradients is above the range of float32, the loss is \d/,
      undefined,
    ],
  ])('stops at a bad %s with the last good weights and buffers', async (_, spoil, message, parameterName) => {
    const count = buffer(() => tf.scalar(0));
    const model = defineModule({ parts: { '': line() }, buffers: { count } });
    const data = tf.tensor2d(POINTS);
    const good: number[][] = [];
    const run = fit({
      model,
      data,
      batchSize: 3,
      epochs: 3,
      onProgress: () => void good.push(valuesOf(model)),
      loss: (rows, { step }) => {
        count.assign(tf.add(count, 1));
        const value = squaredError(model)(rows);
        return step === 4 ? spoil(value) : value;
      },
    });
    const error = await run.then(
      () => undefined,
      (reason: Error) => reason,
    );
    expect(error?.message).toMatch(message);
    expect(error?.message).toMatch(/The model keeps its weights from before this step\.$/);
    expect(error?.cause).toMatchObject({ step: 4, epoch: 2, parameter: parameterName });
    expect(good.length).toBe(3);
    expect(valuesOf(model)).toEqual(good[2]);
    expect(good[2]![2]).toBe(3);
    model.dispose();
    data.dispose();
  });

  it('names the one parameter whose gradient is bad', () =>
    withLine(async ({ model, data }) => {
      const spoil = tf.customGrad((b) => ({ value: tf.clone(b as tf.Tensor), gradFunc: (dy) => [tf.mul(dy, Number.NaN)] }));
      const loss = (rows: tf.Tensor): tf.Tensor => tf.add(tf.mul(model.parameters.w!, rows), spoil(model.parameters['deep.b']!));
      await expect(fit({ model, data, steps: 1, loss })).rejects.toThrow(/the gradient of parameter 'deep.b' has NaN/);
      expect(valuesOf(model)).toEqual([0, 0]);
    }));

  it('says where a batch of an iterable is bad', () =>
    withLine(async ({ model, loss }) => {
      const data = () => [tf.tensor2d(POINTS), tf.tensor2d([[1, Number.NaN]])];
      await expect(fit({ model, loss, data, epochs: 1, keepBatches: false })).rejects.toThrow(
        /at step 2 \(epoch 1\) the loss is NaN, the gradient of parameter 'w' has NaN, the batch has NaN\./,
      );
    }));

  it.each<[string, number, boolean]>([
    ['in the next loss', 5, false],
    ['after the last step', 3, false],
    ['before a checkpoint', 5, true],
  ])('takes back an update that overflowed, seen %s', (_, steps, checked) =>
    withLine(async ({ model, data, loss }) => {
      const weights: number[][] = [];
      const store = memoryStore();
      const optimizer = tf.train.sgd(1);
      const run = fit({
        model,
        data,
        steps,
        optimizer,
        schedule: (step) => (step === 3 ? 3e38 : 0.1),
        loss: (rows) => {
          weights.push(valuesOf(model));
          return tf.mul(loss(rows), 10);
        },
        ...(checked ? { checkpoint: { store, every: 1 } } : {}),
      });
      await expect(run).rejects.toThrow(
        /^fit: the update of step 3 made parameter '(w|deep.b)' -?(Infinity|NaN); the learning rate may be too high\. The model keeps/,
      );
      // What step 3 started from.
      expect(valuesOf(model)).toEqual(weights[2]);
      expect(weights[2]!.every(Number.isFinite)).toBe(true);
      expect(store.writes).toBe(checked ? 2 : 0);
      optimizer.dispose();
    }),
  );

  it('says where a parameter is bad from the start', async () => {
    const model = line(Number.NaN);
    const data = tf.tensor2d(POINTS);
    await expect(fit({ model, data, steps: 2, loss: squaredError(model) })).rejects.toThrow(
      "fit: parameter 'w' has NaN before training starts.",
    );
    model.dispose();
    data.dispose();
  });
});

describe('fit: stopping', () => {
  it('resolves when aborted, with the weights of the last step', () =>
    withLine(async (base) => {
      const controller = new AbortController();
      const optimizer = tf.train.sgd(0.1);
      const onProgress = ({ step }: FitProgress): void => {
        if (step === 5) controller.abort();
      };
      const result = await fit({
        ...base,
        batchSize: 3,
        epochs: 4,
        shuffle: false,
        optimizer,
        onProgress,
        signal: controller.signal,
      });
      expect(result).toMatchObject({ stopped: 'aborted', step: 5 });
      expectClose(valuesOf(base.model), descend(inOrder(3, 4).slice(0, 5), () => 0.1).at);
      optimizer.dispose();
    }));

  it('does nothing where the signal came before', () =>
    withLine(async (base) => {
      const store = memoryStore();
      expect(await fit({ ...base, epochs: 1, signal: AbortSignal.abort(), checkpoint: { store } })).toEqual({
        stopped: 'aborted',
        step: 0,
      });
      expect(valuesOf(base.model)).toEqual([0, 0]);
      expect(store.writes).toBe(0);
    }));

  it('is finished where the abort came with the last step', () =>
    withLine(async (base) => {
      const controller = new AbortController();
      const onProgress = ({ step }: FitProgress): void => {
        if (step === 2) controller.abort();
      };
      const result = await fit({ ...base, epochs: 2, signal: controller.signal, onProgress });
      expect(result).toMatchObject({ stopped: 'finished', step: 2 });
    }));

  it('hears an abort from a timer', () =>
    withLine(async (base) => {
      const result = await fit({ ...base, steps: 1e9, signal: AbortSignal.timeout(60) });
      expect(result.stopped).toBe('aborted');
      expect(result.step).toBeGreaterThan(0);
    }));

  it('frees everything where loss, data, optimizer or progress throw', () =>
    withLine(async (base) => {
      const fails = (): never => {
        throw new Error('mine');
      };
      const middle = (rows: tf.Tensor): tf.Tensor => {
        tf.mul(base.loss(rows), tf.square(base.model.parameters.w!));
        return fails();
      };
      function* breaking(): Generator<tf.Tensor> {
        yield tf.tensor2d(POINTS);
        fails();
      }
      const cases: Partial<FitOptions<tf.Tensor>>[] = [
        { loss: middle },
        { data: breaking() },
        { data: fails },
        { optimizer: { applyGradients: fails, dispose: () => undefined } },
        { onProgress: fails },
      ];
      for (const wrong of cases) {
        const before = tf.memory().numTensors;
        await expect(fit({ ...base, epochs: 2, ...wrong })).rejects.toThrow('mine');
        expect(tf.memory().numTensors).toBe(before);
      }
    }));

  it('takes back half an update', () =>
    withLine(async (base) => {
      const optimizer = {
        applyGradients: (): void => {
          tf.tidy(() => base.model.parameters.w!.assign(tf.scalar(9)));
          throw new Error('mine');
        },
        dispose: (): void => undefined,
      };
      await expect(fit({ ...base, steps: 1, optimizer })).rejects.toThrow('mine');
      expect(valuesOf(base.model)).toEqual([0, 0]);
    }));
});

describe('fit: checkpoints', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fit-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('writes every so often and at the end, and a loader reads the weights', () =>
    withLine(async (base) => {
      const store = memoryStore();
      const steps: number[] = [];
      const watched: CheckpointStore = {
        read: store.read,
        write: async (bytes) => {
          await store.write(bytes);
          steps.push(store.writes);
        },
      };
      await fit({ ...base, steps: 7, checkpoint: { store: watched, every: 3 } });
      expect(steps).toEqual([1, 2, 3]);
      const path = join(folder, 'run.safetensors');
      await fit({ ...base, steps: 2, checkpoint: { path } });
      expect(await readdir(folder)).toEqual(['run.safetensors']);
      const copy = line(7, 7);
      await loadSafetensors(copy, path, { prefix: 'model.' });
      expect(valuesOf(copy)).toEqual(valuesOf(base.model));
      copy.dispose();
    }));

  it('starts afresh where there is no checkpoint, and ends at once where all is done', () =>
    withLine(async (base) => {
      const path = join(folder, 'run.safetensors');
      const run = (): Promise<unknown> => fit({ ...base, rng: createRng(1), steps: 3, checkpoint: { path }, resume: true });
      expect(await fileStore(path).read()).toBe(undefined);
      expect(await run()).toMatchObject({ stopped: 'finished', step: 3 });
      const weights = valuesOf(base.model);
      tf.tidy(() => base.model.parameters.w!.assign(tf.scalar(7)));
      expect(await run()).toEqual({ stopped: 'finished', step: 3 });
      expect(valuesOf(base.model)).toEqual(weights);
    }));

  it('surfaces a failing write, keeps the weights and the old checkpoint', () =>
    withLine(async (base) => {
      const path = join(folder, 'run.safetensors');
      const file = fileStore(path);
      let writes = 0;
      const store: CheckpointStore = {
        read: file.read,
        write: async (bytes) => {
          writes += 1;
          if (writes === 2) throw new Error('no space left.');
          await file.write(bytes);
        },
      };
      const seen: number[][] = [];
      const onProgress = (): void => void seen.push(valuesOf(base.model));
      await expect(fit({ ...base, steps: 9, checkpoint: { store, every: 2 }, onProgress })).rejects.toThrow(
        'fit: the checkpoint after step 4 could not be written: no space left. The model keeps its weights.',
      );
      expect(valuesOf(base.model)).toEqual(seen[3]);
      const copy = line();
      await loadSafetensors(copy, path, { prefix: 'model.' });
      expect(valuesOf(copy)).toEqual(seen[1]);
      expect(await readdir(folder)).toEqual(['run.safetensors']);
      copy.dispose();
    }));

  it('refuses a checkpoint of something else and leaves the model alone', () =>
    withLine(async (base) => {
      const store = memoryStore();
      await fit({ ...base, steps: 2, batchSize: 3, checkpoint: { store } });
      const weights = valuesOf(base.model);
      const resume = (more: object): Promise<unknown> =>
        fit({ ...base, steps: 9, batchSize: 3, checkpoint: { store }, resume: true, ...more });
      await expect(resume({ batchSize: 2 })).rejects.toThrow(
        'fit: the checkpoint was written with 7 rows in batches of 3, shuffled; now there are 7 rows in batches of 2, shuffled.',
      );
      const momentum = tf.train.momentum(0.1, 0.9);
      await expect(resume({ optimizer: momentum })).rejects.toThrow(
        /the state is of another optimizer, with firstMoment, secondMoment, not accumulations/,
      );
      momentum.dispose();
      (momentum as unknown as { c: tf.Tensor }).c.dispose();
      const other = defineModule({ parameters: { v: parameter(() => tf.scalar(1)) } });
      await expect(resume({ model: other })).rejects.toThrow(
        /the optimizer's 'firstMoment.v' should have shape \[\], but is missing/,
      );
      other.dispose();
      const whole = store.bytes!;
      store.bytes = whole.subarray(0, whole.length - 3);
      await expect(resume({})).rejects.toThrow(/truncated/);
      store.bytes = new TextEncoder().encode('\x02\0\0\0\0\0\0\0{}');
      await expect(resume({})).rejects.toThrow(/the checkpoint is none: its format is not given/);
      expect(valuesOf(base.model)).toEqual(weights);
    }));

  it('reads a file as it was written', () =>
    withLine(async (base) => {
      const path = join(folder, 'run.safetensors');
      const store = memoryStore();
      await fit({ ...base, rng: createRng(1), steps: 2, checkpoint: { store } });
      await fileStore(path).write(store.bytes!);
      expect(new Uint8Array(await readFile(path))).toEqual(store.bytes);
      expect(new Uint8Array((await fileStore(path).read())!)).toEqual(store.bytes);
      await expect(fileStore(folder).read()).rejects.toThrow(/fileStore: could not read/);
    }));
});

describe('fit: arguments', () => {
  it('says what is wrong with them', () =>
    withLine(async (base) => {
      const attempt = (wrong: object): Promise<unknown> => fit({ ...base, epochs: 1, ...wrong });
      const cases: [object, RegExp][] = [
        [{ epoch: 1 }, /unknown option 'epoch'/],
        [{ model: {} }, /options.model should be a module/],
        [{ model: null }, /options.model should be a module/],
        [{ loss: 3 }, /options.loss should be a function of a batch, but got 3/],
        [{ loss: async () => base.data }, /what options.loss returns should be a float32 tensor/],
        [{ loss: () => 3 }, /what options.loss returns should be a float32 tensor, but got 3/],
        [{ steps: 3 }, /either options.epochs or options.steps, not both/],
        [{ epochs: undefined }, /either options.epochs or options.steps, not neither/],
        [{ epochs: 0 }, /options.epochs should be a positive integer/],
        [{ progressEvery: 0 }, /options.progressEvery should be a positive integer/],
        [{ clipNorm: 0 }, /options.clipNorm should be a finite number above 0/],
        [{ schedule: 0.1 }, /options.schedule should be a function of the step/],
        [{ onProgress: 'x' }, /options.onProgress should be a function/],
        [{ shuffle: 'no' }, /options.shuffle should be true or false/],
        [{ resume: 1 }, /options.resume should be true or false/],
        [{ resume: true }, /options.resume needs options.checkpoint/],
        [{ optimizer: 'adam' }, /options.optimizer should be an optimizer, but got 'adam'/],
        [{ signal: {} }, /options.signal should be an AbortSignal/],
        [{ checkpoint: {} }, /options.checkpoint should be an object with either path or store/],
        [{ checkpoint: { path: 'x', every: 0 } }, /options.checkpoint.every should be a positive integer/],
        [{ checkpoint: { file: 'x' } }, /unknown option 'file'/],
        [{ model: defineModule({}) }, /options.model has no trainable parameters/],
      ];
      for (const [wrong, message] of cases) {
        await expect(attempt(wrong)).rejects.toThrow(message);
      }
    }));

  it('names parameters that the loss does not depend on, at the first step', () =>
    withLine(async ({ model, data }) => {
      const loss = (rows: tf.Tensor): tf.Tensor => tf.square(tf.sub(tf.mul(model.parameters.w!, rows), 1));
      await expect(fit({ model, data, loss, epochs: 1 })).rejects.toThrow(
        "fit: the loss does not depend on the parameters 'deep.b'.",
      );
      await expect(fit({ model, data, loss: (rows) => tf.square(rows), epochs: 1 })).rejects.toThrow(/parameters 'w', 'deep.b'/);
      expect(valuesOf(model)).toEqual([0, 0]);
      for (const optimizer of [adam({ learningRate: 0.1 }), tf.train.adamax(0.1), tf.train.rmsprop(0.1)]) {
        await fit({ model, data, loss, epochs: 1, optimizer, allowUnused: true });
        optimizer.dispose();
      }
      const [w, b] = valuesOf(model);
      expect(w).not.toBe(0);
      expect(b).toBe(0);
    }));

  it('refuses a disposed model', async () => {
    const model = line();
    model.dispose();
    const data = tf.zeros([1, 2]);
    await expect(fit({ model, data, loss: squaredError(model), epochs: 1 })).rejects.toThrow(
      /options.model.parameters\['w'\] should be a variable, but got .* that is disposed/,
    );
    data.dispose();
  });

  it('says what to import where no gradients are registered', () =>
    withLine(async (base) => {
      const sum = tf.getGradient('Sum');
      tf.unregisterGradient('Sum');
      try {
        await expect(fit({ ...base, epochs: 1 })).rejects.toThrow(
          "fit: no gradients are registered, tfjs-core alone has none. Import '@tensorflow/tfjs', or call useBackend of 'tfjs-flows/backends', before training.",
        );
      } finally {
        tf.registerGradient(sum);
      }
    }));
});
