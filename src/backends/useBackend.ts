import { enableProdMode, findBackendFactory, getBackend, getGradient, ready, setBackend } from '@tensorflow/tfjs-core';
import { checkOptions, invalid } from '../core/errors.js';
import { inNode } from '../core/node.js';
import { loadGradients } from './gradients.js';
import { mendGradients } from './mendGradients.js';
import { startDawn } from './startDawn.js';

/** The backends that this library is tested on. */
export type BackendName = 'cpu' | 'wasm' | 'webgl' | 'webgpu';

/** What `useBackend` takes beside the names. */
export interface UseBackendOptions {
  /** Turns on TensorFlow.js's production mode, which skips its checks: faster, and cannot be undone. Default false. */
  readonly production?: boolean;
  /**
   * Where the .wasm files of `@tensorflow/tfjs-backend-wasm` are served: the address of their folder, ending in '/', or an
   * address by file name. Needed with most bundlers; not in Node. Only where `wasm` is among the names.
   */
  readonly wasmPaths?: string | Readonly<Record<string, string>>;
  /**
   * 2 for a second thread on `wasm`, which takes half of the larger kernels' rows: results stay the same bit by bit. Only where `wasm` is
   * among the names and memory can be shared: in Node, where this call must be what starts the backend, and in pages that are
   * cross-origin isolated; elsewhere `wasm` counts as one that does not work. 1 ends the second thread again. Default: as many as the
   * backend had, which at first is 1.
   */
  readonly threads?: 1 | 2;
  /** Called for each backend that does not work, before the next is tried. */
  readonly onFailure?: (failure: BackendFailure) => void;
}

/** A backend that was tried in vain. */
export interface BackendFailure {
  readonly name: string;
  /** In words, with what to do about it where that is known. */
  readonly reason: string;
}

/** What `useBackend` found. */
export interface ChosenBackend {
  /** The backend that is now the current one of TensorFlow.js. */
  readonly name: string;
  /** Those named before it, and why each did not work. */
  readonly failures: readonly BackendFailure[];
}

/**
 * Makes the first of the named backends that works here the current one of TensorFlow.js, sees to it that gradients are registered,
 * which `@tensorflow/tfjs-core` alone does not do, and registers this library's fused kernels for it. On `wasm` some of them stand in
 * for TensorFlow.js's own: products of matrices, slices, exp, log, tanh, sigmoid and softplus; there a second thread may help
 * (`threads`). Gradients of exp, tanh, sigmoid, softmax, elu and leakyRelu can be differentiated afterwards, which TensorFlow.js 4.22
 * gets wrong.
 *
 * Only the named backends are tried, in their order. The package of each (`@tensorflow/tfjs-backend-wasm` and so on) is
 * loaded when its turn comes, so an application installs those that it names. In Node, `webgpu` runs on Dawn, which the npm
 * package `webgpu` brings; it needs a Vulkan, Metal or Direct3D 12 driver, or on Linux a software one named in the
 * environment variable VK_ICD_FILENAMES. A name of another backend, your own or tfjs-node's `tensorflow`, is accepted where it
 * is registered already.
 *
 * @throws where `names` is empty or has an unknown name; where an option is wrong, or is for `wasm` and that is not named; where none of
 * them works, with the reason of each; where gradients are missing and cannot be loaded.
 * @example
 * ```ts
 * import { useBackend } from 'tfjs-flows/backends';
 *
 * const { name, failures } = await useBackend(['cpu']);
 * console.log(name, failures.length); // => cpu 0
 * ```
 */
