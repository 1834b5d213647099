import type { Tensor } from '@tensorflow/tfjs-core';
import { invalid } from '../core/errors.js';
import { ACTIVATIONS } from '../kernels/dense/dense.js';

/** A nonlinearity by name: 'swish' is x sigmoid(x), 'leakyRelu' has slope 0.2 below 0. */
export type ActivationName = 'relu' | 'leakyRelu' | 'elu' | 'softplus' | 'swish' | 'tanh' | 'sigmoid';

/** A nonlinearity by name, or any elementwise function. */
export type Activation = ActivationName | ((x: Tensor) => Tensor);

/** The function of an activation. */
export function activationFunction(where: string, activation: Activation): (x: Tensor) => Tensor {
  if (typeof activation === 'function') {
    return activation;
  }
  const { linear: _, ...named } = ACTIVATIONS;
  if (!Object.hasOwn(named, activation)) {
    throw invalid(where, 'options.activation', `a function, or one of ${Object.keys(named).join(', ')}`, activation);
  }
  return named[activation];
}

/** Throws unless it is one. */
export function checkActivation(where: string, activation: Activation): void {
  activationFunction(where, activation);
}

/** Whether the activation saturates on both sides: Glorot's initial values fit it, and He's the others. */
export function saturates(activation: Activation): boolean {
  return activation === 'tanh' || activation === 'sigmoid';
}
