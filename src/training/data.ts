import type { Tensor } from '@tensorflow/tfjs-core';
import { gather, slice, tensor1d, tidy } from '@tensorflow/tfjs-core';
import { checkInteger, invalid, isTensorLike } from '../core/errors.js';
import { randomPermutation } from '../core/randomPermutation.js';
import type { Rng } from '../core/rng.js';

/** What the loss gets at a step. */
export type Batch = Tensor | Readonly<Record<string, Tensor>>;

/** What a function that gives batches gets. */
export interface EpochOptions {
  /** Counts from 1. */
  readonly epoch: number;
  /** To draw from: its state is part of a checkpoint. */
  readonly rng: Rng;
}

/** The forms in which `fit` takes data. */
export type FitData<B extends Batch> = B | Iterable<B> | AsyncIterable<B> | BatchSource<B>;

/** Called once an epoch. */
export type BatchSource<B extends Batch> = (
  options: EpochOptions,
) => Iterable<B> | AsyncIterable<B> | Promise<Iterable<B> | AsyncIterable<B>>;

/** What decides how data becomes batches. */
export interface DataOptions {
  readonly batchSize?: number | undefined;
  readonly shuffle?: boolean | undefined;
  readonly keepBatches?: boolean | undefined;
}

/** A batch and how to be rid of it. */
export interface OwnedBatch<B> {
  readonly batch: B;
  free(): void;
}

/** Data as the training loop sees it. */
export interface DataSource<B> {
  /** Training can only be resumed on data of the same description. */
  readonly description: string;
  /** Where it is known beforehand. */
  readonly batchesPerEpoch?: number;
  /** One epoch, from the batch after `skip` others. */
  epoch(options: EpochOptions & { readonly skip: number }): AsyncIterable<OwnedBatch<B>>;
  /** @throws where a value is not finite, as far as that can be known beforehand. */
  check(): Promise<void>;
}

/** Data in one of its forms, checked. */
export function openData<B extends Batch>(data: FitData<B>, options: DataOptions): DataSource<B> {
  if (isTensorLike(data) || isRecord(data)) {
    return fromTensors(data as B, options);
  }
  for (const name of ['batchSize', 'shuffle'] as const) {
    if (options[name] !== undefined) {
      throw invalid('fit', `options.${name}`, 'left out where options.data gives whole batches', options[name]);
    }
  }
  if (typeof data === 'function') {
    return fromIterables(data, options);
  }
  if (isIterable(data)) {
    return fromIterables(() => data, options);
  }
  throw invalid('fit', 'options.data', 'a tensor, tensors by name, an iterable of batches, or a function that returns one', data);
}

/** Every float32 tensor of a batch with its name. */
export function namedTensors(name: string, batch: Batch): [string, Tensor][] {
  return isTensorLike(batch) ? [[name, batch]] : Object.entries(batch).map(([key, tensor]) => [`${name}.${key}`, tensor]);
}

function fromTensors<B extends Batch>(data: B, { batchSize: wanted = 128, shuffle = true }: DataOptions): DataSource<B> {
  checkInteger('fit', 'options.batchSize', wanted, 1);
  if (typeof shuffle !== 'boolean') {
    throw invalid('fit', 'options.shuffle', 'true or false', shuffle);
  }
  const tensors = namedTensors('options.data', data);
  const rows = tensors[0]?.[1].shape[0] ?? 0;
  for (const [name, tensor] of tensors) {
    if (tensor.isDisposed || tensor.rank === 0 || tensor.shape[0] !== rows || rows === 0) {
      throw invalid('fit', name, `a tensor with ${rows === 0 ? 'at least one row' : `${rows} rows`}`, tensor);
    }
  }
  const batchSize = Math.min(wanted, rows);
  const batchesPerEpoch = Math.ceil(rows / batchSize);

  const batchOf = (select: (tensor: Tensor) => Tensor): B =>
    tidy(() =>
      isTensorLike(data)
        ? select(data as Tensor)
        : Object.fromEntries(Object.entries(data).map(([key, value]) => [key, select(value)])),
    ) as B;

  return {
    description: `${rows} rows in batches of ${batchSize}, ${shuffle ? 'shuffled' : 'in order'}`,
    batchesPerEpoch,
    async *epoch({ rng, skip }) {
      const order = shuffle ? randomPermutation(rng, rows) : undefined;
      for (let index = skip; index < batchesPerEpoch; index++) {
        const start = index * batchSize;
        const size = Math.min(batchSize, rows - start);
        const batch = batchOf((tensor) =>
          order === undefined
            ? rowsOf(tensor, start, size)
            : gather(tensor, tensor1d(order.subarray(start, start + size), 'int32')),
        );
        yield { batch, free: () => free(batch) };
      }
    },
    check: async () => {
      for (const [name, tensor] of tensors) {
        await checkRows(name, tensor);
      }
    },
  };
}