export async function useBackend(
  names: readonly (BackendName | (string & {}))[],
  options: UseBackendOptions = {},
): Promise<ChosenBackend> {
  checkNames(names);
  checkOptions('useBackend', options, ['production', 'wasmPaths', 'threads', 'onFailure']);
  checkWasmOptions(names, options);
  const { production, onFailure } = options;
  if (production !== undefined && typeof production !== 'boolean') {
    throw invalid('useBackend', 'options.production', 'true or false', production);
  }
  if (onFailure !== undefined && typeof onFailure !== 'function') {
    throw invalid('useBackend', 'options.onFailure', 'a function', onFailure);
  }
  await ensureGradients();
  const previous = getBackend();
  const failures: BackendFailure[] = [];
  for (const name of names) {
    const reason = await attempt(name, options);
    if (reason === undefined) {
      if (production) {
        enableProdMode();
      }
      return { name, failures };
    }
    const failure = { name, reason };
    failures.push(failure);
    onFailure?.(failure);
  }
  // A failed attempt leaves TensorFlow.js pointing at a backend that is not there.
  if (previous !== undefined && getBackend() !== previous) {
    await setBackend(previous);
  }
  const reasons = failures.map(({ name, reason }) => `\n  ${name}: ${reason}`);
  throw new Error(`useBackend: none of the named backends works here.${reasons.join('')}`);
}

