import { env, getKernel } from '@tensorflow/tfjs-core';
import { adamKernels } from '../adam/adam.gpu.js';
import { normKernels } from '../adam/norm.gpu.js';
import { affineElement } from '../affine/affine.element.js';
import { AFFINE } from '../affine/affine.js';
import { denseKernels } from '../dense/dense.gpu.js';
import { logDensityKernels } from '../logDensity/logDensity.gpu.js';
import { logisticMixtureElement } from '../logisticMixture/logisticMixture.element.js';
import { LOGISTIC_MIXTURE } from '../logisticMixture/logisticMixture.js';
import { noiseKernels } from '../noise/noise.gpu.js';
import { normalLogSumsKernels } from '../normalLogSums/normalLogSums.gpu.js';
import { planarKernels } from '../planar/planar.gpu.js';
import { registerKernels } from '../register.js';
import { splineElement } from '../spline/spline.element.js';
import { SPLINE } from '../spline/spline.js';
import { sumKernels } from '../sum/sum.gpu.js';
import { sylvesterKernels } from '../sylvester/sylvester.gpu.js';
import { takeKernels } from '../take/take.gpu.js';
import type { GpuKernels } from './gpu.js';
import { gpuFor } from './gpu.js';
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
  const kernels: GpuKernels = {
    ...denseKernels,
    ...takeKernels,
    ...adamKernels,
    ...normKernels,
    ...noiseKernels,
    ...normalLogSumsKernels,
    ...planarKernels,
    ...logDensityKernels,
    ...sylvesterKernels,
    ...sumKernels,
    ...transformerKernels(AFFINE, affineElement),
    ...transformerKernels(LOGISTIC_MIXTURE, logisticMixtureElement),
    ...transformerKernels(SPLINE, splineElement),
  };
  registerKernels(backendName, kernels, gpuFor(backendName));
}
