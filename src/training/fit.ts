import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import { getGradient, mul, ready } from '@tensorflow/tfjs-core';
import { checkInteger, checkNumber, checkOptions, invalid } from '../core/errors.js';
import type { Module } from '../core/module.js';
import type { Rng } from '../core/rng.js';
import { createRng } from '../core/rng.js';
import { tensorsOf } from '../io/saveSafetensors.js';
import { adam } from './adam.js';
import type { Checkpointed, CheckpointStore, Progress } from './checkpoint.js';
import { fileStore, readCheckpointed, restoreCheckpoint } from './checkpoint.js';
import type { Batch, FitData } from './data.js';
import { openData } from './data.js';
import { lossAndGradients } from './gradients.js';
import type { KeptWeights } from './keepWeights.js';
import { keepWeights } from './keepWeights.js';
import { nextTask } from './nextTask.js';
import type { NonFinite } from './nonFinite.js';
import { badUpdate, firstNonFinite, nonFiniteIn, notFinite } from './nonFinite.js';
import type { NamedTensor, Optimizer } from './optimizer.js';
import { learningRateOf, setLearningRate } from './optimizer.js';
import type { FitProgress, StepResult } from './progress.js';
import { progressReporter } from './progress.js';
import type { Schedule } from './schedules.js';

/** What the loss gets beside the batch; fit to be passed on as the options of a bijector, distribution or objective. */
export interface LossOptions {
  /** For all that is stochastic in the loss: a resumed run draws on as if it had never stopped. */
  readonly rng: Rng;
  /** The step under way, from 1. */
  readonly step: number;
  readonly training: true;
}

/** Where and how often to write checkpoints. */
export interface FitCheckpoint {
  /** A file, in Node. */
  readonly path?: string;
  /** Instead of a file. */
  readonly store?: CheckpointStore;
  /** Steps between two. Default 500. One is always written at the end and when training is aborted. */
  readonly every?: number;
}

/** What `fit` takes. */
export interface FitOptions<B extends Batch> {
  /** Its parameters are trained, but for variables with `trainable: false`; parameters and buffers are kept in checkpoints. */
  readonly model: Module;
  /** A float32 tensor of any shape, whose mean is minimised. */
  readonly loss: (batch: B, options: LossOptions) => Tensor;
  /**
   * A tensor or tensors by name, whose rows are divided into batches; or batches: an array or another iterable, or a function that
   * returns one, called once an epoch. A generator can be read once, so for several epochs pass the function that makes it.
   */
  readonly data: FitData<B>;
  /** Rows of a batch; the last of an epoch can be smaller. For tensor data. Default 128. */
  readonly batchSize?: number;
  /** A new order of rows every epoch, drawn from `rng`. For tensor data. Default true. */
  readonly shuffle?: boolean;
  /** Whether batches of an iterable stay the caller's. Default: those of an array do, others are disposed once they are used. */
  readonly keepBatches?: boolean;
  /** Passes over the data. Either this or `steps`. */
  readonly epochs?: number;
  /** Steps in all, those before a resumed run included. */
  readonly steps?: number;
  /** Of TensorFlow.js or of this library; stays the caller's, who frees its moments by its `dispose`. Default `adam()`, freed by `fit`. */
  readonly optimizer?: Optimizer;
  /** For order, data and loss. Default: a fresh seed. */
  readonly rng?: Rng;
  /** Gradients are scaled down so that their global norm is at most this. */
  readonly clipNorm?: number;
  /** The learning rate by step, from 1. Default: the optimizer's own. */
  readonly schedule?: Schedule;
  /** May be async; training waits for it. */
  readonly onProgress?: (progress: FitProgress) => void | Promise<void>;
  /** Steps between two calls of `onProgress`, which comes after the last step, too. Default 1. */
  readonly progressEvery?: number;
  /** Stops training between two steps. */
  readonly signal?: AbortSignal;
  readonly checkpoint?: FitCheckpoint;
  /** Go on from the checkpoint, if there is one. Default false. */
  readonly resume?: boolean;
  /** Whether parameters that the loss does not depend on are no error. Default false. */
  readonly allowUnused?: boolean;
}

/** How training ended. */
export interface FitResult {
  readonly stopped: 'finished' | 'aborted';
  /** Steps done, those before a resumed run included. */
  readonly step: number;
  /** The loss of the last step of this run; undefined where there was none. */
  readonly loss?: number;
}

