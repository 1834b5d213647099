import { getKernel } from '@tensorflow/tfjs-core';
import { adamKernels } from '../adam/adam.cpu.js';
import { ADAM } from '../adam/adam.js';
import { normKernels } from '../adam/norm.cpu.js';
import { affineElement } from '../affine/affine.element.js';
import { AFFINE } from '../affine/affine.js';
import { denseKernels } from '../dense/dense.cpu.js';
import { logDensityKernels } from '../logDensity/logDensity.cpu.js';
import { logisticMixtureElement } from '../logisticMixture/logisticMixture.element.js';
import { LOGISTIC_MIXTURE } from '../logisticMixture/logisticMixture.js';
import { planarKernels } from '../planar/planar.cpu.js';
import { registerKernels } from '../register.js';
import { reshapeKernels } from '../reshape/reshape.js';
import { splineElement } from '../spline/spline.element.js';
import { SPLINE } from '../spline/spline.js';
import { sumKernels } from '../sum/sum.cpu.js';
import { sylvesterKernels } from '../sylvester/sylvester.cpu.js';
import { takeKernels } from '../take/take.cpu.js';
import type { CpuKernels } from './cpu.js';
import { cpuOf } from './cpu.js';
import { transformerKernels } from './transformers.cpu.js';

/** Registers all kernels for TensorFlow.js's CPU backend, under whatever name it has; does nothing the second time. */
export function registerCpuKernels(backendName = 'cpu'): void {
  if (getKernel(ADAM, backendName) !== undefined) {
    return;
  }
  const kernels: CpuKernels = {
    ...adamKernels,
    ...normKernels,
    ...denseKernels,
    ...logDensityKernels,
    ...planarKernels,
    ...sylvesterKernels,
    ...takeKernels,
    ...reshapeKernels,
    ...sumKernels,
    ...transformerKernels(AFFINE, affineElement),
    ...transformerKernels(LOGISTIC_MIXTURE, logisticMixtureElement),
    ...transformerKernels(SPLINE, splineElement),
  };
  registerKernels(backendName, kernels, cpuOf);
}
