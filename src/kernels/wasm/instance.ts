import type { DataId, KernelBackend, TensorInfo } from '@tensorflow/tfjs-core';
import { BINARY, RELAXED_BINARY } from './binary.js';
import type { Exports } from './exports.js';

/** What is used of TensorFlow.js's WASM backend. */
interface WasmBackend extends KernelBackend {
  readonly wasm: {
    readonly asm: { readonly memory: WebAssembly.Memory };
    _malloc(bytes: number): number;
    _free(address: number): void;
  };
  readonly dataIdMap: { get(id: DataId): { readonly memoryOffset: number } };
  makeOutput(shape: readonly number[], dtype: 'float32', address?: undefined, values?: Float32Array): TensorInfo;
}

/** Our kernels, working in place on the tensors of one backend. */
export interface Instance {
  readonly exports: Exports;
  /** Where the numbers of a tensor lie. */
  address(tensor: TensorInfo): number;
  /** A new float32 tensor, its numbers not set. */
  output(shape: readonly number[]): TensorInfo;
  /** A new scalar. */
  scalar(value: number): TensorInfo;
  /** Frees one that is no result. */
  free(tensor: TensorInfo): void;
  /** Integers in scratch memory. */
  integers(values: readonly number[]): number;
  /** Integers at an address. */
  integersAt(address: number, values: readonly number[]): number;
  /** Memory for the time of a call; the next call of this has the same. */
  scratch(bytes: number): number;
}

/** Compiles the kernels, and gives the instance for a backend, which is made when it is first wanted. */
export async function compileKernels(): Promise<(backend: unknown) => Instance> {
  const relaxed = decode(RELAXED_BINARY);
  const module = await WebAssembly.compile(WebAssembly.validate(relaxed) ? relaxed : decode(BINARY));
  const instances = new WeakMap<object, Instance>();
  return (backend) => {
    const found = instances.get(backend as object);
    if (found !== undefined) {
      return found;
    }
    const made = instantiate(module, backend as WasmBackend);
    instances.set(backend as object, made);
    return made;
  };
}

function instantiate(module: WebAssembly.Module, backend: WasmBackend): Instance {
  const { wasm, dataIdMap } = backend;
  const { exports } = new WebAssembly.Instance(module, { env: { memory: wasm.asm.memory } });
  let held = 0;
  let size = 0;
  const scratch = (bytes: number): number => {
    if (bytes > size) {
      if (held !== 0) {
        wasm._free(held);
      }
      size = bytes;
      held = wasm._malloc(bytes) >>> 0;
    }
    return held;
  };
  const integersAt = (address: number, values: readonly number[]): number => {
    new Int32Array(wasm.asm.memory.buffer, address, values.length).set(values);
    return address;
  };
  return {
    exports: exports as unknown as Exports,
    address: ({ dataId }) => dataIdMap.get(dataId).memoryOffset,
    output: (shape) => backend.makeOutput(shape, 'float32'),
    scalar: (value) => backend.makeOutput([], 'float32', undefined, Float32Array.of(value)),
    free: ({ dataId }) => {
      backend.disposeData(dataId);
    },
    integers: (values) => integersAt(scratch(4 * values.length), values),
    integersAt,
    scratch,
  };
}

function decode(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