/**
 * Trains a model: minimises the mean of a loss over batches.
 *
 * An abort is no error: the promise resolves with `stopped: 'aborted'`, the weights are those after the last step and, with
 * `checkpoint`, saved. Where a loss or a gradient is not finite, or an update makes a weight infinite, training stops with an error
 * that names step and parameter (also as `cause: { step, parameter }`), and the model has its last good weights. So it has after
 * any other error.
 *
 * A run that is stopped and resumed, in another process even, ends with the same numbers as one that was not, bit by bit where the
 * backend itself repeats its results: a checkpoint holds parameters, buffers, the whole state of `adam` or of any optimizer of
 * TensorFlow.js, the state of the generators, and the position in the data. Give the same options and draw only from the `rng` that
 * loss and data functions get.
 *
 * The loss is read back at each step, before the update. Other code has its turn about every 15 ms. The backend stays as it is.
 *
 * @throws (as a rejection) for wrong options; where no gradients are registered; for tensor data that are not finite; at the first
 * step for parameters that the loss does not depend on; where data end early; where a checkpoint cannot be written, or does not
 * fit the model, the optimizer or the data; and what loss, data, optimizer or `onProgress` throw.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { createRng, planar } from 'tfjs-flows';
 * import { adam, fit } from 'tfjs-flows/training';
 *
 * const rng = createRng(0);
 * const flow = planar({ dim: 2, rng });
 * const data = tf.mul(rng.normal([256, 2]), [3, 0.5]);
 * const result = await fit({
 *   model: flow,
 *   data,
 *   batchSize: 64,
 *   epochs: 5,
 *   optimizer: adam({ learningRate: 0.01 }),
 *   rng,
 *   // -log p(x) of a standard normal base, up to a constant.
 *   loss: (x) => {
 *     const [z, logDet] = flow.inverseAndLogDet(x);
 *     return tf.sub(tf.mul(tf.sum(tf.square(z), -1), 0.5), logDet);
 *   },
 * });
 * console.log(result.stopped, result.step); // => finished 20
 * ```
 */
export async function fit<B extends Batch>(options: FitOptions<B>): Promise<FitResult> {
  check(options);
  const { model, epochs = Number.POSITIVE_INFINITY, signal } = options;
  await ready();
  checkGradients();
  const trained = trainedParameters(model);
  const source = openData(options.data, options);
  await source.check();
  const steps = options.steps ?? epochs * (source.batchesPerEpoch ?? Number.POSITIVE_INFINITY);
  const [dataRng, lossRng] = (options.rng ?? createRng()).split(2) as [Rng, Rng];
  const optimizer = options.optimizer ?? adam();
  const kept = keepWeights(model);
  const checkpoint = openCheckpoint(options, { model, trained, optimizer }, kept);
  const train = trainer(options, trained, optimizer, lossRng, kept);

  try {
    let { step, epoch, batch, epochRng } = (await checkpoint.resume(source.description, lossRng)) ?? {
      step: 0,
      epoch: 1,
      batch: 0,
      epochRng: dataRng.save(),
    };
    const progress = progressReporter(options, steps, step);
    const finished = (): boolean => step >= steps || epoch > epochs;
    const stops = (): boolean => finished() || signal?.aborted === true;
    const position = (): Progress => ({ step, epoch, batch, epochRng, lossRng: lossRng.save(), data: source.description });
    let last: StepResult | undefined;
    let lastPause = performance.now();

    while (!stops()) {
      // From its start: a resumed epoch has the order that it had.
      dataRng.restore(epochRng);
      for await (const { batch: values, free } of source.epoch({ epoch, rng: dataRng, skip: batch })) {
        try {
          if (stops()) break;
          last = await train(values, step + 1, epoch);
        } finally {
          free();
        }
        step += 1;
        batch += 1;
        await progress.report(last, step, epoch);
        await checkpoint.writeIfDue(position());
        if (performance.now() - lastPause > PAUSE_EVERY) {
          await nextTask();
          lastPause = performance.now();
        }
        if (stops()) break;
      }
      if (stops()) break;
      if (batch === 0) {
        throw exhausted(epoch, step, options);
      }
      progress.epochEnds(batch);
      epoch += 1;
      batch = 0;
      epochRng = dataRng.save();
    }
    if (last !== undefined) {
      await checkpoint.writeLast(position());
      await progress.reportLast(last, step, Math.min(epoch, epochs));
    }
    return { stopped: finished() ? 'finished' : 'aborted', step, ...(last === undefined ? {} : { loss: last.loss }) };
  } finally {
    kept.dispose();
    if (options.optimizer === undefined) {
      optimizer.dispose();
    }
  }
}

/** Milliseconds after which other code has its turn. */
const PAUSE_EVERY = 15;