/** Loads and starts one backend; the reason where that fails, nothing where it is now the current one. */
async function attempt(name: string, options: UseBackendOptions): Promise<string | undefined> {
  try {
    if (isKnown(name)) {
      await BACKENDS[name](options);
    }
    const factory = findBackendFactory(name);
    if (factory === null) {
      return `its package did not register it, so it cannot run here${UNREGISTERED[name] ?? ''}`;
    }
    if (!(await withoutCrashHandlers(() => start(name, options.threads)))) {
      // TensorFlow.js only logs why. Starting it once more, outside, tells.
      await factory();
      return 'TensorFlow.js could not start it';
    }
    await ready();
    await registerKernels(name, options.threads);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

type Threads = UseBackendOptions['threads'];

/** Starts a backend, with memory for so many threads. */
async function start(name: string, threads: Threads): Promise<boolean> {
  if (name === 'wasm' && threads === 2 && inNode()) {
    const { withSharedMemory } = await import('../kernels/wasm/sharedMemory.js');
    return withSharedMemory(() => setBackend(name));
  }
  return setBackend(name);
}

/** Fused kernels of this library, where the backend has any. */
async function registerKernels(name: string, threads: Threads): Promise<void> {
  if (name === 'cpu') {
    const { registerCpuKernels } = await import('../kernels/cpu/register.js');
    registerCpuKernels();
  }
  if (name === 'wasm') {
    const { registerWasmKernels } = await import('../kernels/wasm/register.js');
    await registerWasmKernels(threads);
  }
  if (name === 'webgl' || name === 'webgpu') {
    const { registerGpuKernels } = await import('../kernels/gpu/register.js');
    registerGpuKernels(name);
  }
}

/**
 * Runs `start` and takes back the handlers of crashes that it adds to the process: those of the WASM backend throw any uncaught
 * error of the program once more, so that the place shown is in the backend's file (in a bundle: all of its source on one line).
 */
async function withoutCrashHandlers(start: () => Promise<boolean>): Promise<boolean> {
  if (!inNode()) {
    return start();
  }
  const events = ['uncaughtException', 'unhandledRejection'] as const;
  const before = events.map((event) => process.listeners(event as 'uncaughtException'));
  try {
    return await start();
  } finally {
    events.forEach((event, i) => {
      for (const listener of process.listeners(event as 'uncaughtException')) {
        if (before[i]?.includes(listener) === false) {
          process.removeListener(event, listener);
        }
      }
    });
  }
}

/** How each backend is loaded. The specifiers are literal, so that bundlers see them. */
const BACKENDS: Readonly<Record<BackendName, (options: UseBackendOptions) => Promise<unknown>>> = {
  cpu: () => import('@tensorflow/tfjs-backend-cpu').catch(missing('@tensorflow/tfjs-backend-cpu')),
  webgl: () => import('@tensorflow/tfjs-backend-webgl').catch(missing('@tensorflow/tfjs-backend-webgl')),
  wasm: async ({ wasmPaths }) => {
    const wasm = await import('@tensorflow/tfjs-backend-wasm').catch(missing('@tensorflow/tfjs-backend-wasm'));
    if (wasmPaths !== undefined && getBackend() !== 'wasm') {
      wasm.setWasmPaths(typeof wasmPaths === 'string' ? wasmPaths : { ...wasmPaths });
    }
  },
  webgpu: async () => {
    // The package looks for navigator.gpu as it is loaded, so Dawn comes first.
    await startDawn();
    if ((await gpu()?.requestAdapter()) == null) {
      throw new Error(gpu() === undefined ? NO_WEBGPU : NO_ADAPTER);
    }
    await import('@tensorflow/tfjs-backend-webgpu').catch(missing('@tensorflow/tfjs-backend-webgpu'));
  },
};

const NO_WEBGPU = 'there is no WebGPU here (navigator.gpu is missing; pages need a recent browser and https)';
const NO_ADAPTER =
  'WebGPU found no graphics driver that it accepts (requestAdapter gave null); on Linux without a GPU, name a software Vulkan driver such as SwiftShader in the environment variable VK_ICD_FILENAMES';

const UNREGISTERED: Readonly<Record<string, string>> = {
  webgl: ' (WebGL needs a page or a worker of a browser)',
  webgpu: ' (its package was loaded before WebGPU was there: call useBackend before importing it)',
};

/** The part of WebGPU that is asked for here; TypeScript's DOM library does not have it. */
interface Gpu {
  requestAdapter(): Promise<object | null>;
}

const gpu = (): Gpu | undefined => (globalThis.navigator as { gpu?: Gpu } | undefined)?.gpu;

const isKnown = (name: string): name is BackendName => Object.hasOwn(BACKENDS, name);

function missing(specifier: string): (error: unknown) => never {
  return (error) => {
    throw new Error(
      `the npm package ${specifier} does not load: ${error instanceof Error ? error.message.split('\n')[0] : error}`,
    );
  };
}

async function ensureGradients(): Promise<void> {
  if (getGradient('Sum') === undefined) {
    await loadGradients();
  }
  if (getGradient('Sum') === undefined) {
    throw new Error(
      "useBackend: no gradients are registered in TensorFlow.js, and they could not be loaded. Import '@tensorflow/tfjs' (or '@tensorflow/tfjs-layers') before this call.",
    );
  }
  mendGradients();
}

function checkNames(names: readonly string[]): void {
  if (!Array.isArray(names) || names.length === 0) {
    throw invalid('useBackend', 'names', 'a list of at least one backend', names);
  }
  names.forEach((name, i) => {
    if (typeof name !== 'string' || !(isKnown(name) || findBackendFactory(name) !== null)) {
      const known = Object.keys(BACKENDS).map((each) => `'${each}'`);
      throw invalid('useBackend', `names[${i}]`, `${known.join(', ')} or the name of a registered backend`, name);
    }
  });
}

/** Options of `wasm` are refused where nothing would look at them. */
function checkWasmOptions(names: readonly string[], { threads, wasmPaths }: UseBackendOptions): void {
  if (threads !== undefined && threads !== 1 && threads !== 2) {
    throw invalid('useBackend', 'options.threads', '1 or 2', threads);
  }
  if (wasmPaths !== undefined && typeof wasmPaths !== 'string' && Object(wasmPaths) !== wasmPaths) {
    throw invalid('useBackend', 'options.wasmPaths', 'a path, or a path for each file', wasmPaths);
  }
  if (names.includes('wasm')) {
    return;
  }
  if (threads === 2) {
    throw invalid('useBackend', 'options.threads', "1 or left out where 'wasm' is not among the names", threads);
  }
  if (wasmPaths !== undefined) {
    throw invalid('useBackend', 'options.wasmPaths', "left out where 'wasm' is not among the names", wasmPaths);
  }
}
