import { describe, invalid } from '../core/errors.js';
import type { Safetensors, SafetensorsDtype, StoredTensor } from './format.js';
import { ELEMENT_TYPES, isDtype, LENGTH_BYTES, MOST_HEADER_BYTES } from './format.js';

/**
 * Reads a safetensors file: an 8-byte little-endian length, a JSON header of that length, and the elements.
 *
 * Nothing is trusted: every length, name, shape and offset is checked against the bytes at hand before anything is made,
 * so a hostile file costs no more memory than it has bytes.
 *
 * @param file all of its bytes
 * @returns the tensors by name, in the order of the header, and the metadata; copies, so that `file` can be reused
 * @throws where the file is truncated or too long; where its header is too long, no UTF-8, no JSON, no object, or has a name
 * twice; where a name is `__proto__`; where a dtype is unknown, a shape or an offset is no count, a size does not fit its
 * shape, or the tensors overlap, leave holes or end elsewhere than the file.
 * Source: the format description of the safetensors project.
 * @example
 * ```ts
 * import { decodeSafetensors, encodeSafetensors } from 'tfjs-flows/io';
 *
 * const bytes = encodeSafetensors({ w: { dtype: 'F32', shape: [2], data: new Float32Array([1, 2]) } }, { note: 'hello' });
 * const { tensors, metadata } = decodeSafetensors(bytes);
 * console.log(tensors.get('w')?.shape, metadata.note); // => [ 2 ] hello
 * ```
 */
export function decodeSafetensors(file: Uint8Array): Safetensors {
  if (!(file instanceof Uint8Array)) {
    throw invalid('decodeSafetensors', 'file', 'a Uint8Array', file);
  }
  // Not a Buffer of Node, whose slice copies nothing.
  const bytes = new Uint8Array(file.buffer, file.byteOffset, file.length);
  const start = LENGTH_BYTES + headerLength(bytes);
  const header = parseHeader(bytes.subarray(LENGTH_BYTES, start));
  const { __metadata__: metadata = {}, ...rest } = header;
  const entries = Object.entries(rest).map(([name, entry]) => checkEntry(name, entry));
  checkLayout(entries, bytes.length - start);
  return {
    tensors: new Map(entries.map((entry) => [entry.name, readTensor(entry, bytes, start)])),
    metadata: checkMetadata(metadata),
  };
}

/** The header, an entry, its shape. */
const DEEPEST = 3;

interface Entry {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

function bad(problem: string): Error {
  return new Error(`decodeSafetensors: no valid safetensors file: ${problem}.`);
}

function headerLength(bytes: Uint8Array): number {
  if (bytes.length < LENGTH_BYTES) {
    throw bad(`it has ${bytes.length} bytes, and the length of the header alone takes ${LENGTH_BYTES}`);
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > BigInt(MOST_HEADER_BYTES)) {
    throw bad(`the header would have ${length} bytes, above the limit of ${MOST_HEADER_BYTES}`);
  }
  if (Number(length) > bytes.length - LENGTH_BYTES) {
    throw bad(`the header has ${length} bytes, but only ${bytes.length - LENGTH_BYTES} follow; the file is truncated`);
  }
  return Number(length);
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  if (bytes[0] !== '{'.charCodeAt(0)) {
    throw bad(`the header does not start with '{'`);
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw bad('the header is no UTF-8');
  }
  let header: Record<string, unknown>;
  try {
    // It starts with '{': an object, if it is JSON.
    header = JSON.parse(text);
  } catch (error) {
    throw bad(`the header is no JSON (${(error as Error).message})`);
  }
  checkKeys(text);
  return header;
}

/** JSON.parse keeps the last of equal keys; here two are an error, at every depth. Takes text that is JSON. */
function checkKeys(text: string): void {
  const open: Set<string>[] = [];
  let depth = 0;
  let key = '';
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === '"') {
      const start = i;
      for (i++; text[i] !== '"'; i++) {
        if (text[i] === '\\') i++;
      }
      key = text.slice(start, i + 1);
    } else if (character === '{' || character === '[') {
      depth++;
      if (depth > DEEPEST) {
        throw bad(`the header is nested deeper than ${DEEPEST} levels`);
      }
      if (character === '{') open.push(new Set());
    } else if (character === '}' || character === ']') {
      depth--;
      if (character === '}') open.pop();
    } else if (character === ':') {
      const name: string = JSON.parse(key);
      const names = open[open.length - 1] as Set<string>;
      if (name === '__proto__') {
        throw bad(`the name '__proto__' is not allowed`);
      }
      if (names.has(name)) {
        throw bad(`the name '${name}' comes twice`);
      }
      names.add(name);
    }
  }
}

function checkMetadata(metadata: unknown): Record<string, string> {
  if (!isObject(metadata) || Object.values(metadata).some((value) => typeof value !== 'string')) {
    throw bad(`__metadata__ should be an object of strings, but is ${describe(metadata)}`);
  }
  return metadata as Record<string, string>;
}

function checkEntry(name: string, entry: unknown): Entry {
  if (!isObject(entry)) {
    throw bad(`'${name}' should be an object with dtype, shape and data_offsets, but is ${describe(entry)}`);
  }
  const { dtype, shape, data_offsets: offsets } = entry;
  if (!isDtype(dtype)) {
    throw bad(`the dtype of '${name}' should be one of ${Object.keys(ELEMENT_TYPES).join(', ')}, but is ${describe(dtype)}`);
  }
  if (!Array.isArray(shape) || !shape.every(isCount)) {
    throw bad(`the shape of '${name}' should be an array of counts, but is ${describe(shape)}`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    throw bad(`data_offsets of '${name}' should be two counts, but is ${describe(offsets)}`);
  }
  const [begin, end] = offsets as [number, number];
  let size = ELEMENT_TYPES[dtype].bytes;
  for (const axis of shape) {
    size *= axis;
    if (!Number.isSafeInteger(size)) {
      throw bad(`the shape of '${name}' is too large: ${describe(shape)}`);
    }
  }
  if (end - begin !== size) {
    throw bad(`'${name}' (${dtype}, shape ${describe(shape)}) takes ${size} bytes, but data_offsets are ${describe(offsets)}`);
  }
  return { name, dtype, shape, begin, end };
}

/** Together the tensors fill the data exactly. */
function checkLayout(entries: readonly Entry[], dataLength: number): void {
  let filled = 0;
  let before = 'the start of the data';
  for (const { name, begin, end } of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== filled) {
      throw bad(
        `'${name}' starts at ${begin}, which ${begin < filled ? 'overlaps' : 'leaves a hole after'} ${before} at ${filled}`,
      );
    }
    if (end > dataLength) {
      throw bad(`'${name}' ends at ${end}, but there are ${dataLength} bytes of data; the file is truncated`);
    }
    filled = end;
    before = `the end of '${name}'`;
  }
  if (filled !== dataLength) {
    throw bad(`${dataLength - filled} bytes follow ${before}`);
  }
}

/** Copied out, since an array needs an address that is a multiple of its element size. */
function readTensor({ dtype, shape, begin, end }: Entry, bytes: Uint8Array, start: number): StoredTensor {
  const { array: ArrayType, widen } = ELEMENT_TYPES[dtype];
  const raw = new ArrayType(bytes.slice(start + begin, start + end).buffer as ArrayBuffer);
  return { dtype, shape, data: widen === undefined ? raw : widen(raw as Uint16Array) };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
