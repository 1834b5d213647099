import type { DataId, KernelBackend, TensorInfo } from '@tensorflow/tfjs-core';
import { BINARY, RELAXED_BINARY } from './binary.js';
import type { Exports } from './exports.js';
import type { Thread } from './thread.js';
import { startThread } from './thread.js';

/** What is used of TensorFlow.js's WASM backend. */
interface WasmBackend extends KernelBackend {
  readonly wasm: {
    readonly asm: { readonly memory: WebAssembly.Memory };
    _malloc(bytes: number): number;
    _free(address: number): void;
  };
  readonly dataIdMap: { get(id: DataId): { readonly memoryOffset: number } };
  makeOutput(shape: readonly number[], dtype: 'float32', address?: undefined, values?: Float32Array): TensorInfo;
  /** Ours: kept here, so that a later call finds it. */
  tfjsFlows?: Instance;
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
  /** Lets the memory of a tensor be that of one more. */
  share(id: DataId): void;
  /** Integers in scratch memory. */
  integers(values: readonly number[]): number;
  /** Integers at an address. */
  integersAt(address: number, values: readonly number[]): number;
  /** Memory for the time of a call; the next call of this has the same. */
  scratch(bytes: number): number;
  /** Runs an export over rows, half of them in the second thread where there is one and the work is worth it. */
  overRows(name: keyof Exports, work: RowWork): void;
  /** Starts a second thread, which the memory must be shared for, or ends it; does nothing where it is so already. */
  useThreads(threads: 1 | 2): Promise<void>;
}

/** Rows that do not depend on each other. */
export interface RowWork {
  readonly rows: number;
  /** About how long a row takes. */
  readonly nanoseconds: number;
  /** Of scratch memory, however many rows there are. Default 0. */
  readonly bytes?: number;
  /** What the export is called with for some of the rows. */
  numbers(first: number, rows: number, scratch: number): readonly number[];
}

/**
 * Compiles the kernels for the memory of a backend, and gives the one instance for it or for a later one, which is made when it is first
 * wanted; undefined where this is no backend with a memory as TensorFlow.js 4 has it.
 */
export async function compileKernels(like: unknown): Promise<((backend: unknown) => Instance) | undefined> {
  const memory = (like as Partial<WasmBackend> | null)?.wasm?.asm?.memory;
  if (!(memory instanceof WebAssembly.Memory)) {
    return undefined;
  }
  const isShared = hasSharedMemory(like);
  const [relaxed, plain] = [RELAXED_BINARY, BINARY].map((text) => forMemory(decode(text), isShared)) as [Binary, Binary];
  const module = await WebAssembly.compile(WebAssembly.validate(relaxed) ? relaxed : plain);
  return (given) => {
    const backend = given as WasmBackend;
    backend.tfjsFlows ??= instantiate(module, backend);
    return backend.tfjsFlows;
  };
}

/** Nanoseconds of work from which on a second thread saves time. */
const WORTHWHILE = 50_000;
/** Kernels take rows by fours. */
const TILE = 4;

/** Whether a backend's memory is one that threads can share. */
export function hasSharedMemory(backend: unknown): boolean {
  const buffer = (backend as Partial<WasmBackend> | null)?.wasm?.asm?.memory?.buffer;
  return typeof SharedArrayBuffer !== 'undefined' && (buffer as unknown) instanceof SharedArrayBuffer;
}

function instantiate(module: WebAssembly.Module, backend: WasmBackend): Instance {
  const { wasm, dataIdMap } = backend;
  const { exports } = new WebAssembly.Instance(module, { env: { memory: wasm.asm.memory } });
  let thread: Thread | undefined;
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
    share: (id) => backend.incRef(id),
    integers: (values) => integersAt(scratch(4 * values.length), values),
    integersAt,
    scratch,
    overRows: (name, { rows, nanoseconds, bytes = 0, numbers }) => {
      const kernel = (exports as unknown as Exports)[name];
      if (thread === undefined || rows <= TILE || rows * nanoseconds < WORTHWHILE || !thread.keepsUp()) {
        kernel(...numbers(0, rows, scratch(bytes)));
        return;
      }
      const half = TILE * Math.ceil(rows / 2 / TILE);
      const whole = VECTOR * Math.ceil(bytes / VECTOR);
      const own = scratch(2 * whole);
      const others = numbers(half, rows - half, own + whole);
      thread.start(name, others);
      let isDone = false;
      try {
        kernel(...numbers(0, half, own));
      } finally {
        isDone = thread.finish();
      }
      if (!isDone) {
        kernel(...others);
      }
    },
    useThreads: async (threads) => {
      if (threads === 1) {
        thread?.stop();
        thread = undefined;
      } else if (thread === undefined) {
        const started = await startThread(module, wasm.asm.memory);
        const dispose = backend.dispose.bind(backend);
        backend.dispose = () => {
          started.stop();
          dispose();
        };
        thread = started;
      }
    },
  };
}

/** Bytes of four float32 numbers. */
const VECTOR = 16;

type Binary = Uint8Array<ArrayBuffer>;

/** TensorFlow.js's backend with threads has shared memory, and a module says which kind it imports: in the byte after its name and 2. */
function forMemory(binary: Binary, isShared: boolean): Binary {
  const name = [...'memory'].map((letter) => letter.charCodeAt(0));
  const at = binary.findIndex((_, i) => name.every((code, k) => binary[i + k] === code) && binary[i + name.length] === 2);
  if (isShared) {
    binary[at + name.length + 1] = LIMITED | SHARED;
  }
  return binary;
}

/** Bits of that byte. */
const LIMITED = 1;
const SHARED = 2;

function decode(base64: string): Binary {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