/** One step: gradients, checks, update. Where any of it fails the weights are the last good ones. */
function trainer<B extends Batch>(
  { loss, schedule, clipNorm = Number.POSITIVE_INFINITY, allowUnused = false }: FitOptions<B>,
  trained: ReadonlyMap<string, Variable>,
  optimizer: Optimizer,
  rng: Rng,
  kept: KeptWeights,
): (batch: B, step: number, epoch: number) => Promise<StepResult> {
  const variables = [...trained.values()];
  let isFirst = true;
  return async (batch, step, epoch) => {
    if (schedule !== undefined) {
      const rate = schedule(step);
      checkNumber('fit', `what options.schedule returns for step ${step}`, rate, { least: 0 });
      setLearningRate(optimizer, rate);
    }
    kept.take();
    let gradients: readonly (Tensor | undefined)[] = [];
    let scaled: readonly (Tensor | undefined)[] = [];
    let earlier = false;
    try {
      const pass = lossAndGradients(() => loss(batch, { rng, step, training: true }), variables);
      gradients = pass.gradients;
      const [lossValue, gradientNorm] = await readAndFree(pass.lossAndNorm);
      if (!Number.isFinite(lossValue) || !Number.isFinite(gradientNorm)) {
        const before = await firstNonFinite(Object.fromEntries(trained));
        earlier = before !== undefined;
        throw before === undefined
          ? await notFinite(lossValue, gradients, batch, [...trained.keys()], step, epoch)
          : badUpdate(before, step - 1, isFirst);
      }
      if (isFirst && !allowUnused) {
        checkUsed([...trained.keys()], gradients);
      }
      isFirst = false;
      if (gradientNorm > clipNorm) {
        scaled = gradients.map((gradient) => gradient && mul(gradient, clipNorm / gradientNorm));
      }
      const given = scaled.length > 0 ? scaled : gradients;
      // A hole in the list, not a shorter list: TensorFlow.js's optimizers go by position.
      optimizer.applyGradients(variables.map(({ name }, i) => ({ name, tensor: given[i] ?? null }) as NamedTensor));
      return { loss: lossValue, gradientNorm, learningRate: learningRateOf(optimizer) };
    } catch (error) {
      kept.restore(earlier);
      throw error;
    } finally {
      for (const gradient of [...gradients, ...scaled]) {
        gradient?.dispose();
      }
    }
  };
}

async function readAndFree(pair: Tensor): Promise<[number, number]> {
  try {
    return (await pair.data()) as unknown as [number, number];
  } finally {
    pair.dispose();
  }
}

function checkUsed(names: readonly string[], gradients: readonly (Tensor | undefined)[]): void {
  const unused = names.filter((_, i) => gradients[i] === undefined);
  if (unused.length > 0) {
    throw new Error(
      `fit: the loss does not depend on the parameters ${unused.map((name) => `'${name}'`).join(', ')}. ` +
        'Use them in options.loss, or pass allowUnused: true.',
    );
  }
}

interface OpenCheckpoint {
  /** Undefined where training starts afresh. */
  resume(data: string, lossRng: Rng): Promise<Progress | undefined>;
  writeIfDue(progress: Progress): Promise<void>;
  writeLast(progress: Progress): Promise<void>;
}

function openCheckpoint<B extends Batch>(options: FitOptions<B>, state: Checkpointed, kept: KeptWeights): OpenCheckpoint {
  const { path, store = path === undefined ? undefined : fileStore(path), every = 500 } = options.checkpoint ?? {};
  let written = 0;
  const checkFinite = (bad: NonFinite | undefined, step: number): void => {
    if (bad !== undefined) {
      kept.restore();
      throw badUpdate(bad, step, false);
    }
  };
  const write = async (progress: Progress): Promise<void> => {
    const { step } = progress;
    if (store === undefined) {
      checkFinite(await firstNonFinite(Object.fromEntries(state.trained)), step);
      return;
    }
    const { model, encode } = await readCheckpointed(state);
    checkFinite(nonFiniteIn(new Map([...model].filter(([name]) => state.trained.has(name)))), step);
    try {
      await store.write(encode(progress));
      written = step;
    } catch (cause) {
      throw new Error(
        `fit: the checkpoint after step ${step} could not be written: ${(cause as Error).message} The model keeps its weights.`,
        { cause },
      );
    }
  };
  return {
    resume: async (data, lossRng) => {
      const bytes = options.resume === true ? await store?.read() : undefined;
      if (bytes === undefined) {
        return undefined;
      }
      const progress = restoreCheckpoint(bytes, state, data);
      lossRng.restore(progress.lossRng);
      return progress;
    },
    writeIfDue: async (progress) => (store !== undefined && progress.step % every === 0 ? write(progress) : undefined),
    writeLast: async (progress) => (written === progress.step ? undefined : write(progress)),
  };
}

