import type { Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { registerKernel } from '@tensorflow/tfjs-core';
import { SUM } from '../core/addAll.js';
import type { FusedKernel } from '../core/fused.js';
import { AFFINE } from './affine/affine.js';
import { registerDenseGradient } from './dense/dense.gradient.js';
import { DENSE } from './dense/dense.js';
import { denseOf } from './dense/denseCall.js';
import { runRecorded } from './fusedGradient.js';
import { logDensityOf, registerLogDensityGradient } from './logDensity/logDensity.gradient.js';
import { LOG_DENSITY } from './logDensity/logDensity.js';
import { LOGISTIC_MIXTURE } from './logisticMixture/logisticMixture.js';
import { logisticMixtureOf } from './logisticMixture/logisticMixtureCall.js';
import { planarsOf, registerPlanarGradient } from './planar/planar.gradient.js';
import { registerReshapeGradient } from './reshape/reshape.gradient.js';
import { SPLINE } from './spline/spline.js';
import { splineOf } from './spline/splineCall.js';
import { stackOf } from './stack.js';
import { registerSumGradient, sumOf } from './sum/sum.gradient.js';
import { registerSylvesterGradient, sylvesterOf } from './sylvester/sylvester.gradient.js';
import { SYLVESTER } from './sylvester/sylvester.js';
import { registerJoinGradient, registerTakeGradient } from './take/take.gradient.js';
import type { TransformerAttributes } from './transformer.gradient.js';
import { registerTransformerGradient } from './transformer.gradient.js';
import { ROWS } from './transformRows.js';

/** Kernels of transformers, and whether their gradients look at the outputs: on every backend, since a gradient is registered once. */
export const TRANSFORMERS: Readonly<Record<string, (attributes: TransformerAttributes) => boolean>> = {
  [AFFINE]: () => false,
  [LOGISTIC_MIXTURE]: ({ inverse }) => inverse,
  [SPLINE]: () => false,
};

/** How kernels are called that do not take just what the caller has. */
const CALLS: Readonly<Record<string, FusedKernel['call']>> = {
  [DENSE]: denseOf,
  [LOGISTIC_MIXTURE]: logisticMixtureOf,
  [LOG_DENSITY]: logDensityOf,
  [SPLINE]: splineOf,
  [SUM]: sumOf,
  [SYLVESTER]: sylvesterOf,
  ...planarsOf,
};

/**
 * Registers kernels for a backend, and the gradients of all.
 *
 * @param hostOf what kernels work with, for the backend that a call comes from
 */
export function registerKernels<Host>(
  backendName: string,
  kernels: Readonly<Record<string, (host: Host, inputs: readonly Tensor[], attributes: object) => TensorInfo[]>>,
  hostOf: (backend: unknown) => Host,
): void {
  for (const [kernelName, run] of Object.entries(kernels)) {
    const call: FusedKernel['call'] = CALLS[kernelName] ?? ((inputs, attributes) => runRecorded(kernelName, inputs, attributes));
    const kernel: FusedKernel = {
      kernelName,
      backendName,
      kernelFunc: ({ inputs, backend, attrs }) => run(hostOf(backend), inputs as unknown as Tensor[], attrs as object),
      call,
      stack: stackOf(kernelName, call),
    };
    registerKernel(kernel);
  }
  registerDenseGradient();
  registerTakeGradient();
  registerJoinGradient();
  registerLogDensityGradient();
  registerPlanarGradient();
  registerSylvesterGradient();
  registerReshapeGradient();
  registerSumGradient();
  for (const [name, needsOutputs] of Object.entries(TRANSFORMERS)) {
    registerTransformerGradient(name, needsOutputs);
    registerTransformerGradient(name + ROWS, needsOutputs);
  }
}
