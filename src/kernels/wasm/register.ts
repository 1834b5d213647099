import type { KernelFunc, Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { findBackend, getKernel, registerKernel, unregisterKernel } from '@tensorflow/tfjs-core';
import { adamKernels } from '../adam/adam.wasm.js';
import { AFFINE } from '../affine/affine.js';
import { affineKernels } from '../affine/affine.wasm.js';
import { registerDenseGradient } from '../dense/dense.gradient.js';
import { denseKernels } from '../dense/dense.wasm.js';
import { matMulOverrides } from '../dense/matMul.wasm.js';
import { remember } from '../fusedGradient.js';
import { gradientKernels } from '../gradients/gradients.wasm.js';
import { LOGISTIC_MIXTURE } from '../logisticMixture/logisticMixture.js';
import { logisticMixtureKernels } from '../logisticMixture/logisticMixture.wasm.js';
import { noiseKernels } from '../noise/noise.wasm.js';
import { normalLogSumsKernels } from '../normalLogSums/normalLogSums.wasm.js';
import { registerPlanarGradient } from '../planar/planar.gradient.js';
import { planarKernels } from '../planar/planar.wasm.js';
import { SPLINE } from '../spline/spline.js';
import { splineKernels } from '../spline/spline.wasm.js';
import { registerJoinGradient, registerTakeGradient } from '../take/take.gradient.js';
import { takeKernels } from '../take/take.wasm.js';
import type { TransformerAttributes } from '../transformer.gradient.js';
import { registerTransformerGradient } from '../transformer.gradient.js';
import { ROWS } from '../transformRows.js';
import { unaryOverrides } from '../unary/unary.wasm.js';
import type { Instance } from './instance.js';
import { compileKernels } from './instance.js';
import { rowsKernels } from './transformRows.wasm.js';

/** A kernel of ours: inputs come as a list. */
export type WasmKernel = (instance: Instance, inputs: readonly TensorInfo[], attributes: object) => TensorInfo[];
export type WasmKernels = Readonly<Record<string, WasmKernel>>;

type Call = Parameters<KernelFunc>[0];
/** Kernels of TensorFlow.js that ours stand in for; `original` does what ours does not. */
export type WasmOverrides = Readonly<
  Record<string, (original: KernelFunc) => (instance: Instance, call: Call) => TensorInfo | TensorInfo[]>
>;

/** Kernels of transformers, and whether their gradients look at the outputs. */
const TRANSFORMERS: Readonly<Record<string, (attributes: TransformerAttributes) => boolean>> = {
  [AFFINE]: () => false,
  [LOGISTIC_MIXTURE]: ({ inverse }) => inverse,
  [SPLINE]: () => false,
};

/** Registers all kernels for the WASM backend; does nothing the second time. */
export async function registerWasmKernels(): Promise<void> {
  if (getKernel(Object.keys(denseKernels)[0] as string, 'wasm') !== undefined) {
    return;
  }
  const instanceOf = await compileKernels(findBackend('wasm'));
  if (instanceOf === undefined) {
    return;
  }
  const transformers = { ...affineKernels, ...logisticMixtureKernels, ...splineKernels };
  for (const [kernelName, run] of Object.entries({
    ...transformers,
    ...rowsKernels(Object.keys(TRANSFORMERS), transformers),
    ...denseKernels,
    ...takeKernels,
    ...planarKernels,
    ...adamKernels,
    ...noiseKernels,
    ...normalLogSumsKernels,
  })) {
    registerKernel({
      kernelName,
      backendName: 'wasm',
      kernelFunc: ({ inputs, backend, attrs }) => {
        const list = inputs as unknown as Tensor[];
        remember(kernelName, list, attrs as object);
        return run(instanceOf(backend), list, attrs as object);
      },
    });
  }
  for (const [kernelName, make] of Object.entries({ ...matMulOverrides, ...unaryOverrides, ...gradientKernels })) {
    const config = getKernel(kernelName, 'wasm');
    const run = make(config?.kernelFunc ?? missing(kernelName));
    if (config !== undefined) {
      unregisterKernel(kernelName, 'wasm');
    }
    registerKernel({ ...config, kernelName, backendName: 'wasm', kernelFunc: (call) => run(instanceOf(call.backend), call) });
  }
  registerDenseGradient();
  registerTakeGradient();
  registerJoinGradient();
  registerPlanarGradient();
  for (const [name, needsOutputs] of Object.entries(TRANSFORMERS)) {
    registerTransformerGradient(name, needsOutputs);
    registerTransformerGradient(name + ROWS, needsOutputs);
  }
}

/** Of a kernel that TensorFlow.js does not have for WASM. */
const missing =
  (name: string): KernelFunc =>
  () => {
    throw new Error(`${name} has no kernel for WASM that could do this.`);
  };
