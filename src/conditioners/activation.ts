import type { Tensor } from '@tensorflow/tfjs-core';
import { elu, leakyRelu, mul, relu, sigmoid, softplus, tanh } from '@tensorflow/tfjs-core';
import { invalid } from '../core/errors.js';
import type { DenseActivation } from '../kernels/dense/dense.js';

/** A nonlinearity by name: 'swish' is x sigmoid(x), 'leakyRelu' has slope 0.2 below 0. */
export type ActivationName = 'relu' | 'leakyRelu' | 'elu' | 'softplus' | 'swish' | 'tanh' | 'sigmoid';

/** A nonlinearity by name, or any elementwise function. */
export type Activation = ActivationName | ((x: Tensor) => Tensor);

/** The function of an activation. */
export function activationFunction(where: string, activation: Activation): (x: Tensor) => Tensor {
  if (typeof activation === 'function') {
    return activation;
  }
  if (!Object.hasOwn(ACTIVATIONS, activation)) {
    throw invalid(where, 'options.activation', `a function, or one of ${Object.keys(ACTIVATIONS).join(', ')}`, activation);
  }
  return ACTIVATIONS[activation];
}

/** Throws unless it is one. */
export function checkActivation(where: string, activation: Activation): void {
  activationFunction(where, activation);
}

/** What of an activation a dense layer does by itself, and what is left to do after it. */
export function splitActivation(
  activation: Activation | undefined,
): [within: DenseActivation | undefined, after: Activation | undefined] {
  return typeof activation === 'function' || activation === 'swish' ? [undefined, activation] : [activation, undefined];
}

/** Whether the activation saturates on both sides: Glorot's initial values fit it, and He's the others. */
export function saturates(activation: Activation): boolean {
  return activation === 'tanh' || activation === 'sigmoid';
}

const ACTIVATIONS: Readonly<Record<ActivationName, (x: Tensor) => Tensor>> = {
  relu: (x) => relu(x),
  leakyRelu: (x) => leakyRelu(x),
  elu: (x) => elu(x),
  softplus: (x) => softplus(x),
  swish: (x) => mul(x, sigmoid(x)),
  tanh: (x) => tanh(x),
  sigmoid: (x) => sigmoid(x),
};
