import type { Tensor } from '@tensorflow/tfjs-core';
import { env, getKernel, registerKernel } from '@tensorflow/tfjs-core';
import { adamKernels } from '../adam/adam.gpu.js';
import { gpuAffine } from '../affine/affine.gpu.js';
import { AFFINE } from '../affine/affine.js';
import { denseKernels } from '../dense/dense.gpu.js';
import { registerDenseGradient } from '../dense/dense.gradient.js';
import { remember } from '../fusedGradient.js';
import { gpuLogisticMixture } from '../logisticMixture/logisticMixture.gpu.js';
import { LOGISTIC_MIXTURE } from '../logisticMixture/logisticMixture.js';
import { gpuSpline } from '../spline/spline.gpu.js';
import { SPLINE } from '../spline/spline.js';
import { takeKernels } from '../take/take.gpu.js';
import { registerJoinGradient, registerTakeGradient } from '../take/take.gradient.js';
import type { TransformerAttributes } from '../transformer.gradient.js';
import { registerTransformerGradient } from '../transformer.gradient.js';
import { ROWS } from '../transformRows.js';
import { gpuFor } from './gpu.js';
import type { GpuTransformer } from './transformRows.gpu.js';
import { transformerKernels } from './transformRows.gpu.js';

/** Registers all kernels for WebGL or WebGPU; does nothing the second time. */
export function registerGpuKernels(backendName: 'webgl' | 'webgpu'): void {
  if (getKernel(Object.keys(denseKernels)[0] as string, backendName) !== undefined) {
    return;
  }
  // The texts are GLSL of WebGL 2, and their numbers float32.
  if (backendName === 'webgl' && !(env().getNumber('WEBGL_VERSION') === 2 && env().getBool('WEBGL_RENDER_FLOAT32_ENABLED'))) {
    return;
  }
  const gpuOf = gpuFor(backendName);
  const transformers = Object.fromEntries(
    Object.entries(TRANSFORMERS).flatMap(([name, transformer]) => Object.entries(transformerKernels(name, transformer))),
  );
  for (const [kernelName, run] of Object.entries({
    ...denseKernels,
    ...takeKernels,
    ...adamKernels,
    ...transformers,
  })) {
    registerKernel({
      kernelName,
      backendName,
      kernelFunc: ({ inputs, backend, attrs }) => {
        const list = inputs as unknown as Tensor[];
        remember(kernelName, list, attrs as object);
        return run(gpuOf(backend), list, attrs as object);
      },
    });
  }
  registerDenseGradient();
  registerTakeGradient();
  registerJoinGradient();
  for (const [name, { needsOutput }] of Object.entries(TRANSFORMERS)) {
    registerTransformerGradient(name, needsOutput);
    registerTransformerGradient(name + ROWS, needsOutput);
  }
}

/** By the names of their kernels. */
const TRANSFORMERS = {
  [AFFINE]: gpuAffine,
  [LOGISTIC_MIXTURE]: gpuLogisticMixture,
  [SPLINE]: gpuSpline,
} as unknown as Readonly<Record<string, GpuTransformer<TransformerAttributes>>>;
