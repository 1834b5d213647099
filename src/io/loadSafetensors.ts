import type { Variable } from '@tensorflow/tfjs-core';
import { checkOptions, invalid } from '../core/errors.js';
import type { Module } from '../core/module.js';
import { decodeSafetensors } from './decodeSafetensors.js';
import type { Safetensors } from './format.js';
import { matchTensors } from './matchTensors.js';
import { nodeModules } from './node.js';
import { tensorsOf } from './saveSafetensors.js';

/** What `loadSafetensors` may take besides. */
export interface LoadSafetensorsOptions {
  /** Whether names that only the module or only the file has are an error. Default true. */
  readonly strict?: boolean;
  /** Where in the file the module's names stand: a file's 'flow.w' is `w` under the prefix 'flow.'. Other names are passed over. Default ''. */
  readonly prefix?: string;
  /**
   * The module's name for a name of the file (without prefix): a table, where a name that is not in it stays, or a function,
   * where undefined passes the tensor over.
   */
  readonly rename?: Readonly<Record<string, string>> | ((name: string) => string | undefined);
}

/** What was done. */
export interface LoadReport {
  /** The module's names that have new values. */
  readonly loaded: readonly string[];
  /** The module's names that the file lacks; empty where strict. */
  readonly missing: readonly string[];
  /** The file's names that the module lacks; empty where strict. */
  readonly unexpected: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Gives a module's parameters and buffers the values of a safetensors file.
 *
 * Everything is checked first: where the file does not fit, one error lists all that is missing, unexpected, misshaped or of
 * another kind, and the module is left as it was. F16, BF16 and F64 are converted for float32 variables, integers for int32
 * ones, BOOL goes to bool.
 *
 * @param target the module, or variables by name
 * @param source a path in Node, a URL object (fetched, or read where it is a file's), or the bytes
 * @throws for a source that cannot be read, a file that is no safetensors file, and one that does not fit.
 * @example
 * ```ts
 * import { createRng, planar } from 'tfjs-flows';
 * import { loadSafetensors, saveSafetensors } from 'tfjs-flows/io';
 *
 * const bytes = await saveSafetensors(planar({ dim: 2, rng: createRng(0) }));
 * const report = await loadSafetensors(planar({ dim: 2, rng: createRng(1) }), bytes);
 * console.log(report.loaded); // => [ 'w', 'u', 'b' ]
 * ```
 */
export async function loadSafetensors(
  target: Pick<Module, 'parameters' | 'buffers'> | Readonly<Record<string, Variable>>,
  source: string | URL | Uint8Array | ArrayBuffer,
  options: LoadSafetensorsOptions = {},
): Promise<LoadReport> {
  checkOptions('loadSafetensors', options, ['strict', 'prefix', 'rename']);
  const { strict = true, prefix = '', rename = {} } = options;
  const variables = tensorsOf('loadSafetensors', target) as Record<string, Variable>;
  const { tensors, metadata } = decodeFrom(source, await readSource(source));
  const { assign, ...names } = matchTensors('loadSafetensors', variables, tensors, {
    strict,
    prefix,
    rename: typeof rename === 'function' ? rename : (name) => (Object.hasOwn(rename, name) ? rename[name] : name),
  });
  assign();
  return { ...names, metadata };
}

/** Where the file has a name, an error tells it. */
function decodeFrom(source: unknown, bytes: Uint8Array): Safetensors {
  try {
    return decodeSafetensors(bytes);
  } catch (cause) {
    if (typeof source === 'string' || source instanceof URL) {
      throw new Error(`loadSafetensors: '${source}': ${(cause as Error).message}`, { cause });
    }
    throw cause;
  }
}

async function readSource(source: unknown): Promise<Uint8Array> {
  if (source instanceof Uint8Array) {
    return source;
  }
  if (source instanceof ArrayBuffer) {
    return new Uint8Array(source);
  }
  const isUrl = source instanceof URL;
  if (isUrl && source.protocol !== 'file:') {
    const response = await fetch(source);
    if (!response.ok) {
      throw new Error(`loadSafetensors: could not fetch '${source}': ${response.status} ${response.statusText}`);
    }
    return new Uint8Array(await response.arrayBuffer());
  }
  if (!isUrl && (typeof source !== 'string' || source === '')) {
    throw invalid('loadSafetensors', 'source', 'a path, a URL, a Uint8Array or an ArrayBuffer', source);
  }
  const { files } = await nodeModules('loadSafetensors');
  try {
    return await files.readFile(source);
  } catch (cause) {
    throw new Error(`loadSafetensors: could not read '${source}': ${(cause as Error).message}`, { cause });
  }
}