function fromIterables<B extends Batch>(open: BatchSource<B>, { keepBatches }: DataOptions): DataSource<B> {
  return {
    description: 'batches of an iterable',
    check: async () => undefined,
    async *epoch({ epoch, rng, skip }) {
      const batches = await open({ epoch, rng });
      if (!isIterable(batches)) {
        throw invalid('fit', 'what options.data returns', 'an iterable of batches', batches);
      }
      const keeps = keepBatches ?? Array.isArray(batches);
      let index = 0;
      for await (const batch of batches as AsyncIterable<B>) {
        checkBatch(batch, index + 1, epoch);
        const owned = { batch, free: () => (keeps ? undefined : free(batch)) };
        if (index < skip) {
          owned.free();
        } else {
          yield owned;
        }
        index += 1;
      }
      if (index < skip) {
        throw new Error(
          `fit: options.data gave ${index} batches in epoch ${epoch}, but the checkpoint was written after batch ${skip}.`,
        );
      }
    },
  };
}

function checkBatch(batch: unknown, number: number, epoch: number): asserts batch is Batch {
  const where = `batch ${number} of epoch ${epoch}`;
  if (!isTensorLike(batch) && !isRecord(batch)) {
    throw invalid('fit', where, 'a tensor or tensors by name', batch);
  }
  if (namedTensors('', batch as Batch).some(([, tensor]) => tensor.isDisposed)) {
    throw new Error(
      `fit: ${where} is disposed. fit frees the batches of an iterable that is no array once they are used; options.keepBatches: true leaves them.`,
    );
  }
}

/** Read in pieces, so that neither a GPU's memory nor the host's has to hold the data a second time. */
async function checkRows(name: string, data: Tensor): Promise<void> {
  if (data.dtype !== 'float32') {
    return;
  }
  const rows = data.shape[0] as number;
  const rowSize = data.size / rows;
  const most = Math.max(1, Math.floor(PIECE / rowSize));
  for (let start = 0; start < rows; start += most) {
    const piece = rowsOf(data, start, Math.min(most, rows - start));
    const values = await piece.data();
    piece.dispose();
    const at = values.findIndex((value) => !Number.isFinite(value));
    if (at >= 0) {
      throw new Error(`fit: ${name} should be finite, but has ${values[at]} in row ${start + Math.floor(at / rowSize)}.`);
    }
  }
}

/** Elements that are read at once. */
const PIECE = 2 ** 20;

function rowsOf(data: Tensor, start: number, size: number): Tensor {
  return slice(data, [start, ...data.shape.slice(1).map(() => 0)], [size, ...data.shape.slice(1)]);
}

function free(batch: Batch): void {
  for (const [, tensor] of namedTensors('', batch)) {
    tensor.dispose();
  }
}

function isIterable(value: unknown): value is Iterable<unknown> | AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value);
}

function isRecord(value: unknown): value is Record<string, Tensor> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !isIterable(value) &&
    Object.keys(value).length > 0 &&
    Object.values(value).every(isTensorLike)
  );
}
