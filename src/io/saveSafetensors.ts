import type { Tensor } from '@tensorflow/tfjs-core';
import { clone } from '@tensorflow/tfjs-core';
import { checkOptions, invalid, isTensorLike } from '../core/errors.js';
import type { Module } from '../core/module.js';
import { encodeSafetensors } from './encodeSafetensors.js';
import type { SafetensorsDtype, StoredTensor } from './format.js';
import { writeFileAtomically } from './writeFileAtomically.js';

/** What `saveSafetensors` may take besides. */
export interface SaveSafetensorsOptions {
  /** Strings by name, kept in the file. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** What can be saved: a module's parameters and buffers, or tensors by name. */
export type Saveable = Pick<Module, 'parameters' | 'buffers'> | Readonly<Record<string, Tensor>>;

/**
 * Saves a module, parameters and buffers, or tensors by name, as safetensors.
 *
 * float32 becomes F32, int32 I32, bool BOOL. The values are those at the call, even if training goes on meanwhile. A file is
 * written whole or not at all: where saving fails, an old file stays as it was.
 *
 * @param source what to save
 * @param path where to, in Node. Without it the bytes are returned: a browser can offer or store them.
 * @throws for a tensor that is disposed or of another dtype, a parameter and a buffer of one name, a path outside Node, a
 * file that cannot be written.
 * @example
 * ```ts
 * import { createRng, planar } from 'tfjs-flows';
 * import { decodeSafetensors, saveSafetensors } from 'tfjs-flows/io';
 *
 * const bytes = await saveSafetensors(planar({ dim: 2, rng: createRng(0) }));
 * console.log([...decodeSafetensors(bytes).tensors.keys()]); // => [ 'w', 'u', 'b' ]
 * ```
 */
export async function saveSafetensors(source: Saveable, path?: undefined, options?: SaveSafetensorsOptions): Promise<Uint8Array>;
export async function saveSafetensors(source: Saveable, path: string, options?: SaveSafetensorsOptions): Promise<void>;
export async function saveSafetensors(
  source: Saveable,
  path?: string,
  options: SaveSafetensorsOptions = {},
): Promise<Uint8Array | void> {
  checkOptions('saveSafetensors', options, ['metadata']);
  if (path !== undefined && (typeof path !== 'string' || path === '')) {
    throw invalid('saveSafetensors', 'path', 'a path, or left out to get the bytes', path);
  }
  const bytes = encodeSafetensors(await readTensors('saveSafetensors', tensorsOf('saveSafetensors', source)), options.metadata);
  if (path === undefined) {
    return bytes;
  }
  await writeFileAtomically('saveSafetensors', path, bytes);
}

/** Parameters and buffers in one table: in a file they share one space of names. */
export function tensorsOf(where: string, source: Saveable): Record<string, Tensor> {
  const { parameters, buffers } = (source ?? {}) as Partial<Module>;
  if (typeof parameters !== 'object' || isTensorLike(parameters)) {
    if (typeof source !== 'object' || source === null) {
      throw invalid(where, 'the first argument', 'a module, or tensors by name', source);
    }
    return { ...(source as Record<string, Tensor>) };
  }
  const both = Object.keys(parameters).filter((name) => Object.hasOwn(buffers ?? {}, name));
  if (both.length > 0) {
    throw new Error(`${where}: parameters and buffers share the names ${both.join(', ')}; a file can hold one of each.`);
  }
  return { ...parameters, ...buffers };
}

/** Reads tensors back, all as they are now. */
export async function readTensors(where: string, tensors: Readonly<Record<string, Tensor>>): Promise<Map<string, StoredTensor>> {
  const entries = Object.entries(tensors);
  for (const [name, tensor] of entries) {
    if (!isTensorLike(tensor) || tensor.isDisposed || !Object.hasOwn(STORED_AS, tensor.dtype)) {
      throw invalid(where, `'${name}'`, 'a float32, int32 or bool tensor', tensor);
    }
  }
  const copies = entries.map(([, tensor]) => clone(tensor));
  try {
    const values = await Promise.all(copies.map((copy) => copy.data()));
    return new Map(
      entries.map(([name, { dtype, shape }], i) => [
        name,
        { dtype: STORED_AS[dtype as keyof typeof STORED_AS], shape: [...shape], data: values[i] as StoredTensor['data'] },
      ]),
    );
  } finally {
    for (const copy of copies) {
      copy.dispose();
    }
  }
}

const STORED_AS = { float32: 'F32', int32: 'I32', bool: 'BOOL' } as const satisfies Record<string, SafetensorsDtype>;
