import { checkInteger, describe, invalid } from '../core/errors.js';
import { sizeOf } from '../core/shapes.js';
import type { StoredTensor } from './format.js';
import { ELEMENT_TYPES, isDtype, LENGTH_BYTES } from './format.js';

/**
 * Writes tensors in the safetensors format; the inverse of `decodeSafetensors`.
 *
 * @param tensors by name. `data` is the array of the dtype: Float32Array for F32, Uint8Array for U8 and BOOL, and so on. F16
 * and BF16 are read, not written.
 * @param metadata strings by name
 * @returns the whole file; the same input gives the same bytes
 * @throws for a name that the format forbids, a dtype that is not written, data of another type or size, metadata that is no string.
 * Source: the format description of the safetensors project.
 * @example
 * ```ts
 * import { encodeSafetensors } from 'tfjs-flows/io';
 *
 * const bytes = encodeSafetensors({ mask: { dtype: 'BOOL', shape: [3], data: new Uint8Array([1, 0, 1]) } });
 * console.log(bytes.length % 8); // => 3
 * ```
 */
export function encodeSafetensors(
  tensors: Readonly<Record<string, StoredTensor>> | ReadonlyMap<string, StoredTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const entries: [string, StoredTensor][] = tensors instanceof Map ? [...tensors] : Object.entries(tensors);
  for (const [name, tensor] of entries) {
    check(name, tensor);
  }
  for (const [name, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') {
      throw invalid('encodeSafetensors', `metadata.${name}`, 'a string', value);
    }
  }
  // Wide elements first: each lies at a multiple of its size, so that readers can map the file into memory.
  entries.sort(([, a], [, b]) => ELEMENT_TYPES[b.dtype].bytes - ELEMENT_TYPES[a.dtype].bytes);

  const header: Record<string, unknown> = Object.keys(metadata).length > 0 ? { __metadata__: metadata } : {};
  let end = 0;
  for (const [name, { dtype, shape, data }] of entries) {
    header[name] = { dtype, shape, data_offsets: [end, end + data.byteLength] };
    end += data.byteLength;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const headerBytes = Math.ceil(text.length / 8) * 8;
  const start = LENGTH_BYTES + headerBytes;
  const bytes = new Uint8Array(start + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerBytes), true);
  bytes.set(text, LENGTH_BYTES);
  bytes.fill(' '.charCodeAt(0), LENGTH_BYTES + text.length, start);
  let at = start;
  for (const [, { data }] of entries) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

function check(name: string, { dtype, shape, data }: StoredTensor): void {
  if (name === '__metadata__' || name === '__proto__') {
    throw new Error(`encodeSafetensors: a tensor cannot have the name '${name}'.`);
  }
  if (!isDtype(dtype) || ELEMENT_TYPES[dtype].widen !== undefined) {
    const known = Object.entries(ELEMENT_TYPES).filter(([, type]) => type.widen === undefined);
    throw invalid('encodeSafetensors', `dtype of '${name}'`, `one of ${known.map(([key]) => key).join(', ')}`, dtype);
  }
  for (const axis of shape) {
    checkInteger('encodeSafetensors', `shape of '${name}'`, axis, 0);
  }
  const { array } = ELEMENT_TYPES[dtype];
  if (!(data instanceof array) || data.length !== sizeOf(shape)) {
    throw invalid('encodeSafetensors', `data of '${name}'`, `${array.name}(${sizeOf(shape)}), shape ${describe(shape)}`, data);
  }
}