function exhausted<B extends Batch>(epoch: number, step: number, { epochs, steps }: FitOptions<B>): Error {
  return new Error(
    epoch === 1
      ? 'fit: options.data has no batch.'
      : `fit: options.data ended after ${step} steps, in epoch ${epoch - 1}, but ${
          steps === undefined ? `${epochs} epochs` : `${steps} steps`
        } are wanted. A generator can be read once: pass the function that makes it.`,
  );
}

function checkGradients(): void {
  if (getGradient('Sum') === undefined) {
    throw new Error(
      "fit: no gradients are registered, tfjs-core alone has none. Import '@tensorflow/tfjs', or call useBackend of " +
        "'tfjs-flows/backends', before training.",
    );
  }
}

/** By path. A variable under two paths is trained once; one that is not `trainable` is frozen, as everywhere in TensorFlow.js. */
function trainedParameters(model: Module): ReadonlyMap<string, Variable> {
  const trained = new Map<string, Variable>();
  const seen = new Set<Variable>();
  for (const [name, variable] of Object.entries(model.parameters)) {
    if (variable.isDisposed) {
      throw invalid('fit', `options.model.parameters['${name}']`, 'a variable', variable);
    }
    if (variable.trainable && !seen.has(variable)) {
      trained.set(name, variable);
      seen.add(variable);
    }
  }
  if (trained.size === 0) {
    throw new Error('fit: options.model has no trainable parameters.');
  }
  tensorsOf('fit', model);
  return trained;
}

const KNOWN = [
  'model',
  'loss',
  'data',
  'batchSize',
  'shuffle',
  'keepBatches',
  'epochs',
  'steps',
  'optimizer',
  'rng',
  'clipNorm',
  'schedule',
  'onProgress',
  'progressEvery',
  'signal',
  'checkpoint',
  'resume',
  'allowUnused',
] as const satisfies readonly (keyof FitOptions<Batch>)[];

function check<B extends Batch>(options: FitOptions<B>): void {
  checkOptions('fit', options, KNOWN);
  const { model, epochs, steps, clipNorm, checkpoint } = options;
  if (typeof model?.parameters !== 'object' || typeof model.buffers !== 'object') {
    throw invalid('fit', 'options.model', 'a module, with parameters and buffers', model);
  }
  for (const [name, expected] of [
    ['loss', 'a function of a batch'],
    ['schedule', 'a function of the step'],
    ['onProgress', 'a function'],
  ] as const) {
    if ((name === 'loss' || options[name] !== undefined) && typeof options[name] !== 'function') {
      throw invalid('fit', `options.${name}`, expected, options[name]);
    }
  }
  for (const name of ['resume', 'allowUnused', 'keepBatches'] as const) {
    if (options[name] !== undefined && typeof options[name] !== 'boolean') {
      throw invalid('fit', `options.${name}`, 'true or false', options[name]);
    }
  }
  if ((epochs === undefined) === (steps === undefined)) {
    throw new Error(`fit: give either options.epochs or options.steps, not ${epochs === undefined ? 'neither' : 'both'}.`);
  }
  for (const name of ['epochs', 'steps', 'progressEvery'] as const) {
    if (options[name] !== undefined) checkInteger('fit', `options.${name}`, options[name], 1);
  }
  if (clipNorm !== undefined) {
    checkNumber('fit', 'options.clipNorm', clipNorm, { above: 0 });
  }
  if (options.optimizer !== undefined && typeof options.optimizer?.applyGradients !== 'function') {
    throw invalid('fit', 'options.optimizer', 'an optimizer', options.optimizer);
  }
  if (options.signal !== undefined && typeof options.signal?.aborted !== 'boolean') {
    throw invalid('fit', 'options.signal', 'an AbortSignal', options.signal);
  }
  if (options.resume === true && checkpoint === undefined) {
    throw new Error('fit: options.resume needs options.checkpoint.');
  }
  if (checkpoint !== undefined) {
    checkOptions('fit, options.checkpoint', checkpoint, ['path', 'store', 'every']);
    if ((checkpoint.path === undefined) === (checkpoint.store === undefined)) {
      throw invalid('fit', 'options.checkpoint', 'an object with either path or store', checkpoint);
    }
    if (checkpoint.every !== undefined) checkInteger('fit', 'options.checkpoint.every', checkpoint.every, 1);
  }
}
