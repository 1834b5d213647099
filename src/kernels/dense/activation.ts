import type { DenseActivation } from './dense.js';
import { ELU, LEAKY_RELU, LINEAR, RELU, SIGMOID, SOFTPLUS, TANH } from './math.js';

/** The numbers of activations in `math.ts`. */
export const ACTIVATIONS: Readonly<Record<DenseActivation, number>> = {
  linear: LINEAR,
  relu: RELU,
  leakyRelu: LEAKY_RELU,
  elu: ELU,
  tanh: TANH,
  sigmoid: SIGMOID,
  softplus: SOFTPLUS,
};
