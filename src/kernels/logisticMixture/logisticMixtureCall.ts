import type { Tensor } from '@tensorflow/tfjs-core';
import type { FusedKernel } from '../../core/fused.js';
import { runRecorded } from '../fusedGradient.js';
import { LOGISTIC_MIXTURE } from './logisticMixture.js';

/** How the kernel is called: with parameters in one tensor, or with logits, means and log-scales of x's trailing axes, again and again. */
export const logisticMixtureOf: FusedKernel['call'] = (inputs, attributes) => {
  const [x, ...parameters] = inputs as [Tensor, ...Tensor[]];
  const [shape, ...others] = parameters.map((parameter) => String(parameter.shape.slice(0, -1)).replace(/^(1,)+/, ''));
  const fits = parameters.every(({ rank }) => rank <= x.rank + 1);
  const repeats = fits && others.every((other) => other === shape) && `,${x.shape}`.endsWith(`,${shape}`);
  return others.length === 0 || repeats ? runRecorded(LOGISTIC_MIXTURE, inputs, attributes) : undefined;
};
