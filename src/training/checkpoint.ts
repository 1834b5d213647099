import type { Variable } from '@tensorflow/tfjs-core';
import { checkInteger } from '../core/errors.js';
import type { Module } from '../core/module.js';
import type { RngState } from '../core/rng.js';
import { createRng } from '../core/rng.js';
import { decodeSafetensors } from '../io/decodeSafetensors.js';
import { encodeSafetensors } from '../io/encodeSafetensors.js';
import type { StoredTensor } from '../io/format.js';
import { matchTensors } from '../io/matchTensors.js';
import { nodeModules } from '../io/node.js';
import { readTensors, tensorsOf } from '../io/saveSafetensors.js';
import { writeFileAtomically } from '../io/writeFileAtomically.js';
import type { Optimizer, OptimizerRecord } from './optimizer.js';
import { matchOptimizer, readOptimizer } from './optimizer.js';

/** Where a checkpoint lies. A browser's can be IndexedDB; what `write` was given last is what `read` gives back. */
export interface CheckpointStore {
  /** Undefined where nothing was written yet. */
  read(): Promise<Uint8Array | undefined>;
  /** Whole or not at all: where it rejects, `read` still gives what was there. */
  write(bytes: Uint8Array): Promise<void>;
}

/**
 * A store that is one file, in Node. It is replaced whole or not at all.
 *
 * The weights of a checkpoint are under the prefix 'model.': `loadSafetensors(model, path, { prefix: 'model.' })` reads them.
 *
 * @example
 * ```ts
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { fileStore } from 'tfjs-flows/training';
 *
 * const store = fileStore(join(tmpdir(), 'no-checkpoint-yet.safetensors'));
 * console.log(await store.read()); // => undefined
 * ```
 */
export function fileStore(path: string): CheckpointStore {
  return {
    read: async () => {
      const { files } = await nodeModules('fileStore');
      try {
        return await files.readFile(path);
      } catch (cause) {
        if ((cause as { code?: string }).code === 'ENOENT') {
          return undefined;
        }
        throw new Error(`fileStore: could not read '${path}': ${(cause as Error).message}`, { cause });
      }
    },
    write: (bytes) => writeFileAtomically('fileStore', path, bytes),
  };
}

/** How far training has come. */
export interface Progress {
  /** Steps done. */
  readonly step: number;
  /** The current epoch, from 1. */
  readonly epoch: number;
  /** Batches done of the current epoch. */
  readonly batch: number;
  /** The generator of order and data at the start of the epoch: replayed, it gives the same batches again. */
  readonly epochRng: RngState;
  /** The generator of the loss, now. */
  readonly lossRng: RngState;
  /** Of the data. */
  readonly data: string;
}

/** What a checkpoint is of. */
export interface Checkpointed {
  readonly model: Module;
  /** By path, in the order in which the optimizer sees them. */
  readonly trained: ReadonlyMap<string, Variable>;
  readonly optimizer: Optimizer;
}

/** The model's stored tensors, and what makes a whole checkpoint of them. */
export async function readCheckpointed({ model, trained, optimizer }: Checkpointed): Promise<{
  model: ReadonlyMap<string, StoredTensor>;
  encode(progress: Progress): Uint8Array;
}> {
  const { record, tensors } = readOptimizer(optimizer, [...trained.keys()]);
  const [weights, state] = await Promise.all([readTensors('fit', tensorsOf('fit', model)), readTensors('fit', tensors)]);
  return {
    model: weights,
    encode: (progress) =>
      encodeSafetensors(new Map([...prefixed(MODEL, weights), ...prefixed(OPTIMIZER, state)]), {
        format: FORMAT,
        progress: JSON.stringify(progress),
        optimizer: JSON.stringify(record),
      }),
  };
}

/**
 * Puts a checkpoint in, or, where it does not fit in any part, changes nothing.
 *
 * @throws where the bytes are no checkpoint, or one of another model, optimizer or data.
 */
export function restoreCheckpoint(bytes: Uint8Array, { model, trained, optimizer }: Checkpointed, data: string): Progress {
  const where = 'fit: the checkpoint';
  const { tensors, metadata } = decodeSafetensors(bytes);
  if (metadata.format !== FORMAT) {
    throw new Error(`${where} is none: its format is ${metadata.format ?? 'not given'}, not ${FORMAT}.`);
  }
  const progress = JSON.parse(metadata.progress ?? 'null') as Progress;
  checkInteger(where, 'step', progress?.step, 1);
  checkInteger(where, 'epoch', progress.epoch, 1);
  checkInteger(where, 'batch', progress.batch, 0);
  createRng(progress.epochRng);
  createRng(progress.lossRng);
  if (progress.data !== data) {
    throw new Error(`${where} was written with ${progress.data}; now there are ${data}.`);
  }
  const record = JSON.parse(metadata.optimizer ?? 'null') as OptimizerRecord;
  checkInteger(where, 'iterations', record?.iterations, 0);
  const state = new Map(
    [...tensors].flatMap(([name, entry]) => (name.startsWith(OPTIMIZER) ? [[name.slice(OPTIMIZER.length), entry]] : [])),
  );
  const assignOptimizer = matchOptimizer(where, optimizer, trained, record, state);
  const variables = tensorsOf('fit', model) as Record<string, Variable>;
  const { assign } = matchTensors(where, variables, tensors, { strict: true, prefix: MODEL, rename: (name) => name });
  assign();
  assignOptimizer();
  return progress;
}

const FORMAT = 'tfjs-flows checkpoint 1';
const MODEL = 'model.';
const OPTIMIZER = 'optimizer.';

function prefixed(prefix: string, stored: ReadonlyMap<string, StoredTensor>): [string, StoredTensor][] {
  return [...stored].map(([name, entry]) => [`${prefix}${name}`, entry]);
}
