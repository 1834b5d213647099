import type { KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import { findBackend, getKernel, registerKernel, unregisterKernel } from '@tensorflow/tfjs-core';
import { adamKernels } from '../adam/adam.wasm.js';
import { affineKernels } from '../affine/affine.wasm.js';
import { denseKernels } from '../dense/dense.wasm.js';
import { matMulOverrides } from '../dense/matMul.wasm.js';
import { gradientKernels } from '../gradients/gradients.wasm.js';
import { logDensityKernels } from '../logDensity/logDensity.wasm.js';
import { logisticMixtureKernels } from '../logisticMixture/logisticMixture.wasm.js';
import { noiseKernels } from '../noise/noise.wasm.js';
import { normalLogSumsKernels } from '../normalLogSums/normalLogSums.wasm.js';
import { planarKernels } from '../planar/planar.wasm.js';
import { registerKernels, TRANSFORMERS } from '../register.js';
import { reshapeKernels } from '../reshape/reshape.js';
import { sliceOverrides } from '../slice/slice.wasm.js';
import { splineKernels } from '../spline/spline.wasm.js';
import { sumKernels } from '../sum/sum.wasm.js';
import { sylvesterKernels } from '../sylvester/sylvester.wasm.js';
import { takeKernels } from '../take/take.wasm.js';
import { unaryOverrides } from '../unary/unary.wasm.js';
import type { Instance } from './instance.js';
import { compileKernels, hasSharedMemory } from './instance.js';
import { rowsKernels } from './transformRows.wasm.js';

/** A kernel of ours: inputs come as a list. */
export type WasmKernel = (instance: Instance, inputs: readonly TensorInfo[], attributes: object) => TensorInfo[];
export type WasmKernels = Readonly<Record<string, WasmKernel>>;

type Call = Parameters<KernelFunc>[0];
/** Kernels of TensorFlow.js that ours stand in for; `original` does what ours does not. */
export type WasmOverrides = Readonly<
  Record<string, (original: KernelFunc) => (instance: Instance, call: Call) => TensorInfo | TensorInfo[]>
>;

/**
 * Registers all kernels for the WASM backend, which has started, unless they are there.
 *
 * @param threads how many are to run them; without it as many as before, one at first
 */
export async function registerWasmKernels(threads?: 1 | 2): Promise<void> {
  const backend = findBackend('wasm');
  if (threads === 2 && !hasSharedMemory(backend)) {
    throw new Error(UNSHARED);
  }
  const instanceOf = await compileKernels(backend);
  if (instanceOf === undefined) {
    return;
  }
  const instance = instanceOf(backend);
  if (threads !== undefined) {
    await instance.useThreads(threads);
  }
  if (getKernel(Object.keys(denseKernels)[0] as string, 'wasm') !== undefined) {
    return;
  }
  const transformers = { ...affineKernels, ...logisticMixtureKernels, ...splineKernels };
  const kernels: WasmKernels = {
    ...transformers,
    ...rowsKernels(Object.keys(TRANSFORMERS), transformers),
    ...denseKernels,
    ...takeKernels,
    ...reshapeKernels,
    ...sumKernels,
    ...planarKernels,
    ...adamKernels,
    ...noiseKernels,
    ...normalLogSumsKernels,
    ...logDensityKernels,
    ...sylvesterKernels,
  };
  registerKernels('wasm', kernels, instanceOf);
  for (const [kernelName, make] of Object.entries({
    ...matMulOverrides,
    ...unaryOverrides,
    ...sliceOverrides,
    ...gradientKernels,
  })) {
    const config = getKernel(kernelName, 'wasm');
    const run = make(config?.kernelFunc ?? missing(kernelName));
    if (config !== undefined) {
      unregisterKernel(kernelName, 'wasm');
    }
    registerKernel({ ...config, kernelName, backendName: 'wasm', kernelFunc: (call) => run(instanceOf(call.backend), call) });
  }
}

const UNSHARED =
  'a second thread needs memory that threads can share: ask for it before anything else starts this backend; a page has to be cross-origin isolated';

/** Of a kernel that TensorFlow.js does not have for WASM. */
const missing =
  (name: string): KernelFunc =>
  () => {
    throw new Error(`${name} has no kernel for WASM that could do this.`);
  };
